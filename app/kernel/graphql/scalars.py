"""The contract's scalars; each refuses what is not one with a message that shows it."""

import re
from datetime import UTC, datetime
from typing import Any, NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from app.kernel.clock import iso

AccountId = NewType("AccountId", str)
RegionCode = NewType("RegionCode", str)
JSON = NewType("JSON", object)

_ACCOUNT_ID = re.compile(r"[0-9]{12}")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]{1,2}")


def _account_id(value: Any) -> str:
    if not isinstance(value, str) or not _ACCOUNT_ID.fullmatch(value):
        raise ValueError("an account id is a string of twelve digits")
    return value


def _region(value: Any) -> str:
    if not isinstance(value, str) or not _REGION.fullmatch(value):
        raise ValueError("a Region's code is a string such as us-east-1")
    return value


def _instant(value: Any) -> datetime:
    if not isinstance(value, str) or len(value) > 40 or "T" not in value:
        raise ValueError("an instant is a string in ISO 8601 with a time zone, such as 2026-01-31T13:00:00Z")
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("an instant is a string in ISO 8601 with a time zone, such as 2026-01-31T13:00:00Z") from None
    if parsed.tzinfo is None:
        raise ValueError("an instant needs a time zone, such as the Z of 2026-01-31T13:00:00Z")
    if not 1970 <= parsed.year <= 9998:
        raise ValueError("an instant lies between the years 1970 and 9998")
    return parsed.astimezone(UTC)


SCALARS: dict[object, ScalarDefinition] = {
    AccountId: strawberry.scalar(name="AccountId", description="Twelve digits.", parse_value=_account_id),
    RegionCode: strawberry.scalar(
        name="RegionCode", description="A Region's code, such as us-east-1.", parse_value=_region
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description="An instant in ISO 8601, always UTC.",
        parse_value=_instant,
        serialize=lambda value: value if isinstance(value, str) else iso(value),
    ),
    JSON: strawberry.scalar(name="JSON", description="Any JSON value."),
}
"""For the schema's configuration (`scalar_map`)."""
