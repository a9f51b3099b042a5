"""Versions of software in an order that a database can compare: each has a key, and keys sort as versions do."""

import re
from collections.abc import Iterator

_EPOCH = re.compile(r"\A[0-9]+:")
_PART = re.compile(r"[0-9]+|[^\W0-9_]+|~")
_BEFORE_RELEASE = frozenset({"~", "alpha", "beta", "dev", "milestone", "pre", "preview", "rc"})
_BEFORE_RELEASE_WITH_NUMBER = frozenset({"a", "b", "c", "m"})
_PRE, _END, _TEXT, _NUMBER = "0", "1", "2", "3"
_LONGEST_NUMBER = 60


def version_key(version: str) -> str:
    """A text that sorts, by code points, as the version does among versions; equal for versions that are the same.

    Numbers compare as numbers, part by part; trailing zeros say nothing, so that 15 and 15.0 are one version; what
    comes before a release (1.0-beta, 1.0rc1, 1.0~git) sorts before it, other letters after it (1.0.2a). A package's
    epoch (`1:`) and a leading v are not looked at.
    """
    parts = _PART.findall(_EPOCH.sub("", version.strip().casefold()))
    if len(parts) > 1 and parts[0] == "v":
        del parts[0]
    return "".join(_encoded(_without_trailing_zeros(parts))) + _END


def _is_number(part: str) -> bool:
    return part[:1] in set("0123456789")


def _without_trailing_zeros(parts: list[str]) -> list[str]:
    """Zeros go that end a run of numbers, but for the very first number."""
    kept: list[str] = []
    for part in [*parts, "end"]:
        if not _is_number(part):
            while len(kept) > 1 and _is_number(kept[-1]) and not kept[-1].strip("0"):
                del kept[-1]
        kept.append(part)
    return kept[:-1]


def _encoded(parts: list[str]) -> Iterator[str]:
    for part, following in zip(parts, [*parts[1:], ""], strict=False):
        if _is_number(part):
            digits = part.lstrip("0")[:_LONGEST_NUMBER]
            yield f"{_NUMBER}{chr(ord('A') + len(digits))}{digits}"
        elif part in _BEFORE_RELEASE or (part in _BEFORE_RELEASE_WITH_NUMBER and _is_number(following)):
            yield f"{_PRE}{part.strip('~')} "
        else:
            yield f"{_TEXT}{part} "
