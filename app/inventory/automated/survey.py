"""What there is to do for a rule, read at one moment: for its preview and for its run alike (IN-2, EN-10, SH-4)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, select

from app.inventory.automated.definition import Rule, rule_of
from app.inventory.automated.matching import Matching, Reason
from app.inventory.models import DiscoveryRuleRow
from app.inventory.rules import DiscoveryScope
from app.inventory.sources import MOST_FAILURES
from app.kernel.checks import Check
from app.kernel.errors import DomainError, Refusal, not_found
from app.kernel.tables import table_of
from app.licensing.association_checks import core_check, inactive
from app.licensing.rules import Status
from app.licensing.service import ConfigurationFacts, facts
from app.linking.inventory import left_out, search_at_all
from app.linking.members import acts_in_members
from app.linking.usage import reasons
from app.sharing.service import configurations_seen

rules = table_of(DiscoveryRuleRow)


@dataclass(frozen=True, slots=True)
class Survey:
    """A rule and what it comes to now.

    `whole`: what stands against all of it; then nothing is found. `numbers`: how many resources of each reason.
    `refused`: accounts whose resources can't be put under the configuration, each with how many were found and why.
    `skipped`: members that could not be searched. At most 100 of each are explained.
    """

    rule: Rule
    configuration: ConfigurationFacts
    whole: Sequence[Refusal] = ()
    numbers: Counter[Reason] = field(default_factory=Counter)
    refused: Mapping[str, int] = field(default_factory=dict)
    why_refused: Sequence[Refusal] = ()
    skipped: Sequence[Refusal] = ()

    @property
    def matched(self) -> int:
        """How many the filter finds."""
        return self.numbers.total()


def rule_with(connection: Connection, key: int) -> Rule | None:
    """A rule by its key; sight is the caller's to ask."""
    row = connection.execute(select(rules).where(rules.c.id == key)).one_or_none()
    return None if row is None else rule_of(row)


def survey(connection: Connection, rule: Rule, now: datetime, *, include_taken_off: bool = False) -> Survey:
    """Read what a rule comes to, in a number of statements that does not grow with what it finds."""
    configuration = _configuration(connection, rule)
    whole = reasons(_checks_of_whole(connection, rule, configuration))
    if whole:
        return Survey(rule, configuration, whole)
    found = Matching(connection, rule, include_taken_off=include_taken_off).figures(now)
    new = {row.account_id: row for row in found if row.reason == Reason.NEW}
    why = _refusals(connection, rule, configuration, {each: row.arn for each, row in new.items()})
    numbers: Counter[Reason] = Counter()
    for row in found:
        is_refused = row.reason == Reason.NEW and row.account_id in why
        numbers[Reason.REFUSED if is_refused else Reason(row.reason)] += row.number
    across = rule.definition.scope is DiscoveryScope.ORGANIZATION
    return Survey(
        rule,
        configuration,
        numbers=numbers,
        refused={account_id: new[account_id].number for account_id in why},
        why_refused=[refusal for refusal in why.values() if refusal is not None],
        skipped=left_out(connection, rule.account_id, rule.region)[:MOST_FAILURES] if across else (),
    )


def require_whole(connection: Connection, rule: Rule) -> None:
    """Raise what stands against all of a rule."""
    configuration = _configuration(connection, rule)
    refusals = reasons(_checks_of_whole(connection, rule, configuration))
    if refusals:
        raise DomainError(*refusals)


def _configuration(connection: Connection, rule: Rule) -> ConfigurationFacts:
    """The rule's configuration; NOT_FOUND where it was deleted meanwhile, and the rule with it."""
    found = facts(connection, [rule.configuration_key]).get(rule.configuration_key)
    if found is None:
        raise not_found("The license configuration")
    return found


def _checks_of_whole(connection: Connection, rule: Rule, configuration: ConfigurationFacts) -> list[Check]:
    """The core role, an active configuration, and for the organization all that a search of it asks."""
    checks = [core_check(connection, rule.account_id)]
    tracks = configuration.status is Status.ACTIVE
    checks.append(Check("LC-10", "The license configuration is active", None if tracks else inactive(configuration)))
    if rule.definition.scope is DiscoveryScope.ORGANIZATION:
        checks += search_at_all(connection, rule.account_id, rule.region)
    return checks


def _refusals(
    connection: Connection, rule: Rule, configuration: ConfigurationFacts, arns: Mapping[str, str]
) -> dict[str, Refusal | None]:
    """Members whose resources can't be put under the configuration, and why: the first hundred are told.

    Asked of one resource of each; a run asks of every single one again.
    """
    foreign = [account_id for account_id in arns if account_id != rule.account_id]
    if not foreign:
        return {}
    acts = acts_in_members(connection, rule.account_id, foreign, configuration)
    shared = {account_id for _, account_id in configurations_seen(connection, [configuration.key], foreign)}
    refused: dict[str, Refusal | None] = {}
    for account_id in foreign:
        told = len(refused) < MOST_FAILURES
        found = acts.refusals(account_id, arns[account_id], associating=told and account_id not in shared)
        if found or account_id not in shared:
            refused[account_id] = found[0] if found and told else None
    return refused
