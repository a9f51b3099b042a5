"""The Regions and what each supports, read once from `data/regions.json` (RG-1, RO-7)."""

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from app.kernel.errors import invalid


@dataclass(frozen=True, slots=True)
class Region:
    """A Region, and whether service-linked roles and work across accounts are supported in it."""

    code: str
    name: str
    supports_service_linked_roles: bool
    supports_cross_account: bool


@lru_cache(maxsize=1)
def _table() -> dict[str, Region]:
    text = resources.files("app.kernel").joinpath("data/regions.json").read_text(encoding="utf-8")
    return {
        each["code"]: Region(each["code"], each["name"], each["serviceLinkedRoles"], each["crossAccount"])
        for each in json.loads(text)
    }


def regions() -> tuple[Region, ...]:
    """All nineteen, in the guide's order."""
    return tuple(_table().values())


def region(code: str, *field: str) -> Region:
    """The Region of a code; INVALID_INPUT, naming the field, for one that is not known."""
    known = _table().get(code)
    if known is None:
        raise invalid(
            f"“{code[:40]}” is not a Region of License Manager.",
            *field,
            remedy="Ask the query regions for those that are.",
            rule="RG-1",
        )
    return known


def partition(code: str) -> str:
    """The ARN partition of a Region (LC-13)."""
    return "aws-us-gov" if code.startswith("us-gov-") else "aws"
