"""The schema's license configurations: what they say, what is on them, and how they are used."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from sqlalchemy import ColumnElement, case, true

from app.compute.rules import ResourceType, Tenancy
from app.compute.schema import LicensableResource
from app.kernel.graphql.node import Connection, Node, Tag
from app.kernel.graphql.regions import Region
from app.kernel.graphql.scalars import AccountId
from app.kernel.reads import Scope, column, computed, connection, entity, many, one, page_arguments, value
from app.kernel.tables import table_of
from app.licensing.dashboard import hosts_by_tenancy, usage_history
from app.licensing.definition import BOUND_NAMES
from app.licensing.loaders import associations, configurations, consumption, sees_association, tags, within
from app.licensing.models import OperationFailureRow, TakenOffRow
from app.licensing.rules import CountingType, Status
from app.licensing.steps import UsageStep
from app.organizations.schema import Account
from app.sharing.service import is_in, sees_configuration

if TYPE_CHECKING:
    from app.inventory.automated.schema import DiscoveryRule
    from app.sharing.schema import ResourceShare

strawberry.enum(CountingType, name="LicenseCountingType", description="The metric by which licenses are counted.")
strawberry.enum(Status, name="LicenseConfigurationStatus", description="Whether a configuration tracks and judges.")
strawberry.enum(UsageStep, description="The distance of two points of a graph; hours and days are those of UTC.")


def _share() -> type:
    from app.sharing.schema import ResourceShare

    return ResourceShare


def _discovery_rule() -> type:
    from app.inventory.automated.schema import DiscoveryRule

    return DiscoveryRule


def _bound(name: str) -> Any:
    """A rule of one metric: the row's minimum or maximum, where the row is of that metric."""
    (metric,) = (metric for metric, names in BOUND_NAMES.items() if name in names)
    return value(
        lambda rules, scope: case(
            (
                rules.c.counting_type == metric.value,
                rules.c.minimum if name.startswith("minimum") else rules.c.maximum,
            )
        )
    )


@entity(configurations)
@strawberry.type(description="What a license configuration demands of each resource.")
class LicenseRules:
    minimum_vcpus: int | None = _bound("minimumVcpus")
    maximum_vcpus: int | None = _bound("maximumVcpus")
    minimum_cores: int | None = _bound("minimumCores")
    maximum_cores: int | None = _bound("maximumCores")
    minimum_sockets: int | None = _bound("minimumSockets")
    maximum_sockets: int | None = _bound("maximumSockets")
    honor_vcpu_optimization: bool = column(
        description="True counts an instance's customised cores and threads, false the defaults of its type."
    )
    allowed_tenancy: list[Tenancy] = column(description="Empty: every tenancy is accepted.")


@entity(None, key="account_id")
@strawberry.type(description="What one account consumes of a license configuration.")
class AccountConsumption:
    account: Account = one(lambda: Account, on=lambda used, account, scope: account.c.account_id == used.c.account_id)
    consumed_licenses: int = value(lambda used, scope: used.c.consumed)
    resources: int = value(
        lambda used, scope: used.c.resources,
        description="Its instances, Dedicated Hosts and managed instances that carry it, stopped ones included.",
    )


@strawberry.type(description="How many hosts of one tenancy run something that is tracked.")
class TenancyCount:
    tenancy: Tenancy
    hosts: int = strawberry.field(
        description="Dedicated Hosts for their tenancy, instances for the others; running ones only."
    )


@strawberry.type(description="One point of the graph of use.")
class UsagePoint:
    at: datetime = strawberry.field(description="The start of the point's step; the figures are those of its end.")
    consumed_licenses: int
    license_count: int | None


def _usage_arguments(
    to: datetime,
    from_: Annotated[datetime, strawberry.argument(name="from")],
    step: UsageStep = UsageStep.HOUR,
) -> None:
    """From when on, until before when, in which steps."""


def _association_arguments(
    resource_type: ResourceType | None = None,
    account_id: AccountId | None = None,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
) -> None:
    """A page of those of one type, or of one account."""


def _of_kind(configuration: Any, association: Any, scope: Scope) -> list[ColumnElement[bool]]:
    given = scope.arguments
    conditions = []
    if given.get("resourceType") is not None:
        conditions.append(association.c.resource_type == scope.constant(given["resourceType"].value))
    if given.get("accountId") is not None:
        conditions.append(association.c.account_id == scope.argument("accountId"))
    return conditions


@entity(table_of(OperationFailureRow))
@strawberry.type(description="Something that was to be done on a resource of a license configuration, and was refused.")
class OperationFailure:
    operation: str = column(description="Such as AssociateResources.")
    resource_arn: str = column()
    resource_type: ResourceType | None = column()
    account_id: AccountId = column(description="The resource's account.")
    error_code: str = column()
    error_message: str = column()
    requested_by: str = column(description="The caller's ARN.")
    failed_at: datetime = column()


@entity(table_of(TakenOffRow))
@strawberry.type(
    description="A resource that a person took a license configuration off: rules of discovery leave it out until it "
    "is associated by hand, or a rule is run with includeTakenOff."
)
class TakenOffResource:
    resource: LicensableResource | None = one(
        lambda: LicensableResource,
        on=lambda taken, resource, scope: resource.c.id == taken.c.resource_id,
        sighted=True,
        description="Null where it is gone.",
    )
    taken_off_at: datetime = column()
    taken_off_by: str = column(description="The caller's ARN.")


@entity(associations, prefix="assoc", sight=sees_association)
@strawberry.type(description="A license configuration on a resource.")
class Association(Node):
    license_configuration: "LicenseConfiguration" = one(
        lambda: LicenseConfiguration,
        on=lambda association, configuration, scope: configuration.c.id == association.c.configuration_id,
    )
    resource: LicensableResource = one(
        lambda: LicensableResource,
        on=lambda association, resource, scope: resource.c.id == association.c.resource_id,
    )
    consumed_licenses: int = value(lambda association, scope: association.c.consumed)
    associated_at: datetime = column()
    associated_by: str = column(description="The ARN of who associated it, or launched it.")


@entity(configurations, prefix="lc", sight=sees_configuration)
@strawberry.type(description="Who owns how many licenses of what, how they are counted, and what may use them.")
class LicenseConfiguration(Node):
    arn: str = column()
    name: str = column()
    description: str | None = column()
    owner: Account = one(
        lambda: Account,
        on=lambda configuration, account, scope: account.c.account_id == configuration.c.owner_account_id,
    )
    region: Region = one(
        lambda: Region, on=lambda configuration, region, scope: region.c.code == configuration.c.region
    )
    counting_type: CountingType = column()
    rules: LicenseRules = one(
        lambda: LicenseRules, on=lambda configuration, rules, scope: rules.c.id == configuration.c.id
    )
    license_count: int | None = column()
    hard_limit: bool = column(description="True blocks what is out of compliance; false lets it through and alerts.")
    alert_thresholds: list[int] = column(description="Percentages of the count at which an alert is raised.")
    status: Status = column()
    version: int = column(description="Goes up by one with every edit.")
    tags: list[Tag] = many(
        lambda: Tag,
        on=lambda configuration, tag, scope: tag.c.configuration_id == configuration.c.id,
        order="key",
        source=lambda configuration, scope: tags,
    )
    consumed_licenses: int = value(
        lambda configuration, scope: configuration.c.consumed,
        description="Licenses in use, in the owner's and all sharees' accounts.",
    )
    remaining_licenses: int | None = value(
        lambda configuration, scope: configuration.c.license_count - configuration.c.consumed,
        description="Null where there is no count; negative where use is over it.",
    )
    shared: bool = value(
        lambda configuration, scope: configuration.c.owner_account_id != scope.viewer_account,
        description="True where the viewer's account sees it through a share and does not own it.",
    )
    associations: Connection[Association] = connection(
        lambda: Association,
        on=within,
        arguments=_association_arguments,
        where=_of_kind,
        description="A sharee sees those of its own account.",
    )
    consumption_by_account: list[AccountConsumption] = many(
        lambda: AccountConsumption,
        on=lambda configuration, used, scope: true(),
        order="account_id",
        source=consumption,
        description="By account id. A sharee sees its own.",
    )
    hosts_by_tenancy: list[TenancyCount] = computed(
        hosts_by_tenancy, needs=("id",), description="Every tenancy. A sharee sees its own account's."
    )
    usage_history: list[UsagePoint] = computed(
        usage_history,
        needs=("id",),
        arguments=_usage_arguments,
        description="A point for each step that the time touches, at most 10,000, as long as the configuration was "
        "there; the last one stands at the present.",
    )
    resource_shares: list[Annotated["ResourceShare", strawberry.lazy("app.sharing.schema")]] = many(
        _share,
        on=lambda configuration, share, scope: is_in(configuration, share),
        sighted=True,
        description="The active shares that it is in and that the viewer may see.",
    )
    failures: Connection[OperationFailure] = connection(
        lambda: OperationFailure,
        on=within,
        arguments=page_arguments,
        newest_first=True,
        description="What was refused on its resources, the newest first. A sharee sees its own account's.",
    )
    discovery_rules: list[Annotated["DiscoveryRule", strawberry.lazy("app.inventory.automated.schema")]] = many(
        _discovery_rule,
        on=lambda configuration, rule, scope: rule.c.configuration_id == configuration.c.id,
        sighted=True,
        description="That put it on what they find; the owner's own, to others none.",
    )
    taken_off: Connection[TakenOffResource] = connection(
        lambda: TakenOffResource,
        on=within,
        arguments=page_arguments,
        newest_first=True,
        description="What a person disassociated, the newest first. A sharee sees its own account's.",
    )
    created_at: datetime = column()
    updated_at: datetime = column()
