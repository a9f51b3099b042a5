"""The schema's alerts: listed, acknowledged, and fed as they are raised."""

from datetime import datetime
from typing import Annotated, Any

import strawberry
from sqlalchemy import ColumnElement, case

from app.alerts import acknowledging
from app.alerts.feed import limit_alerts
from app.alerts.loaders import its_own_affair, sees_alert
from app.alerts.models import AlertRow
from app.alerts.rules import AlertKind
from app.compute.schema import LicensableResource
from app.kernel import reads
from app.kernel.graphql.node import Connection, Node
from app.kernel.graphql.payloads import ObjectPayload, made
from app.kernel.graphql.perform import Info, perform
from app.kernel.graphql.scalars import AccountId
from app.kernel.ids import parse_node_id
from app.kernel.reads import Scope, Seen, column, entity, one, value
from app.kernel.tables import table_of
from app.licensing.schema import LicenseConfiguration
from app.organizations.schema import Account

strawberry.enum(AlertKind, description="What an alert tells.")

OWN = Seen("the owner of the license configuration, and the account that caused the alert", its_own_affair)


def _account(alert: Any, account: Any, scope: Scope) -> ColumnElement[bool]:
    """Who caused it; to a sharee whom it does not concern, the owner of the pool stands for all."""
    shown = case((its_own_affair(alert, scope), alert.c.account_id), else_=alert.c.owner_account_id)
    same: ColumnElement[bool] = account.c.account_id == shown
    return same


@entity(table_of(AlertRow), prefix="alert", sight=sees_alert)
@strawberry.type(description="Something about a license configuration that someone should know.")
class Alert(Node):
    kind: AlertKind = column()
    license_configuration: LicenseConfiguration | None = one(
        lambda: LicenseConfiguration,
        on=lambda alert, configuration, scope: configuration.c.id == alert.c.configuration_id,
        description="Null once it is deleted; the ARN stays.",
    )
    license_configuration_arn: str = value(lambda alert, scope: alert.c.configuration_arn)
    account: Account = one(
        lambda: Account,
        on=_account,
        description="Whose action raised it; to a sharee, of other accounts' actions, the owner's.",
    )
    resource: LicensableResource | None = one(
        lambda: LicensableResource,
        on=lambda alert, resource, scope: resource.c.id == alert.c.resource_id,
        seen=OWN,
    )
    message: str = column()
    consumed_licenses: int = value(lambda alert, scope: alert.c.consumed)
    license_count: int | None = column()
    raised_at: datetime = column()
    acknowledged_at: datetime | None = column()
    acknowledged_by: str | None = column(seen=OWN)
    note: str | None = column(seen=OWN)


@strawberry.type
class AlertPayload(ObjectPayload):
    alert: Alert | None = made(Alert)


def _filters(alert: Any, scope: Scope) -> list[ColumnElement[bool]]:
    given = scope.arguments
    conditions = []
    if given.get("licenseConfigurationId") is not None:
        conditions.append(
            alert.c.configuration_id == scope.argument("licenseConfigurationId", convert=_configuration_key)
        )
    if given.get("acknowledged") is not None:
        unset = alert.c.acknowledged_at.is_(None)
        conditions.append(~unset if given["acknowledged"] else unset)
    if given.get("kind") is not None:
        conditions.append(alert.c.kind == scope.constant(given["kind"].value))
    if given.get("accountId") is not None:
        own = its_own_affair(alert, scope)
        conditions.append(own & (alert.c.account_id == scope.argument("accountId")))
    if given.get("from") is not None:
        conditions.append(alert.c.raised_at >= scope.argument("from"))
    if given.get("to") is not None:
        conditions.append(alert.c.raised_at < scope.argument("to"))
    return conditions


def _configuration_key(id: str) -> int:
    """The key in a configuration's id; a key that no row has for an id that names nothing."""
    parsed = parse_node_id(id)
    return parsed.key if parsed and parsed.prefix == "lc" else -1


@strawberry.type
class AlertsQuery:
    @strawberry.field(description="Alerts of what the viewer may see, the newest first.")
    async def alerts(
        self,
        info: Info,
        license_configuration_id: strawberry.ID | None = None,
        acknowledged: bool | None = None,
        kind: AlertKind | None = None,
        account_id: AccountId | None = None,
        from_: Annotated[datetime | None, strawberry.argument(name="from")] = None,
        to: datetime | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Alert]:
        found: Connection[Alert] = await reads.connection_of(info, Alert, _filters, newest_first=True, key="position")
        return found


@strawberry.type
class AlertsMutation:
    @strawberry.mutation(description="Note that someone has taken care of an alert.")
    async def acknowledge_alert(self, info: Info, id: strawberry.ID, note: str | None = None) -> AlertPayload:
        return await perform(
            info,
            AlertPayload,
            lambda tx, viewer: acknowledging.acknowledge(tx, viewer, id, note),
        )


@strawberry.type
class AlertsSubscription:
    limit_alerts = strawberry.subscription(
        resolver=limit_alerts,
        description="Alerts as they are raised, of every license configuration that the viewer may see. With a cursor, "
        "first all that were raised since it: nothing is lost or repeated over a reconnection.",
    )
