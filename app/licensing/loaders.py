"""Who sees which license configurations and associations, and how lists of them are filtered (PM-2, SH-3)."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, and_, exists, func, literal, or_, select

from app.compute.rules import ResourceType
from app.kernel.errors import invalid
from app.kernel.ids import check_text, parse_node_id
from app.kernel.reads import Scope
from app.kernel.regions import region as region_of
from app.kernel.tables import table_of
from app.kernel.tags import LONGEST_KEY, LONGEST_VALUE
from app.licensing.definition import LONGEST_NAME
from app.licensing.models import AssociationRow, LicenseConfigurationRow, LicenseConfigurationTagRow
from app.sharing.sight import sees, shared_with

configurations = table_of(LicenseConfigurationRow)
associations = table_of(AssociationRow)
tags = table_of(LicenseConfigurationTagRow)
Predicate = ColumnElement[bool]
MOST_IDS = 100


def sees_association(association: Any, scope: Scope) -> Predicate:
    """An association is seen by who sees its configuration; by a sharee only on what is its own account's (SH-3)."""
    configuration, viewer = configurations.alias(), scope.viewer_account
    return exists(
        select(configuration.c.id)
        .where(
            configuration.c.id == association.c.configuration_id,
            or_(
                configuration.c.owner_account_id == viewer,
                and_(association.c.account_id == viewer, configuration.c.id.in_(shared_with(viewer))),
            ),
        )
        .correlate_except(configuration)
    )


def within(configuration: Any, row: Any, scope: Scope) -> Predicate:
    """Rows of one configuration that is seen: all of them to its owner, to a sharee its own account's (SH-3)."""
    viewer = scope.viewer_account
    return and_(
        row.c.configuration_id == configuration.c.id,
        or_(configuration.c.owner_account_id == viewer, row.c.account_id == viewer),
    )


def consumption(configuration: Any, scope: Scope) -> FromClause:
    """What each account consumes of one configuration: `account_id`, `consumed`, `resources` of the kinds that can."""
    association = associations.alias()
    kinds = [kind.value for kind in ResourceType if kind not in (ResourceType.IMAGE, ResourceType.LAUNCH_TEMPLATE)]
    return (
        select(
            association.c.account_id,
            func.sum(association.c.consumed).label("consumed"),
            func.count().label("resources"),
        )
        .where(within(configuration, association, scope), association.c.resource_type.in_(kinds))
        .group_by(association.c.account_id)
        .correlate(configuration)
        .subquery()
    )


def keys_seen(connection: Connection, account_id: str) -> set[int]:
    """The keys of all configurations that an account sees."""
    seen = sees(configurations.c.id, configurations.c.owner_account_id, literal(account_id))
    return set(connection.execute(select(configurations.c.id).where(seen)).scalars())


# ------------------------------------------------------------ the list's filters


def by_arn(configuration: Any, scope: Scope) -> list[Predicate]:
    """The one configuration of the argument `arn`, and of `id` where both are given."""
    conditions = [configuration.c.arn == scope.argument("arn")]
    if scope.arguments.get("id") is not None:
        conditions.append(configuration.c.id == scope.argument("id", convert=key_or_none))
    return conditions


def filtered(configuration: Any, scope: Scope) -> list[Predicate]:
    """The conditions of the arguments `region` and `filter`, each given one narrowing the list."""
    given: Mapping[str, Any] = scope.arguments.get("filter") or {}
    conditions = []
    if scope.arguments.get("region") is not None:
        conditions.append(configuration.c.region == scope.argument("region"))
    if given.get("ids") is not None:
        keys = [
            scope.argument("filter", "ids", convert=partial(_key_at, position)) for position in range(len(given["ids"]))
        ]
        conditions.append(configuration.c.id.in_(keys))
    if given.get("nameContains") is not None:
        pattern = scope.argument("filter", "nameContains", convert=_contains)
        conditions.append(configuration.c.name_folded.like(pattern, escape="\\"))
    if given.get("ownerAccountId") is not None:
        conditions.append(configuration.c.owner_account_id == scope.argument("filter", "ownerAccountId"))
    if given.get("tag") is not None:
        conditions.append(_tagged(configuration, scope))
    return [*conditions, *_kinds(configuration, given, scope)]


def _kinds(configuration: Any, given: Mapping[str, Any], scope: Scope) -> list[Predicate]:
    """Filters of few values: they are part of the statement's shape."""
    conditions = []
    for name, column in (("countingType", configuration.c.counting_type), ("status", configuration.c.status)):
        if given.get(name) is not None:
            conditions.append(column == scope.constant(given[name].value))
    if given.get("hardLimit") is not None:
        conditions.append(configuration.c.hard_limit if given["hardLimit"] else ~configuration.c.hard_limit)
    if given.get("overLimit") is not None:
        over = func.coalesce(configuration.c.consumed > configuration.c.license_count, literal(False))
        conditions.append(over if given["overLimit"] else ~over)
    return conditions


def _tagged(configuration: Any, scope: Scope) -> Predicate:
    tag = tags.alias()
    wanted = select(tag.c.configuration_id).where(
        tag.c.key == scope.argument("filter", "tag", "key"), tag.c.value == scope.argument("filter", "tag", "value")
    )
    tagged: Predicate = configuration.c.id.in_(wanted)
    return tagged


def check_filter(
    region: str | None, ids: Sequence[str] | None, name_contains: str | None, tag: tuple[str, str] | None
) -> None:
    """Refuse filters out of bounds, by the argument at fault."""
    if region is not None:
        region_of(region, "region")
    if ids is not None and len(ids) > MOST_IDS:
        raise invalid(f"Name at most {MOST_IDS} license configurations.", "filter", "ids", rule="API-3")
    if name_contains is not None:
        check_text(name_contains, "The part of a name", LONGEST_NAME, "filter", "nameContains", minimum=0)
    if tag is not None:
        check_text(tag[0], "A tag's key", LONGEST_KEY, "filter", "tag", "key")
        check_text(tag[1], "A tag's value", LONGEST_VALUE, "filter", "tag", "value", minimum=0)


def key_or_none(id: str) -> int:
    """The key in a configuration's id; a key that no row has where the id names nothing."""
    parsed = parse_node_id(id)
    return parsed.key if parsed is not None and parsed.prefix == "lc" else -1


def _key_at(position: int, ids: Sequence[str]) -> int:
    return key_or_none(ids[position])


def _contains(text: str) -> str:
    """A LIKE pattern that takes the text literally."""
    escaped = text.casefold().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
