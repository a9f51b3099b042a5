"""The rules of reported inventory (IN-4), and how far a rule of discovery looks, without I/O."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

RETENTION_DAYS = 30
"""Reported data lives this long from its capture; then the managed instance is inactive (IN-4)."""

CLOCK_SKEW = timedelta(minutes=5)
"""A server's clock may be this far ahead."""

LARGEST_FIGURE = 100_000
MOST_APPLICATIONS = 5_000
FIGURES = ("vcpus", "cores", "sockets")
_RESOURCE_ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?")


class DiscoveryScope(StrEnum):
    """Whose resources a rule of discovery finds: its own account's, or those of the whole organization (IN-2)."""

    ACCOUNT = "ACCOUNT"
    ORGANIZATION = "ORGANIZATION"


def is_resource_id(text: str) -> bool:
    """Whether a server may call itself so: it becomes a part of an ARN."""
    return _RESOURCE_ID.fullmatch(text) is not None


def lives(captured_at: datetime, now: datetime, days: int = RETENTION_DAYS) -> bool:
    """Whether data is still good: from its capture until just before that many days have passed."""
    return captured_at > now - timedelta(days=days)


def distinct_names(wanted: Sequence[tuple[str, str]], present: Mapping[str, str]) -> dict[str, str]:
    """A name for each id, no two alike: what AWS calls it, with the id behind where another has that name here.

    `wanted`: ids and names in AWS. `present`: the names by id that resources have here now, the wanted ones included.
    The same input with its own result as `present` gives the same result.
    """
    ids = {id_ for id_, _ in wanted}
    held = {name for id_, name in present.items() if id_ not in ids}
    held.update(name for id_, name in wanted if present.get(id_) == name)
    names: dict[str, str] = {}
    for id_, name in wanted:
        if present.get(id_) != name and name in held:
            names[id_] = f"{name} ({id_})"
            continue
        names[id_] = name
        held.add(name)
    return names
