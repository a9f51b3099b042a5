"""What a unit of work came to, counted for people: what was added, what changed, what went."""

from collections import Counter
from collections.abc import Iterator
from enum import StrEnum


class Change(StrEnum):
    """What became of something."""

    ADDED = "added"
    CHANGED = "changed"
    GONE = "gone"


class Changes:
    """How many of each kind of thing were added, changed or taken away; false where nothing was."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, Change]] = Counter()

    def note(self, what: str, change: Change, number: int = 1) -> None:
        """Count some things, named in the plural, such as `instances`."""
        if number:
            self._counts[what, change] += number

    def include(self, others: "Changes") -> None:
        """Count what others counted."""
        self._counts.update(others._counts)  # noqa: SLF001 - of its own kind

    def of(self, what: str, change: Change) -> int:
        """How many things of a kind it was."""
        return self._counts[what, change]

    def __iter__(self) -> Iterator[tuple[str, dict[Change, int]]]:
        """Each kind with its numbers, in the order in which they came up."""
        for what in dict.fromkeys(what for what, _ in self._counts):
            yield what, {change: self._counts[what, change] for change in Change}

    def __bool__(self) -> bool:
        return bool(self._counts)
