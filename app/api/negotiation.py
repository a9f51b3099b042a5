"""Which media types a client accepts, best first."""

from collections.abc import Iterator
from functools import lru_cache

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
EVENTS = "text/event-stream"
PAGE = "text/html"


@lru_cache(maxsize=128)
def acceptable(accept: str | None, offered: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the offered types that an Accept header takes, the one it prefers first.

    Equal weights count in the order of the header, as clients list what they like best first; under one wildcard the
    order is that of `offered`, and without a header too.
    """
    if not accept or not accept.strip():
        return offered
    ranges = list(_ranges(accept))
    found = []
    for media in offered:
        matches = [(weight, place, name) for place, (name, weight) in enumerate(ranges) if _matches(name, media)]
        if matches:
            weight, place, _ = max(matches, key=lambda match: (match[2].count("*") * -1, match[0]))
            if weight > 0:
                found.append((-weight, place, media))
    return tuple(media for _, _, media in sorted(found, key=lambda match: match[:2]))


def _ranges(accept: str) -> Iterator[tuple[str, float]]:
    for part in accept.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip() == "q":
                weight = _weight(value.strip())
        yield name, weight


def _weight(text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0


def _matches(name: str, media: str) -> bool:
    return name in ("*/*", media, media.partition("/")[0] + "/*")
