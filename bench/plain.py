"""The natural way, to be measured against: ORM entities, dataloaders, async resolvers, one transaction a launch.

It answers the same operations on the same tables, with no audit beyond one row, and no limits.
"""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import strawberry
from sqlalchemy import event, select, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader

from app.audit.models import AuditEventRow
from app.compute.models import ResourceRow
from app.kernel.ids import new_hex, new_key
from app.licensing.models import AssociationRow, ConsumptionChangeRow, LicenseConfigurationRow, UsageHourRow
from app.organizations.models import AccountRow


def open_engine(url: str) -> AsyncEngine:
    """An engine with the durability that Tollgate has."""
    engine = create_async_engine(url, pool_size=10, max_overflow=0)
    if url.startswith("sqlite"):

        @event.listens_for(engine.sync_engine, "connect")
        def _prepare(connection: Any, _: Any) -> None:
            cursor = connection.cursor()
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=60000"):
                cursor.execute(f"PRAGMA {pragma}")
            connection.isolation_level = None

        @event.listens_for(engine.sync_engine, "begin")
        def _begin(connection: Any) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE" if WRITING.get("on") else "BEGIN")

    return engine


WRITING: dict[str, bool] = {}
Sessions = async_sessionmaker[AsyncSession]


@strawberry.type
class Account:
    account_id: str
    name: str


@strawberry.type
class Resource:
    row: strawberry.Private[ResourceRow]

    @strawberry.field
    async def id(self) -> str:
        return f"res_{self.row.id}"

    @strawberry.field
    async def arn(self) -> str:
        return self.row.arn

    @strawberry.field
    async def resource_id(self) -> str:
        return self.row.resource_id

    @strawberry.field
    async def account(self, info: strawberry.Info) -> Account:
        row = await info.context["accounts"].load(self.row.account_id)
        return Account(account_id=row.account_id, name=row.name)


@strawberry.type
class Association:
    row: strawberry.Private[AssociationRow]

    @strawberry.field
    async def id(self) -> str:
        return f"assoc_{self.row.id}"

    @strawberry.field
    async def consumed_licenses(self) -> int:
        return self.row.consumed

    @strawberry.field
    async def resource(self, info: strawberry.Info) -> Resource:
        return Resource(row=await info.context["resources"].load(self.row.resource_id))


@strawberry.type
class AssociationEdge:
    node: Association


@strawberry.type
class AssociationConnection:
    edges: list[AssociationEdge]


@strawberry.type
class LicenseConfiguration:
    row: strawberry.Private[LicenseConfigurationRow]

    @strawberry.field
    async def id(self) -> str:
        return f"lc_{self.row.id}"

    @strawberry.field
    async def name(self) -> str:
        return self.row.name

    @strawberry.field
    async def consumed_licenses(self) -> int:
        return self.row.consumed

    @strawberry.field
    async def associations(self, info: strawberry.Info, first: int = 20) -> AssociationConnection:
        rows = await info.context["associations"].load((self.row.id, first))
        return AssociationConnection(edges=[AssociationEdge(node=Association(row=row)) for row in rows])


@strawberry.type
class LicenseConfigurationEdge:
    node: LicenseConfiguration


@strawberry.type
class LicenseConfigurationConnection:
    edges: list[LicenseConfigurationEdge]


@strawberry.type
class Query:
    @strawberry.field
    async def license_configurations(self, info: strawberry.Info, first: int = 20) -> LicenseConfigurationConnection:
        async with info.context["sessions"]() as session:
            rows = await session.scalars(
                select(LicenseConfigurationRow).order_by(LicenseConfigurationRow.id).limit(first)
            )
            return LicenseConfigurationConnection(
                edges=[LicenseConfigurationEdge(node=LicenseConfiguration(row=row)) for row in rows]
            )


@strawberry.input
class LaunchInstancesInput:
    region: str
    image_id: strawberry.ID
    instance_type: str


@strawberry.type
class Instance:
    id: strawberry.ID
    resource_id: str


@strawberry.type
class LaunchInstancesPayload:
    instances: list[Instance]
    errors: list[str]


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def launch_instances(self, info: strawberry.Info, input: LaunchInstancesInput) -> LaunchInstancesPayload:
        async with info.context["sessions"]() as session, session.begin():
            return await _launch(session, input)


async def _launch(session: AsyncSession, asked: LaunchInstancesInput) -> LaunchInstancesPayload:
    from app.compute.catalogue import instance_type

    now = datetime.now(UTC)
    image = await session.get_one(ResourceRow, int(asked.image_id[4:]))
    kind = instance_type(asked.instance_type)
    assert kind is not None
    carried = list(await session.scalars(select(AssociationRow).where(AssociationRow.resource_id == image.id)))
    instance = ResourceRow(
        id=new_key(),
        type="INSTANCE",
        resource_id=f"i-{new_hex(17)}",
        arn=f"arn:aws:ec2:{asked.region}:{image.account_id}:instance/i-{new_hex(17)}",
        account_id=image.account_id,
        region=asked.region,
        image_id=image.id,
        instance_type=kind.name,
        tenancy="SHARED",
        state="RUNNING",
        mechanism="IMAGE",
        vcpus=kind.vcpus,
        cores=kind.cores,
        threads_per_core=kind.threads_per_core,
        launched_at=now,
        created_at=now,
        active=True,
    )
    session.add(instance)
    for association in carried:
        taken = await session.execute(
            update(LicenseConfigurationRow)
            .where(
                LicenseConfigurationRow.id == association.configuration_id,
                LicenseConfigurationRow.consumed + 1 <= LicenseConfigurationRow.license_count,
            )
            .values(consumed=LicenseConfigurationRow.consumed + 1)
            .execution_options(synchronize_session=False)
        )
        if taken.rowcount == 0:  # type: ignore[attr-defined]
            await session.rollback()
            return LaunchInstancesPayload(instances=[], errors=["full"])
        configuration = await session.get_one(
            LicenseConfigurationRow, association.configuration_id, populate_existing=True
        )
        session.add(
            AssociationRow(
                id=new_key(),
                configuration_id=configuration.id,
                resource_id=instance.id,
                resource_type="INSTANCE",
                account_id=instance.account_id,
                consumed=1,
                associated_at=now,
                associated_by="bench",
            )
        )
        session.add(
            ConsumptionChangeRow(
                id=new_key(),
                configuration_id=configuration.id,
                at=now,
                account_id=instance.account_id,
                delta=1,
                consumed=configuration.consumed,
                license_count=configuration.license_count,
            )
        )
        hour = now.replace(minute=0, second=0, microsecond=0)
        usage = await session.get(UsageHourRow, (configuration.id, hour))
        if usage is None:
            session.add(UsageHourRow(configuration_id=configuration.id, hour=hour, consumed=0, license_count=0))
        else:
            usage.consumed, usage.license_count = configuration.consumed, configuration.license_count
    session.add(_audit(instance, now))
    return LaunchInstancesPayload(
        instances=[Instance(id=strawberry.ID(f"res_{instance.id}"), resource_id=instance.resource_id)], errors=[]
    )


def _audit(instance: ResourceRow, now: datetime) -> AuditEventRow:
    return AuditEventRow(
        id=new_key(),
        account_id=instance.account_id,
        event_time=now,
        event_name="RunInstances",
        event_source="ec2.amazonaws.com",
        principal_arn="bench",
        region=instance.region,
        read_only=False,
        record=json.dumps({"eventName": "RunInstances", "resources": [instance.arn]}),
    )


def _by_key(sessions: Sessions, row: Any, column: Any) -> Callable[[list[Any]], Awaitable[Sequence[Any]]]:
    async def load(keys: list[Any]) -> Sequence[Any]:
        async with sessions() as session:
            found = {
                getattr(each, column.key): each for each in await session.scalars(select(row).where(column.in_(keys)))
            }
        return [found[key] for key in keys]

    return load


def _associations(sessions: Sessions) -> Callable[[list[tuple[int, int]]], Awaitable[Sequence[Any]]]:
    async def one(key: int, first: int) -> Sequence[AssociationRow]:
        async with sessions() as session:
            statement = (
                select(AssociationRow)
                .where(AssociationRow.configuration_id == key)
                .order_by(AssociationRow.id)
                .limit(first)
            )
            return list(await session.scalars(statement))

    async def load(keys: list[tuple[int, int]]) -> Sequence[Any]:
        return await asyncio.gather(*(one(key, first) for key, first in keys))

    return load


class Plain(GraphQL):
    """Strawberry's own ASGI application, with a session factory and loaders for each request."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(strawberry.Schema(Query, Mutation))
        self._sessions = async_sessionmaker(engine, expire_on_commit=False)

    async def get_context(self, request: Any, response: Any) -> Any:
        sessions = self._sessions
        return {
            "sessions": sessions,
            "accounts": DataLoader(_by_key(sessions, AccountRow, AccountRow.account_id)),
            "resources": DataLoader(_by_key(sessions, ResourceRow, ResourceRow.id)),
            "associations": DataLoader(_associations(sessions)),
        }


def application() -> Plain:
    """For uvicorn's factory mode; TOLLGATE_DATABASE_URL names the database, BENCH_WRITES that it is written to."""
    WRITING["on"] = bool(os.environ.get("BENCH_WRITES"))
    return Plain(open_engine(os.environ["TOLLGATE_DATABASE_URL"]))
