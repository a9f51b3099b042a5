"""The Region type, read like any other: its rows are the table of Regions, written into the statement."""

from typing import Any, cast

import strawberry
from sqlalchemy import Boolean, Integer, Table, literal_column, select, union_all

from app.kernel.graphql.perform import Info
from app.kernel.graphql.scalars import RegionCode
from app.kernel.reads import column, entity, listing
from app.kernel.reads.json_sql import quoted
from app.kernel.regions import regions


def _truth(value: bool) -> Any:
    return literal_column("true" if value else "false", type_=Boolean())


TABLE = cast(
    Table,
    union_all(
        *[
            select(
                literal_column(str(position), type_=Integer()).label("position"),
                quoted(each.code).label("code"),
                quoted(each.name).label("name"),
                _truth(each.supports_service_linked_roles).label("supports_service_linked_roles"),
                _truth(each.supports_cross_account).label("supports_cross_account"),
            )
            for position, each in enumerate(regions())
        ]
    ).subquery("region"),
)


@entity(TABLE, key="code")
@strawberry.type(description="A Region, and what is supported in it (RG-1).")
class Region:
    code: RegionCode = column()
    name: str = column()
    supports_service_linked_roles: bool = column()
    supports_cross_account: bool = column()


@strawberry.type
class RegionsQuery:
    @strawberry.field(description="All Regions, with their support of roles and of work across accounts.")
    async def regions(self, info: Info) -> list[Region]:
        return cast("list[Region]", await listing(info, Region, lambda row, scope: [], order="position"))
