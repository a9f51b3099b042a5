"""A rule is evaluated, in parts that hold up no other writer, each whole or not at all; twice is the same as once.

What was found at the beginning is asked again under the configuration's lock, so that whatever is associated,
disassociated or changed meanwhile is seen. What runs already is counted past any limit and alerts (EN-10).
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Connection, and_, or_, select, true, update

from app.audit.records import record_act
from app.compute.resources import load
from app.inventory.automated.definition import Rule, rule_of
from app.inventory.automated.matching import Matching, Reason
from app.inventory.automated.outcome import Outcome
from app.inventory.automated.survey import Survey, require_whole, rule_with, rules, survey
from app.inventory.rules import DiscoveryScope
from app.inventory.sources import MOST_FAILURES, Target
from app.kernel.database import Database, Transaction
from app.kernel.errors import DomainError, ErrorCode, Refusal, Unavailable
from app.kernel.ids import node_id
from app.kernel.viewer import Viewer
from app.licensing.found import Finds
from app.licensing.taken_off import lift
from app.organizations.service import masters_of
from app.roles.service import core_role, require_core

log = structlog.get_logger(__name__)
ACTION = "evaluateDiscoveryRule"
AGENT = "tollgate-discovery"
READ_AT_ONCE = 5_000
WRITTEN_AT_ONCE = 250
GoingOn = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class Part:
    """What became of some of the resources that a rule found."""

    associated: int = 0
    refused: list[Refusal] = field(default_factory=list)


async def _nothing() -> None:
    """Nobody waits to hear that a run goes on."""


async def run(
    database: Database, rule: Rule, *, include_taken_off: bool = False, going_on: GoingOn = _nothing
) -> Outcome | None:
    """Evaluate a rule to its end, as long as it is enabled and of this version; what came of it is kept with it.

    With `include_taken_off`, what a person took off is put under the configuration again. `going_on` is called after
    each part. None where the rule was changed or disabled meanwhile. A rule that can't be evaluated is logged, and its
    last run says so; only a database that does not answer is raised.
    """
    try:
        outcome = await _evaluated(database, rule, include_taken_off, going_on)
    except Unavailable:
        raise
    except DomainError as error:
        outcome = _broken(rule, error.refusals)
    except Exception:
        log.exception("a discovery rule could not be evaluated", rule=node_id("drule", rule.key))
        outcome = _broken(rule, [_unexpected(rule)])
    if outcome is not None:
        kept = outcome
        await database.write(lambda tx: _keep(tx, kept))
    return outcome


async def _evaluated(database: Database, rule: Rule, include_taken_off: bool, going_on: GoingOn) -> Outcome | None:
    now = database.clock.now()
    found = await database.read(
        lambda connection: survey(connection, rule, now, include_taken_off=include_taken_off), snapshot=True
    )
    done, after = Part(), 0
    try:
        while found.numbers[Reason.NEW] and (keys := await _next(database, found, include_taken_off, after)):
            for start in range(0, len(keys), WRITTEN_AT_ONCE):
                work = partial(associate, rule=rule, keys=keys[start : start + WRITTEN_AT_ONCE])
                part = await database.write(partial(work, include_taken_off=include_taken_off))
                if part is None:
                    return None
                done.associated += part.associated
                done.refused += part.refused[: MOST_FAILURES - len(done.refused)]
                await going_on()
            after = keys[-1]
    except DomainError as error:  # what stands against all of it came up meanwhile
        done.refused += error.refusals
    return _outcome(found, done)


async def _next(database: Database, found: Survey, include_taken_off: bool, after: int) -> list[int]:
    now = database.clock.now()

    def read(connection: Connection) -> list[int]:
        matching = Matching(connection, found.rule, refused=found.refused, include_taken_off=include_taken_off)
        return matching.some(Reason.NEW, now, READ_AT_ONCE, after=after)

    return await database.read(read)


def associate(tx: Transaction, rule: Rule, keys: Sequence[int], include_taken_off: bool = False) -> Part | None:
    """Put a rule's configuration on those of some resources that it still finds; None where the rule is not as it was.

    Leaves a record of the core role's act, in each account whose resources it touches (AU-4).
    """
    if not _stands(tx, rule):
        return None
    require_core(tx.connection, rule.account_id, hold=True)
    require_whole(tx.connection, rule)
    by = core_role(rule.account_id, AGENT)
    resources = load(tx.connection, keys, hold=True)
    finds = Finds(tx, rule.account_id, rule.configuration_key, resources.values(), by=by.principal_arn)
    matching = Matching(tx.connection, rule, include_taken_off=include_taken_off)
    still = matching.still_new(keys)
    part, added = Part(), list[int]()
    for key in (each for each in resources if each in still):
        refusals = finds.refusals(resources[key])
        part.refused += refusals
        if not refusals:
            finds.add(resources[key])
            added.append(key)
    finds.close()
    part.associated = len(added)
    if include_taken_off:
        lift(tx, rule.configuration_key, added)
    if added:
        _record(tx, rule, by, include_taken_off)
    return part


def _stands(tx: Transaction, rule: Rule) -> bool:
    """Whether the rule is enabled and finds what it found; it stays so until the unit of work ends."""
    row = tx.execute(select(rules).where(rules.c.id == rule.key).with_for_update(read=True)).one_or_none()
    if row is None:
        return False
    present = rule_of(row)
    return present.enabled and present.version == rule.version


def begin(tx: Transaction, rule: Rule) -> Rule:
    """Note that a run has begun."""
    tx.execute(update(rules).where(rules.c.id == rule.key).values(run_started_at=tx.now))
    return rule


def _outcome(found: Survey, done: Part) -> Outcome:
    already = found.numbers[Reason.ALREADY_ASSOCIATED]
    return Outcome(
        **_named(found.rule),
        matched=found.matched,
        associated=done.associated,
        already_associated=already,
        left_out=max(0, found.matched - already - done.associated),
        skipped=[*found.whole, *found.skipped, *found.why_refused, *done.refused][:MOST_FAILURES],
    )


def _broken(rule: Rule, why: Sequence[Refusal]) -> Outcome:
    return Outcome(**_named(rule), skipped=why[:MOST_FAILURES], broken=True)


def _named(rule: Rule) -> dict[str, Any]:
    return {
        "key": rule.key,
        "version": rule.version,
        "name": rule.name,
        "account_id": rule.account_id,
        "region": rule.region,
    }


def _unexpected(rule: Rule) -> Refusal:
    return Refusal(
        code=ErrorCode.CONFLICT,
        message=f"The rule “{rule.name}” could not be evaluated to its end; what it associated until then stays.",
        remedy="The log of the server or command that evaluated it says why. It is evaluated again at the next "
        "synchronisation; previewDiscoveryRule tries it without a change.",
        rule="IN-3",
        account_id=rule.account_id,
    )


def _keep(tx: Transaction, outcome: Outcome) -> None:
    present = (rules.c.id == outcome.key, rules.c.version == outcome.version)
    tx.execute(
        update(rules)
        .where(*present)
        .values(
            run_finished_at=tx.now,
            matched=outcome.matched,
            associated=outcome.associated,
            already_associated=outcome.already_associated,
            left_out=outcome.left_out,
            skipped=[asdict(each) for each in outcome.skipped],
        )
    )


def _record(tx: Transaction, rule: Rule, by: Viewer, include_taken_off: bool) -> None:
    given: dict[str, Any] = {"id": node_id("drule", rule.key), "name": rule.name, "region": rule.region}
    if include_taken_off:
        given["includeTakenOff"] = True
    record_act(tx, by, ACTION, given, region=rule.region)


# ------------------------------------------------------------ at the end of a synchronisation


async def run_concerned(database: Database, targets: Sequence[Target], going_on: GoingOn = _nothing) -> list[Outcome]:
    """Evaluate the enabled rules that find something in accounts and Regions that were synchronised.

    A rule that fails stops no other; what it is refused stands in its last run.
    """
    outcomes: list[Outcome] = []
    for key in await database.read(lambda connection: concerned(connection, targets)):
        try:
            rule = await database.write(partial(_begun, key=key))
            outcome = await run(database, rule, going_on=going_on) if rule is not None else None
        except Unavailable:
            raise
        except Exception:
            log.exception("a discovery rule could not be evaluated, nor could that be kept", rule=node_id("drule", key))
        else:
            outcomes += [outcome] if outcome is not None else []
        await going_on()
    return outcomes


def _begun(tx: Transaction, key: int) -> Rule | None:
    rule = rule_with(tx.connection, key)
    return begin(tx, rule) if rule is not None and rule.enabled else None


def concerned(connection: Connection, targets: Sequence[Target]) -> list[int]:
    """The enabled rules of the targets' own accounts, and of the masters of their organizations, in their Regions."""
    by_region: dict[str, list[str]] = {}
    for target in targets:
        by_region.setdefault(target.region, []).append(target.account_id)
    masters = masters_of(connection, sorted({target.account_id for target in targets}))
    across = rules.c.scope == DiscoveryScope.ORGANIZATION.value
    own = [and_(rules.c.region == code, rules.c.account_id.in_(ids)) for code, ids in by_region.items()]
    led = and_(rules.c.region.in_(list(by_region)), rules.c.account_id.in_(sorted(masters)), across)
    statement = select(rules.c.id).where(rules.c.enabled.is_(true()), or_(*own, led)).order_by(rules.c.id)
    return list(connection.execute(statement).scalars()) if targets else []
