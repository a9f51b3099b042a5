"""What a license configuration may say (LC-1 to LC-8), without I/O."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.compute.rules import Tenancy
from app.kernel.errors import DomainError, ErrorCode
from app.licensing.definition import (
    BOUND_NAMES,
    HONOR,
    LARGEST_BOUND,
    LARGEST_COUNT,
    TENANCY,
    RuleSetting,
    check_count,
    check_thresholds,
    license_rules,
)
from app.licensing.rules import CountingType

ALL_BOUNDS = [name for names in BOUND_NAMES.values() for name in names]
metrics = st.sampled_from(list(CountingType))
bounds = st.integers(1, LARGEST_BOUND)
common = st.fixed_dictionaries(
    {}, optional={HONOR: st.booleans(), TENANCY: st.lists(st.sampled_from(list(Tenancy)), min_size=1, unique=True)}
)


@st.composite
def good_rules(draw: st.DrawFn) -> tuple[CountingType, list[RuleSetting]]:
    """A metric and rules that it may have, in any order."""
    metric = draw(metrics)
    settings: dict[str, Any] = draw(common)
    if metric in BOUND_NAMES:
        low, high = sorted((draw(bounds), draw(bounds)))
        minimum, maximum = BOUND_NAMES[metric]
        if draw(st.booleans()):
            settings[minimum] = low
        if draw(st.booleans()):
            settings[maximum] = high
    return metric, draw(st.permutations(list(settings.items())))


def refused(metric: CountingType, rules: list[RuleSetting]) -> list[tuple[str, ...] | None]:
    """The fields that are at fault."""
    with pytest.raises(DomainError) as raised:
        license_rules(metric, rules, "rules")
    assert {each.code for each in raised.value.refusals} == {ErrorCode.INVALID_INPUT}
    return [each.field for each in raised.value.refusals]


@given(good_rules())
def test_lc_13_rules_keep_their_values_and_the_order_in_which_they_were_given(
    given_rules: tuple[CountingType, list[RuleSetting]],
) -> None:
    metric, rules = given_rules
    kept = license_rules(metric, rules).in_order()
    assert kept == [(name, tuple(value) if name == TENANCY else value) for name, value in rules]


@given(metrics, st.sampled_from(ALL_BOUNDS), bounds)
def test_lc_2_only_the_rules_of_its_own_metric_are_taken(metric: CountingType, name: str, value: int) -> None:
    if name in BOUND_NAMES.get(metric, ()):
        assert license_rules(metric, [(name, value)]).in_order() == [(name, value)]
    else:
        assert refused(metric, [(name, value)]) == [("rules", name)]


@given(st.sampled_from(list(BOUND_NAMES)), st.sampled_from([0, 1]), st.integers() | st.booleans() | st.text())
def test_lc_2_bounds_are_whole_numbers_from_1(metric: CountingType, which: int, value: Any) -> None:
    name = BOUND_NAMES[metric][which]
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 2_147_483_647:
        assert license_rules(metric, [(name, value)]).in_order() == [(name, value)]
    else:
        assert refused(metric, [(name, value)]) == [("rules", name)]


@given(st.sampled_from(list(BOUND_NAMES)), bounds, bounds)
def test_lc_2_the_minimum_is_at_most_the_maximum(metric: CountingType, low: int, high: int) -> None:
    minimum, maximum = BOUND_NAMES[metric]
    rules: list[RuleSetting] = [(maximum, high), (minimum, low)]
    if low <= high:
        kept = license_rules(metric, rules)
        assert (kept.minimum, kept.maximum) == (low, high)
    else:
        assert refused(metric, rules) == [("rules", minimum)]


def test_lc_2_every_violation_is_named_at_once() -> None:
    wrong: list[RuleSetting] = [
        ("minimumCores", 0),
        ("maximumVcpus", 4),
        (HONOR, "yes"),
        (TENANCY, ["SHARED", "ELSEWHERE"]),
        ("minimumFleet", 1),
        ("maximumCores", 8),
        ("maximumCores", 9),
    ]
    named = ["minimumCores", "maximumVcpus", HONOR, TENANCY, "minimumFleet", "maximumCores"]
    assert refused(CountingType.CORE, wrong) == [("rules", name) for name in named]


def test_lc_4_no_tenancy_named_means_that_all_are_accepted() -> None:
    assert license_rules(CountingType.INSTANCE, [(TENANCY, []), (HONOR, None)]).in_order() == []


@given(st.integers())
def test_lc_5_a_count_is_any_number_that_an_int_of_graphql_holds_and_none_is_no_count(count: int) -> None:
    assert check_count(None) is None
    if 0 <= count <= LARGEST_COUNT == 2**31 - 1:
        assert check_count(count) == count
    else:
        with pytest.raises(DomainError):
            check_count(count)


@given(st.lists(st.integers(-1, 102), max_size=12))
def test_al_1_thresholds_are_up_to_ten_ascending_percentages(thresholds: list[int]) -> None:
    ascending = all(low < high for low, high in pairwise(thresholds))
    if ascending and len(thresholds) <= 10 and all(1 <= each <= 100 for each in thresholds):
        assert check_thresholds(thresholds) == tuple(thresholds)
    else:
        with pytest.raises(DomainError):
            check_thresholds(thresholds)
