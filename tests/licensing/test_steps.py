"""The points of the graph of use (DB-1), without I/O."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.errors import DomainError
from app.licensing.steps import MOST_POINTS, State, UsageStep, hour_of, points, step_of, steps

NOW = datetime(2026, 3, 1, 10, 30, tzinfo=UTC)
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
instants = st.timedeltas(timedelta(0), timedelta(days=50)).map(lambda passed: BEGINNING + passed)
some_steps = st.sampled_from(list(UsageStep))


@st.composite
def changes(draw: st.DrawFn) -> list[tuple[datetime, int, int | None]]:
    """Moments in order of time, with what stood after each."""
    moments = draw(st.lists(instants, max_size=40))
    return [(at, draw(st.integers(0, 9)), draw(st.none() | st.integers(0, 9))) for at in sorted(moments)]


def by_hour(ledger: list[tuple[datetime, int, int | None]]) -> list[State]:
    """The last state of each hour."""
    return list({hour_of(at): State(hour_of(at), consumed, count) for at, consumed, count in ledger}.values())


@given(changes(), instants, st.timedeltas(timedelta(minutes=1), timedelta(days=40)), some_steps)
def test_db_1_a_point_is_what_replaying_the_ledger_to_the_end_of_its_step_comes_to(
    ledger: list[tuple[datetime, int, int | None]], start: datetime, length: timedelta, step: UsageStep
) -> None:
    starts = steps(start, start + length, step, NOW)
    found = {point.at: point for point in points(by_hour(ledger), starts, step)}
    for at in starts:
        replayed = [change for change in ledger if change[0] < at + step.length]
        if replayed:
            assert (found[at].consumed_licenses, found[at].license_count) == replayed[-1][1:]
        else:
            assert at not in found, "before the first change there was no license configuration"


@given(instants, st.timedeltas(timedelta(microseconds=1), timedelta(days=100)), some_steps)
def test_db_1_steps_are_aligned_and_are_those_that_the_time_touches_up_to_the_present(
    start: datetime, length: timedelta, step: UsageStep
) -> None:
    end = start + length
    starts = steps(start, end, step, NOW)
    assert starts[0] <= start < starts[0] + step.length
    assert starts[-1] < min(end, NOW) <= starts[-1] + step.length
    assert all(step_of(at, step) == at for at in starts)
    assert starts == sorted({starts[0] + number * step.length for number in range(len(starts))})


def test_db_1_a_graph_has_at_most_ten_thousand_points() -> None:
    start = NOW - timedelta(hours=MOST_POINTS) + timedelta(minutes=30)
    assert len(steps(start, NOW, UsageStep.HOUR, NOW)) == MOST_POINTS
    with pytest.raises(DomainError, match="10,001 points"):
        steps(start - timedelta(hours=1), NOW, UsageStep.HOUR, NOW)
    with pytest.raises(DomainError, match="110,000 points in 11 graphs"):
        steps(start, NOW, UsageStep.HOUR, NOW, 11)


def test_db_1_time_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(DomainError, match="after its beginning"):
        steps(NOW, NOW, UsageStep.DAY, NOW)


def test_db_1_what_has_not_begun_has_no_points() -> None:
    assert steps(NOW + timedelta(days=1), NOW + timedelta(days=9_000), UsageStep.HOUR, NOW) == []
