"""License configurations, their associations and failures as an account sees them, for doors other than GraphQL.

Each function is one statement, whatever it finds; those that every request needs are compiled once.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    String,
    and_,
    bindparam,
    cast,
    func,
    literal,
    or_,
    select,
)

from app.licensing.failures import FAILURE
from app.licensing.rules import CountingType
from app.licensing.service import ASSOCIATION, CONFIGURATION, TAG, ConfigurationFacts, facts_of
from app.sharing.sight import sees, shared_with

Predicate = ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class TypeSummary:
    """How many resources of a type carry a configuration, and what they consume."""

    configuration_key: int
    resource_type: str
    resources: int
    consumed: int


@dataclass(frozen=True, slots=True)
class AssociationFacts:
    """A configuration on a resource."""

    key: int
    configuration_key: int
    resource_key: int
    resource_type: str
    account_id: str
    consumed: int
    associated_at: datetime


@dataclass(frozen=True, slots=True)
class FailureFacts:
    """An operation on a configuration's resource that was refused."""

    key: int
    account_id: str
    operation: str
    resource_arn: str
    resource_type: str | None
    error_code: str
    error_message: str
    requested_by: str
    failed_at: datetime


# ------------------------------------------------------------ configurations


def seen_by_arn(connection: Connection, account_id: str, arn: str) -> ConfigurationFacts | None:
    """The configuration of an ARN; None where there is none or the account does not see it (PM-2)."""
    row = connection.execute(_by_arn(), {"viewer": account_id, "arn": arn}).one_or_none()
    return None if row is None else facts_of(row)


@lru_cache(maxsize=1)
def _by_arn() -> Select[Any]:
    viewer = bindparam("viewer", type_=String())
    return select(CONFIGURATION).where(
        CONFIGURATION.c.arn == bindparam("arn", type_=String()),
        sees(CONFIGURATION.c.id, CONFIGURATION.c.owner_account_id, viewer),
    )


@dataclass(frozen=True, slots=True)
class Detail:
    """All that is told of one configuration."""

    configuration: ConfigurationFacts
    tags: dict[str, str]
    summaries: list[TypeSummary]


def detail(connection: Connection, account_id: str, arn: str) -> Detail | None:
    """The same with its tags and what carries it, of one instant: a single statement, a row for each pair of them."""
    rows = connection.execute(_detail(), {"viewer": account_id, "arn": arn}).all()
    if not rows:
        return None
    configuration = facts_of(rows[0])
    tags = {row.tag_key: row.tag_value for row in rows if row.tag_key is not None}
    carried = {row.carrying_type: row for row in rows if row.carrying_type is not None}
    found = [TypeSummary(configuration.key, each, row.carrying, row.carried) for each, row in sorted(carried.items())]
    return Detail(configuration, dict(sorted(tags.items())), found)


@lru_cache(maxsize=1)
def _detail() -> Select[Any]:
    viewer, own = bindparam("viewer", type_=String()), CONFIGURATION.alias()
    named = select(own.c.id).where(own.c.arn == bindparam("arn", type_=String())).scalar_subquery()
    types = (
        _by_type()
        .where(
            ASSOCIATION.c.configuration_id == named,
            or_(CONFIGURATION.c.owner_account_id == viewer, ASSOCIATION.c.account_id == viewer),
        )
        .subquery()
    )
    joined = CONFIGURATION.outerjoin(TAG, TAG.c.configuration_id == CONFIGURATION.c.id).outerjoin(
        types, types.c.configuration_id == CONFIGURATION.c.id
    )
    return (
        _by_arn()
        .add_columns(
            TAG.c.key.label("tag_key"),
            TAG.c.value.label("tag_value"),
            types.c.resource_type.label("carrying_type"),
            types.c.resources.label("carrying"),
            types.c.consumed.label("carried"),
        )
        .select_from(joined)
    )


def seen(
    connection: Connection,
    account_id: str,
    region: str,
    *,
    arns: Collection[str] | None = None,
    counting_types: Collection[CountingType] | None = None,
    hard_limit: bool | None = None,
    over_limit: bool | None = None,
    after: int = 0,
    limit: int,
) -> list[ConfigurationFacts]:
    """The configurations of a Region that an account sees, in the order in which they were made."""
    over = func.coalesce(CONFIGURATION.c.consumed > CONFIGURATION.c.license_count, literal(False))
    conditions: list[Any] = [
        CONFIGURATION.c.region == region,
        CONFIGURATION.c.id > after,
        sees(CONFIGURATION.c.id, CONFIGURATION.c.owner_account_id, literal(account_id)),
    ]
    if arns is not None:
        conditions.append(CONFIGURATION.c.arn.in_(arns))
    if counting_types is not None:
        conditions.append(CONFIGURATION.c.counting_type.in_([each.value for each in counting_types]))
    if hard_limit is not None:
        conditions.append(CONFIGURATION.c.hard_limit if hard_limit else ~CONFIGURATION.c.hard_limit)
    if over_limit is not None:
        conditions.append(over if over_limit else ~over)
    statement = select(CONFIGURATION).where(*conditions).order_by(CONFIGURATION.c.id).limit(limit)
    return [facts_of(row) for row in connection.execute(statement)]


def summaries(connection: Connection, account_id: str, keys: Sequence[int]) -> list[TypeSummary]:
    """What carries some configurations, by type; of what another account shares, the account's own alone (SH-3)."""
    if not keys:
        return []
    rows = connection.execute(_summaries(), {"viewer": account_id, "keys": list(keys)})
    return [TypeSummary(*row) for row in rows]


@lru_cache(maxsize=1)
def _summaries() -> Select[Any]:
    viewer = bindparam("viewer", type_=String())
    return (
        _by_type()
        .where(
            ASSOCIATION.c.configuration_id.in_(bindparam("keys", expanding=True)),
            or_(CONFIGURATION.c.owner_account_id == viewer, ASSOCIATION.c.account_id == viewer),
        )
        .order_by(ASSOCIATION.c.configuration_id, ASSOCIATION.c.resource_type)
    )


def _by_type() -> Select[Any]:
    """A row for each configuration and type of what carries it."""
    return (
        select(
            ASSOCIATION.c.configuration_id,
            ASSOCIATION.c.resource_type,
            func.count().label("resources"),
            cast(func.sum(ASSOCIATION.c.consumed), BigInteger).label("consumed"),
        )
        .join(CONFIGURATION, CONFIGURATION.c.id == ASSOCIATION.c.configuration_id)
        .group_by(ASSOCIATION.c.configuration_id, ASSOCIATION.c.resource_type)
    )


# ------------------------------------------------------------ associations


def associations_of(
    connection: Connection,
    account_id: str,
    configuration: ConfigurationFacts,
    *,
    types: Collection[str],
    account_ids: Collection[str] | None = None,
    resource_keys: Collection[int] | None = None,
    after: int = 0,
    limit: int,
) -> list[AssociationFacts]:
    """The associations of a configuration with resources of some types, the oldest first; a sharee's own alone."""
    conditions: list[Any] = [
        *_within(ASSOCIATION, account_id, configuration),
        ASSOCIATION.c.id > after,
        ASSOCIATION.c.resource_type.in_(types),
    ]
    if account_ids is not None:
        conditions.append(ASSOCIATION.c.account_id.in_(account_ids))
    if resource_keys is not None:
        conditions.append(ASSOCIATION.c.resource_id.in_(resource_keys))
    statement = select(*_ASSOCIATION).where(*conditions).order_by(ASSOCIATION.c.id).limit(limit)
    return [AssociationFacts(*row) for row in connection.execute(statement)]


_ASSOCIATION = (
    ASSOCIATION.c.id,
    ASSOCIATION.c.configuration_id,
    ASSOCIATION.c.resource_id,
    ASSOCIATION.c.resource_type,
    ASSOCIATION.c.account_id,
    ASSOCIATION.c.consumed,
    ASSOCIATION.c.associated_at,
)


def carried_by(
    connection: Connection, account_id: str, resource_key: int, *, after: int = 0, limit: int
) -> list[tuple[AssociationFacts, str]]:
    """What a resource carries, each association with its configuration's ARN, as far as the account sees them."""
    mine = and_(ASSOCIATION.c.account_id == account_id, CONFIGURATION.c.id.in_(shared_with(literal(account_id))))
    statement = (
        select(*_ASSOCIATION, CONFIGURATION.c.arn)
        .join(CONFIGURATION, CONFIGURATION.c.id == ASSOCIATION.c.configuration_id)
        .where(
            ASSOCIATION.c.resource_id == resource_key,
            ASSOCIATION.c.id > after,
            or_(CONFIGURATION.c.owner_account_id == account_id, mine),
        )
        .order_by(ASSOCIATION.c.id)
        .limit(limit)
    )
    return [(AssociationFacts(*row[:-1]), row[-1]) for row in connection.execute(statement)]


def _within(table: Any, account_id: str, configuration: ConfigurationFacts) -> list[Predicate]:
    """Rows of one configuration that is seen: all of them to its owner, to a sharee its own account's (SH-3)."""
    own = configuration.owner_account_id == account_id
    rows = [table.c.configuration_id == configuration.key]
    return rows if own else [*rows, table.c.account_id == account_id]


# ------------------------------------------------------------ failures


def failures_of(
    connection: Connection,
    account_id: str,
    configuration: ConfigurationFacts,
    *,
    before: int | None = None,
    limit: int,
) -> list[FailureFacts]:
    """What was refused on a configuration's resources, the newest first; a sharee's own alone."""
    conditions = _within(FAILURE, account_id, configuration)
    if before is not None:
        conditions.append(FAILURE.c.id < before)
    columns = [column for column in FAILURE.c if column.name != "configuration_id"]
    statement = select(*columns).where(*conditions).order_by(FAILURE.c.id.desc()).limit(limit)
    return [FailureFacts(*row) for row in connection.execute(statement)]
