"""License configurations, their associations and failures as an account sees them, for doors other than GraphQL.

Each function is one statement, whatever it finds; those that every request needs are compiled once.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson
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

from app.kernel.reads.json_sql import json_array_of, json_object
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
    """The same with its tags and what carries it, of one instant: a single statement."""
    statement = _detail(connection.dialect.name)
    row = connection.execute(statement, {"viewer": account_id, "arn": arn}).one_or_none()
    if row is None:
        return None
    tags, carried = (each if isinstance(each, list) else orjson.loads(each) for each in (row.told_tags, row.told_types))
    found = [TypeSummary(row.id, each["type"], each["resources"], each["consumed"]) for each in carried]
    return Detail(facts_of(row), {each["key"]: each["value"] for each in tags}, found)


@lru_cache(maxsize=2)
def _detail(dialect: str) -> Select[Any]:
    viewer = bindparam("viewer", type_=String())
    tags = select(json_array_of(json_object([("key", TAG.c.key), ("value", TAG.c.value)], dialect), TAG.c.key)).where(
        TAG.c.configuration_id == CONFIGURATION.c.id
    )
    types = (
        select(
            ASSOCIATION.c.resource_type.label("type"),
            func.count().label("resources"),
            cast(func.sum(ASSOCIATION.c.consumed), BigInteger).label("consumed"),
        )
        .where(
            ASSOCIATION.c.configuration_id == CONFIGURATION.c.id,
            or_(CONFIGURATION.c.owner_account_id == viewer, ASSOCIATION.c.account_id == viewer),
        )
        .group_by(ASSOCIATION.c.resource_type)
        .correlate(CONFIGURATION)
        .subquery()
    )
    one = json_object([(name, types.c[name]) for name in ("type", "resources", "consumed")], dialect)
    told = select(json_array_of(one, types.c.type)).select_from(types)
    return _by_arn().add_columns(
        tags.correlate(CONFIGURATION).scalar_subquery().label("told_tags"),
        told.correlate(CONFIGURATION).scalar_subquery().label("told_types"),
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
        select(
            ASSOCIATION.c.configuration_id,
            ASSOCIATION.c.resource_type,
            func.count(),
            cast(func.sum(ASSOCIATION.c.consumed), BigInteger),
        )
        .join(CONFIGURATION, CONFIGURATION.c.id == ASSOCIATION.c.configuration_id)
        .where(
            ASSOCIATION.c.configuration_id.in_(bindparam("keys", expanding=True)),
            or_(CONFIGURATION.c.owner_account_id == viewer, ASSOCIATION.c.account_id == viewer),
        )
        .group_by(ASSOCIATION.c.configuration_id, ASSOCIATION.c.resource_type)
        .order_by(ASSOCIATION.c.configuration_id, ASSOCIATION.c.resource_type)
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
