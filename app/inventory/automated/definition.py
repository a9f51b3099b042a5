"""What a rule of automated discovery says, within its bounds (IN-1, API-3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.inventory.rules import DiscoveryScope
from app.inventory.search.groups import grouped
from app.inventory.search.parse import LONGEST, parse
from app.inventory.search.terms import Expression
from app.kernel.errors import DomainError, invalid
from app.kernel.findings import Findings
from app.kernel.ids import check_account_id, check_text
from app.kernel.tags import LONGEST_KEY, LONGEST_VALUE

MOST_RULES = 100
"""Of one account."""

MOST_EXCLUDED_ACCOUNTS = 100
MOST_EXCLUDED_TAGS = 50
LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class ExcludedTag:
    """A tag whose bearers are left out: of this very value, or with None of any."""

    key: str
    value: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What a rule finds."""

    filter: str
    scope: DiscoveryScope
    excluded_account_ids: tuple[str, ...] = ()
    excluded_tags: tuple[ExcludedTag, ...] = ()

    @property
    def expression(self) -> Expression:
        """The filter as a tree; it was checked when the rule was made."""
        parsed = parse(self.filter)
        assert parsed is not None, "a rule has a filter"
        return grouped(parsed)

    def columns(self) -> dict[str, Any]:
        """The columns of a rule's row that hold it."""
        return {
            "filter": self.filter,
            "scope": self.scope.value,
            "excluded_account_ids": list(self.excluded_account_ids),
            "excluded_tags": [{"key": each.key, "value": each.value} for each in self.excluded_tags],
        }


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as it stands."""

    key: int
    account_id: str
    configuration_key: int
    region: str
    name: str
    definition: Definition
    version: int
    previewed_at: datetime | None
    enabled: bool


def rule_of(row: Any) -> Rule:
    """The rule in a row of the table."""
    return Rule(
        key=row.id,
        account_id=row.account_id,
        configuration_key=row.configuration_id,
        region=row.region,
        name=row.name,
        definition=Definition(
            filter=row.filter,
            scope=DiscoveryScope(row.scope),
            excluded_account_ids=tuple(row.excluded_account_ids),
            excluded_tags=tuple(ExcludedTag(each["key"], each["value"]) for each in row.excluded_tags),
        ),
        version=row.version,
        previewed_at=row.previewed_at,
        enabled=row.enabled,
    )


def check(name: str, definition: Definition) -> None:
    """Refuse what is out of bounds, with everything that is; fields are those of the input."""
    findings = Findings()
    findings.of(check_text, name, "The name", LONGEST_NAME, "input", "name")
    findings.of(_filter, definition.filter)
    findings.of(_accounts, definition.excluded_account_ids)
    findings.of(_tags, definition.excluded_tags)
    findings.close()


def _filter(text: str) -> None:
    try:
        parsed = parse(text)
    except DomainError as error:
        raise DomainError(*(each.at("input", "filter") for each in error.refusals)) from None
    if parsed is None:
        raise invalid(
            "A rule of discovery needs a filter: without one it would find everything.",
            "input",
            "filter",
            remedy=f'Such as application:"SQL Server", of up to {LONGEST:,} characters.',
            rule="IN-1",
        )


def _accounts(account_ids: Sequence[str]) -> None:
    if len(account_ids) > MOST_EXCLUDED_ACCOUNTS:
        raise invalid(
            f"A rule leaves out at most {MOST_EXCLUDED_ACCOUNTS} accounts.",
            "input",
            "excludedAccountIds",
            remedy="Exclude a whole unit by the filter: NOT unit:NAME.",
            rule="API-3",
        )
    for position, each in enumerate(account_ids):
        check_account_id(each, "input", "excludedAccountIds", str(position))


def _tags(tags: Sequence[ExcludedTag]) -> None:
    if len(tags) > MOST_EXCLUDED_TAGS:
        raise invalid(f"A rule leaves out at most {MOST_EXCLUDED_TAGS} tags.", "input", "excludedTags", rule="API-3")
    for position, each in enumerate(tags):
        at = ("input", "excludedTags", str(position))
        check_text(each.key, "A tag's key", LONGEST_KEY, *at, "key")
        if each.value is not None:
            check_text(each.value, "A tag's value", LONGEST_VALUE, *at, "value", minimum=0)
