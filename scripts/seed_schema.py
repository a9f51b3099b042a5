"""Writes app/seeding/schema.json, the JSON Schema of seed files, from app/seeding/format.py."""

import json
from pathlib import Path

from app.seeding.format import SeedFile

SNAPSHOT = Path(__file__).parent.parent / "app" / "seeding" / "schema.json"


def render() -> str:
    """The schema as it is published."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **SeedFile.model_json_schema(by_alias=True)}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    SNAPSHOT.write_text(render(), "utf-8")
