"""The schema's settings of an account in a Region, and who sees them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import strawberry
from sqlalchemy import ColumnElement, and_

from app.kernel.graphql.errors import UserError, user_errors
from app.kernel.graphql.node import Node
from app.kernel.graphql.payloads import ObjectPayload, made
from app.kernel.graphql.perform import Info, perform
from app.kernel.graphql.regions import Region
from app.kernel.graphql.scalars import RegionCode
from app.kernel.reads import Reading, Scope, column, computed, entity, one, value
from app.kernel.reads.json_sql import quoted
from app.kernel.regions import regions
from app.kernel.tables import table_of
from app.linking import service
from app.linking.models import ServiceSettingsRow
from app.linking.rules import DataCatalog, next_run
from app.linking.service import KEEP, SettingsChange
from app.organizations.rules import AccountRole
from app.organizations.schema import Account
from app.organizations.sight import has_discovery, is_linked, role_of, self_or_master_of

strawberry.enum(DataCatalog, description="Where inventory data of the organization can be queried.")


def sees_settings(settings: Any, scope: Scope) -> ColumnElement[bool]:
    """Settings are seen by the account itself and by the master account of its organization (ST-1)."""
    return self_or_master_of(scope.viewer_account, settings.c.account_id)


def _supported(settings: Any) -> ColumnElement[bool]:
    supported: ColumnElement[bool] = settings.c.region.in_(
        [quoted(each.code) for each in regions() if each.supports_cross_account]
    )
    return supported


def _next_runs(rows: Sequence[Mapping[str, Any]], _: Mapping[str, Any], reading: Reading) -> list[datetime]:
    return [next_run(row["inventory_sync_schedule"], reading.now) for row in rows]


def _failures(rows: Sequence[Mapping[str, Any]], _: Mapping[str, Any], reading: Reading) -> list[list[UserError]]:
    asked = [(row["account_id"], row["region"]) for row in rows]
    return [user_errors(each) for each in service.failures(reading.connection, reading.viewer.account_id, asked)]


@entity(table_of(ServiceSettingsRow), prefix="set", sight=sees_settings)
@strawberry.type(description="How an account uses License Manager in a Region.")
class ServiceSettings(Node):
    account: Account = one(
        lambda: Account, on=lambda settings, account, scope: account.c.account_id == settings.c.account_id
    )
    region: Region = one(lambda: Region, on=lambda settings, region, scope: region.c.code == settings.c.region)
    account_role: AccountRole = value(lambda settings, scope: role_of(settings.c.account_id))
    s3_bucket_arn: str | None = column()
    sns_topic_arn: str | None = column()
    organization_linked: bool = value(
        lambda settings, scope: and_(_supported(settings), is_linked(settings.c.account_id)),
        description="The link is the organization's; it holds in every Region that supports work across accounts.",
    )
    cross_account_discovery_enabled: bool = value(
        lambda settings, scope: and_(_supported(settings), has_discovery(settings.c.account_id))
    )
    data_catalog: DataCatalog = column()
    inventory_sync_schedule: str = column(description="Cron expression, UTC.")
    last_inventory_sync_at: datetime | None = value(lambda settings, scope: settings.c.last_sync_at)
    next_inventory_sync_at: datetime | None = computed(_next_runs, needs=("inventory_sync_schedule",))
    link_failures: list[UserError] = computed(
        _failures,
        needs=("account_id", "region"),
        description="Accounts that the link no longer reaches, and which of the two causes it is.",
    )


@strawberry.input
class UpdateServiceSettingsInput:
    region: RegionCode
    link_organization: bool | None = strawberry.field(
        default=None, description="True links the organization; false undoes it, until discovery is on."
    )
    enable_cross_account_discovery: bool | None = strawberry.field(
        default=None, description="True turns discovery across accounts on; it can't be turned off."
    )
    s3_bucket_arn: str | None = strawberry.field(
        default=strawberry.UNSET, description="Null takes the bucket away; left out, it stays."
    )
    sns_topic_arn: str | None = strawberry.field(
        default=strawberry.UNSET, description="Null takes the topic away; left out, it stays."
    )
    inventory_sync_schedule: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="A cron expression of five fields, UTC. Null is the default, every day at 13:00; left out, it "
        "stays.",
    )


@strawberry.type
class ServiceSettingsPayload(ObjectPayload):
    service_settings: ServiceSettings | None = made(ServiceSettings)


def _given(argument: Any) -> Any:
    return KEEP if argument is strawberry.UNSET else argument


@strawberry.type
class LinkingMutation:
    @strawberry.mutation(description="Changes the settings of the viewer's account in a Region, all or nothing.")
    async def update_service_settings(self, info: Info, input: UpdateServiceSettingsInput) -> ServiceSettingsPayload:
        change = SettingsChange(
            region=input.region,
            link_organization=input.link_organization,
            enable_discovery=input.enable_cross_account_discovery,
            s3_bucket_arn=_given(input.s3_bucket_arn),
            sns_topic_arn=_given(input.sns_topic_arn),
            inventory_sync_schedule=_given(input.inventory_sync_schedule),
        )
        return await perform(
            info,
            ServiceSettingsPayload,
            lambda tx, viewer: service.update(tx, viewer, change),
        )

    @strawberry.mutation(
        description="Upgrades the account's data catalog in a Region to the AWS Glue Data Catalog, which a search of "
        "the organization needs."
    )
    async def upgrade_data_catalog(self, info: Info, region: RegionCode) -> ServiceSettingsPayload:
        return await perform(
            info,
            ServiceSettingsPayload,
            lambda tx, viewer: service.upgrade_data_catalog(tx, viewer, region),
        )
