"""A graph's steps and the state at the end of each (DB-1), without I/O."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.kernel.errors import invalid

MOST_POINTS = 10_000
MOST_POINTS_AT_ONCE = 100_000
"""Of all configurations in one answer."""


class UsageStep(StrEnum):
    """The distance of two points."""

    HOUR = "HOUR"
    DAY = "DAY"

    @property
    def length(self) -> timedelta:
        return timedelta(hours=1) if self is UsageStep.HOUR else timedelta(days=1)


@dataclass(frozen=True, slots=True)
class State:
    """What a configuration stood at from a moment in an hour on."""

    hour: datetime
    consumed: int
    license_count: int | None


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a graph: `at` is its step's start, the figures are those of its end."""

    at: datetime
    consumed_licenses: int
    license_count: int | None


def hour_of(instant: datetime) -> datetime:
    """The start of an instant's hour, UTC."""
    return instant.replace(minute=0, second=0, microsecond=0)


def step_of(instant: datetime, step: UsageStep) -> datetime:
    """The start of an instant's step: hours and days are those of UTC."""
    return hour_of(instant) if step is UsageStep.HOUR else hour_of(instant).replace(hour=0)


def steps(start: datetime, end: datetime, step: UsageStep, now: datetime, graphs: int = 1) -> list[datetime]:
    """The starts of the steps that [start, end) touches, up to the one that contains the present.

    Refuses an empty interval, and one of more points than an answer has room for in each graph or in all.
    """
    if start >= end:
        raise invalid("The end of the history must come after its beginning.", "to", rule="DB-1")
    first = step_of(start, step)
    number = max(0, -((first - min(end, step_of(now, step) + step.length)) // step.length))
    if number > MOST_POINTS:
        raise invalid(
            f"These are {number:,} points; a graph has at most {MOST_POINTS:,}.",
            "to",
            remedy="Ask for a shorter time, or for days.",
            rule="DB-1",
        )
    if number * graphs > MOST_POINTS_AT_ONCE:
        raise invalid(
            f"These are {number * graphs:,} points in {graphs} graphs; an answer has at most {MOST_POINTS_AT_ONCE:,}.",
            "to",
            remedy="Ask for a shorter time, for days, or for fewer license configurations.",
            rule="DB-1",
        )
    return [first + position * step.length for position in range(number)]


def points(states: Sequence[State], starts: Sequence[datetime], step: UsageStep) -> list[Point]:
    """The state at the end of each step, of states in order of time; steps before the first state are left out."""
    found: list[Point] = []
    position = -1
    for at in starts:
        end = at + step.length
        while position + 1 < len(states) and states[position + 1].hour < end:
            position += 1
        if position >= 0:
            state = states[position]
            found.append(Point(at, state.consumed, state.license_count))
    return found
