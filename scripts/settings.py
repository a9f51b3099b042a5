"""Writes docs/settings.md from app/settings.py, or checks that it is what would be written."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from app.settings import Settings, variable

PAGE = Path(__file__).parent.parent / "docs" / "settings.md"
INTRODUCTION = """# Settings

Each setting is an environment variable. `tollgate serve` checks them at start and refuses to run with one that it can't
use. An empty variable counts as not set. This page is written by `make settings` from `app/settings.py`.
"""


def render() -> str:
    """The page as Markdown."""
    return "\n".join([INTRODUCTION, *(line for section in Settings.sections for line in _section(section))])


def _section(section: type[BaseModel]) -> Iterator[str]:
    yield f"## {section.__doc__}\n"
    yield "| variable | value | default | |"
    yield "|---|---|---|---|"
    for name, field in section.model_fields.items():
        cells = (f"`{variable(name)}`", _kind(field.annotation), _default(field), field.description or "")
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
    yield ""


def _kind(annotation: Any) -> str:
    if get_origin(annotation) in (Union, UnionType):
        return _kind(next(part for part in get_args(annotation) if part is not NoneType))
    if get_origin(annotation) is Literal:
        return " or ".join(f"`{value}`" for value in get_args(annotation))
    if get_origin(annotation) is tuple:
        return "list"
    names = {str: "text", int: "whole number", float: "number", bool: "`true` or `false`", Path: "path"}
    return names.get(annotation, "secret text" if annotation is SecretStr else "text")


def _default(field: FieldInfo) -> str:
    value = field.default
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, bool):
        value = str(value).lower()
    if isinstance(value, tuple):
        value = ",".join(map(str, value))
    return "" if value is None or value == "" else f"`{value}`"


def main() -> int:
    """Write the page; with --check write nothing and return 1 where it is out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether the page is up to date")
    if parser.parse_args().check:
        if PAGE.is_file() and PAGE.read_text("utf-8") == render():
            return 0
        print("docs/settings.md is out of date: run `make settings`", file=sys.stderr)
        return 1
    PAGE.write_text(render(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
