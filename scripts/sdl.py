"""Writes graphql/schema.graphql from the served schema, or checks that it is what would be written."""

import argparse
import sys
from difflib import unified_diff
from pathlib import Path

from app.api.schema import schema

SNAPSHOT = Path(__file__).parent.parent / "graphql" / "schema.graphql"


def render() -> str:
    """The served schema in the schema definition language."""
    return schema.as_str() + "\n"


def main() -> int:
    """Write the snapshot; with --check write nothing, and print the difference and return 1 where there is one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether the snapshot is up to date")
    if not parser.parse_args().check:
        SNAPSHOT.parent.mkdir(exist_ok=True)
        SNAPSHOT.write_text(render(), "utf-8")
        return 0
    kept = SNAPSHOT.read_text("utf-8") if SNAPSHOT.is_file() else ""
    difference = list(unified_diff(kept.splitlines(), render().splitlines(), "published", "served", lineterm=""))
    if difference:
        print(*difference, "graphql/schema.graphql is out of date: run `make sdl`", sep="\n", file=sys.stderr)
    return bool(difference)


if __name__ == "__main__":
    sys.exit(main())
