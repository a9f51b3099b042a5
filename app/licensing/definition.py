"""What a license configuration may say: its license rules, name, count and thresholds (LC-1 to LC-8), without I/O."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from typing import Any

from app.compute.rules import Tenancy
from app.kernel.errors import DomainError, ErrorCode, Refusal, invalid
from app.kernel.findings import Findings
from app.kernel.ids import check_text
from app.licensing.counting import RULE_NAMES
from app.licensing.rules import CountingType

LONGEST_NAME = 255
LONGEST_DESCRIPTION = 1_000
LARGEST_BOUND = 2_147_483_647
LARGEST_COUNT = 2_147_483_647
MOST_THRESHOLDS = 10
DEFAULT_THRESHOLDS = (80, 95)
HONOR = "honorVcpuOptimization"
TENANCY = "allowedTenancy"
BOUND_NAMES = {metric: (f"minimum{name}", f"maximum{name}") for metric, name in RULE_NAMES.items()}
"""The names of a metric's two rules; the instance metric has none (LC-2)."""

RuleSetting = tuple[str, Any]
"""A license rule as it was given: its name, such as minimumCores, and its value."""


class Unchanged(Enum):
    """What an edit leaves as it is, where None would take it away."""

    UNCHANGED = "UNCHANGED"


UNCHANGED = Unchanged.UNCHANGED


@dataclass(frozen=True, slots=True)
class LicenseRules:
    """The rules of one configuration, those of its metric as `minimum` and `maximum`; `order` as they were given."""

    counting_type: CountingType
    minimum: int | None = None
    maximum: int | None = None
    honor_vcpu_optimization: bool = False
    allowed_tenancy: tuple[str, ...] = ()
    order: tuple[str, ...] = ()

    def in_order(self) -> list[RuleSetting]:
        """The rules that were given, in that order (LC-13)."""
        values: dict[str, Any] = {HONOR: self.honor_vcpu_optimization, TENANCY: self.allowed_tenancy}
        values.update(zip(BOUND_NAMES.get(self.counting_type, ()), (self.minimum, self.maximum), strict=False))
        return [(name, values[name]) for name in self.order]


def license_rules(metric: CountingType, given: Sequence[RuleSetting], *field: str) -> LicenseRules:
    """The rules given, in their order; a value of None is a rule not given. Raises one error with every violation."""
    findings = Findings()
    values: dict[str, Any] = {}
    for name, value in given:
        if value is None or (name == TENANCY and value in ([], ())):
            continue
        if name in values:
            findings.refusals += _wrong("is given twice", name, *field)
        elif findings.of(_check_rule, metric, name, value, field) is None:
            continue
        values[name] = value
    low, high = (values.get(name) for name in BOUND_NAMES.get(metric, ("", "")))
    if not findings.refusals and low is not None and high is not None and low > high:
        minimum, maximum = BOUND_NAMES[metric]
        findings.refusals += _wrong(f"is {low}, above {maximum}, which is {high}", minimum, *field)
    findings.close()
    return LicenseRules(
        counting_type=metric,
        minimum=low,
        maximum=high,
        honor_vcpu_optimization=values.get(HONOR, False),
        allowed_tenancy=tuple(dict.fromkeys(Tenancy(each).value for each in values.get(TENANCY, ()))),
        order=tuple(values),
    )


def _check_rule(metric: CountingType, name: str, value: Any, field: tuple[str, ...]) -> bool:
    """True where one rule can stand; raises what is wrong with it."""
    known = {rule for names in BOUND_NAMES.values() for rule in names}
    if name == HONOR:
        if not isinstance(value, bool):
            raise DomainError(*_wrong("is either true or false", name, *field, rule="LC-3"))
    elif name == TENANCY:
        if not isinstance(value, list | tuple) or any(each not in set(Tenancy) for each in value):
            raise DomainError(*_wrong(f"takes any of {', '.join(Tenancy)}", name, *field, rule="LC-4"))
    elif name not in known:
        allowed = ", ".join([*BOUND_NAMES.get(metric, ()), HONOR, TENANCY])
        raise invalid(
            f"“{name[:64]}” is not a license rule.", *field, name[:64], remedy=f"One of: {allowed}.", rule="LC-2"
        )
    elif name not in BOUND_NAMES.get(metric, ()):
        raise DomainError(*_foreign(metric, name, *field))
    elif isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LARGEST_BOUND:
        raise DomainError(*_wrong(f"must be a whole number from 1 to {LARGEST_BOUND:,}", name, *field))
    return True


def _wrong(what: str, name: str, *field: str, rule: str = "LC-2") -> Sequence[Refusal]:
    return invalid(f"The license rule {name} {what}.", *field, name, rule=rule).refusals


def _foreign(metric: CountingType, name: str, *field: str) -> Sequence[Refusal]:
    own = BOUND_NAMES.get(metric)
    return invalid(
        f"The license rule {name} is not one of the metric {metric}.",
        *field,
        name,
        remedy=f"Its own are {' and '.join(own)}." if own else "It has no rules of its own: leave it out.",
        rule="LC-2",
    ).refusals


def check_name(name: str, *field: str) -> str:
    """A configuration's name, where it is within its bounds."""
    return check_text(name, "The name", LONGEST_NAME, *field)


def check_description(description: str | None, *field: str) -> str | None:
    """A description, which may be empty or none."""
    if description is None:
        return None
    return check_text(description, "The description", LONGEST_DESCRIPTION, *field, minimum=0)


def check_count(count: int | None, *field: str) -> int | None:
    """A license count, or none (LC-5). 0 is a count: nothing may be used."""
    if count is not None and not 0 <= count <= LARGEST_COUNT:
        raise invalid(f"The license count must be from 0 to {LARGEST_COUNT:,}.", *field, rule="LC-5")
    return count


def check_thresholds(thresholds: Sequence[int], *field: str) -> tuple[int, ...]:
    """Alert thresholds: percentages of the count, ascending; none turns the early alerts off (AL-1)."""
    ascending = all(low < high for low, high in pairwise(thresholds))
    if len(thresholds) > MOST_THRESHOLDS or not ascending or not all(1 <= each <= 100 for each in thresholds):
        raise invalid(
            f"Alert thresholds are up to {MOST_THRESHOLDS} percentages from 1 to 100, ascending, none of them twice.",
            *field,
            rule="AL-1",
        )
    return tuple(thresholds)


def name_taken(name: str, node_id: str, *field: str) -> Refusal:
    """Another configuration of the account and Region has the name (LC-7)."""
    return Refusal(
        code=ErrorCode.INVALID_INPUT,
        message=f"The account has a license configuration “{name}” in this Region already.",
        remedy="Choose another name: names are unique in an account and Region.",
        rule="LC-7",
        field=field or None,
        node_ids=(node_id,),
    )
