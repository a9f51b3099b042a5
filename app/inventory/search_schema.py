"""The root field that searches the inventory, of one account or across the organization (IN-1, IN-2)."""

from enum import Enum
from typing import Any

import strawberry
from sqlalchemy import Connection

from app.compute.schema import LicensableResource
from app.inventory.search.find import Search, prepare
from app.inventory.search.groups import grouped
from app.inventory.search.naming import keys_of
from app.inventory.search.parse import parse
from app.inventory.search.reach import OrganizationReach, OwnReach
from app.inventory.search.terms import Expression
from app.kernel import reads
from app.kernel.checks import require
from app.kernel.context import Context
from app.kernel.graphql.errors import UserError, user_errors
from app.kernel.graphql.node import PageInfo
from app.kernel.graphql.perform import Info
from app.kernel.graphql.scalars import RegionCode
from app.kernel.reads import Reading, Scope
from app.kernel.regions import region as region_of
from app.linking.inventory import left_out, search_at_all
from app.roles.service import require_core

FILTER = """Search in the inventory. A filter is a line such as
application:"SQL Server" AND (platform:Windows OR account:111122223333) AND NOT type:IMAGE

A term is FIELD OPERATOR VALUE. Fields: application, version, publisher, platform, name, id, type, state, instanceType,
account, unit, region, license, tag.KEY. Operators: `:` equals, `~` contains, `^` begins with; version also compares by
`>`, `>=`, `<` and `<=`. Upper and lower case are the same. AND binds closer than OR; NOT and parentheses do as
usual. A value with blanks, quotation marks or parentheses stands in quotation marks, with \\" and \\\\ inside. A
word alone finds applications and names that contain it, and ids that begin with it.

- application:"SQL Server" AND version>=15: an application of that name and version. In a group joined by AND, version
  and publisher say more of the application that they follow.
- license:none: what carries no license configuration that you see. license:"Oracle EE": by name or ARN.
- unit:Production: accounts in that unit and in all below it. tag."Cost Center":4711: a tag's value.
- instanceType^m5. AND NOT state:STOPPED

At most 2,000 characters, 100 terms, 20 levels. An error names the column and what was expected there."""


@strawberry.enum(description="Whose resources are searched.")
class SearchScope(Enum):
    ACCOUNT = strawberry.enum_value("ACCOUNT", description="The viewer's account.")
    ORGANIZATION = strawberry.enum_value("ORGANIZATION", description="Every account of the organization.")


@strawberry.type
class ResourceEdge:
    cursor: str
    node: LicensableResource


@strawberry.type
class ResourceConnection:
    edges: list[ResourceEdge]
    page_info: PageInfo
    total_count: int
    skipped: list[UserError] = strawberry.field(
        description="Member accounts whose resources could not be searched, and why."
    )


@strawberry.type
class InventoryQuery:
    @strawberry.field(description=FILTER)
    async def resource_inventory(
        self,
        info: Info,
        region: RegionCode | None = None,
        filter: str | None = None,
        scope: SearchScope = SearchScope.ACCOUNT,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> ResourceConnection:
        if region is not None:
            region_of(region, "region")
        parsed = parse(filter) if filter is not None else None
        expression = grouped(parsed) if parsed is not None else None
        context: Context = info.context
        ready = await context.database.read(lambda connection: _ready(connection, context, expression, region, scope))
        found: ResourceConnection = await reads.connection_of(
            info,
            LicensableResource,
            _no_more,
            binds=ready.binds,
            plan=ready.key,
            find=ready.find,
            extras={"skipped": lambda reading: _skipped(reading, region, scope)},
        )
        return found


def _ready(
    connection: Connection, context: Context, expression: Expression | None, region: str | None, scope: SearchScope
) -> Search:
    """Ask what the search asks, and choose how it reads."""
    account_id = context.viewer.account_id
    require_core(connection, account_id)
    across = scope is SearchScope.ORGANIZATION
    if across:
        require(search_at_all(connection, account_id, region))
    return prepare(
        connection,
        expression,
        (OrganizationReach if across else OwnReach)(region is not None),
        viewer_account=account_id,
        region=region,
        keys=keys_of(connection, account_id, expression),
        now=context.clock.now(),
    )


def _no_more(resource: Any, scope: Scope) -> list[Any]:
    """Beside the viewer's sight: what was found is what was asked for."""
    return []


def _skipped(reading: Reading, region: str | None, scope: SearchScope) -> list[UserError]:
    if scope is SearchScope.ACCOUNT:
        return []
    return user_errors(left_out(reading.connection, reading.viewer.account_id, region))
