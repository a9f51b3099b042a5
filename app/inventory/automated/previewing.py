"""The dry run of a rule: what it would associate now, what it would leave out and why, and what that consumes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from app.compute.resources import Resource, load
from app.inventory.automated.definition import rule_of
from app.inventory.automated.managing import WHAT, mine
from app.inventory.automated.matching import Matching, Reason
from app.inventory.automated.survey import Survey, survey
from app.inventory.sources import MOST_FAILURES
from app.kernel.errors import DomainError, Refusal, invalid, not_found
from app.kernel.ids import node_id
from app.licensing.found import Forecast

MOST_SHOWN = 100
MOST_JUDGED = 20_000
_NAMED = 20


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Resources that the filter finds and the rule leaves as they are: the reason, how many, and the first of them."""

    reason: Reason
    number: int
    resource_keys: Sequence[int]


@dataclass(frozen=True, slots=True)
class Preview:
    """What a rule of a version would do now.

    `new_keys`: the first of the `new` resources that it would associate. `violations`: rules of the configuration that
    these would break, each naming its resource, at most 100. The consumption is exact where `complete`; else of the
    first 20,000.
    """

    version: int
    matched: int
    new: int
    new_keys: Sequence[int]
    violations: Sequence[Refusal]
    left_out: Sequence[LeftOut]
    refused: Sequence[Refusal]
    skipped: Sequence[Refusal]
    consumed_before: int
    consumed_after: int
    license_count: int | None
    complete: bool


def preview(connection: Connection, account_id: str, key: int, now: datetime, shown: int) -> Preview:
    """Reckon what an account's rule would do; give it a connection that reads one snapshot. Writes nothing."""
    if not 1 <= shown <= MOST_SHOWN:
        raise invalid(f"A preview shows 1 to {MOST_SHOWN} resources.", "input", "first", rule="API-1")
    row = connection.execute(mine(account_id, key)).one_or_none()
    if row is None:
        raise not_found(WHAT, "input", "id")
    found = survey(connection, rule_of(row), now)
    if found.whole:
        raise DomainError(*found.whole)
    matching = Matching(connection, found.rule, refused=found.refused)
    new = matching.some(Reason.NEW, now, MOST_JUDGED)
    resources = list(load(connection, new).values())
    forecast = Forecast(connection, account_id, found.rule.configuration_key, resources)
    violations: list[Refusal] = []
    taken: list[int] = []
    refused: dict[str, Refusal] = {}
    for resource in resources:
        why = forecast.refusals(resource)
        if why:
            refused.setdefault(why[0].message, _at(why[0], resource))
            continue
        taken.append(resource.key)
        violations += [_at(each, resource) for each in forecast.add(resource)]
    turned_down = len(resources) - len(taken)
    return Preview(
        version=found.rule.version,
        matched=found.matched,
        new=found.numbers[Reason.NEW] - turned_down,
        new_keys=taken[:shown],
        violations=violations[:MOST_FAILURES],
        left_out=_left_out(found, matching, now, turned_down),
        refused=[*found.why_refused, *refused.values()][:MOST_FAILURES],
        skipped=found.skipped,
        consumed_before=forecast.consumed_before,
        consumed_after=forecast.consumed_after,
        license_count=forecast.license_count,
        complete=len(new) == found.numbers[Reason.NEW],
    )


def _left_out(found: Survey, matching: Matching, now: datetime, turned_down: int) -> list[LeftOut]:
    numbers = found.numbers + Counter({Reason.REFUSED: turned_down})
    return [
        LeftOut(reason, numbers[reason], matching.some(reason, now, _NAMED))
        for reason in Reason
        if reason is not Reason.NEW and numbers[reason]
    ]


def _at(refusal: Refusal, resource: Resource) -> Refusal:
    return replace(
        refusal,
        account_id=refusal.account_id or resource.account_id,
        node_ids=(node_id("res", resource.key), *refusal.node_ids),
    )
