"""The served schema: every slice's root fields, in one Query, Mutation and Subscription."""

from functools import lru_cache
from typing import cast

import strawberry
from graphql import GraphQLInputObjectType
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.name_converter import NameConverter

from app.alerts.mutations import DeliveryMutation
from app.alerts.queries import DeliveryQuery
from app.alerts.schema import AlertsMutation, AlertsQuery, AlertsSubscription
from app.api.decisions import DecisionQuery
from app.api.nodes import NodesQuery
from app.audit.schema import AuditQuery
from app.compute.launch_schema import LaunchMutation, LaunchQuery
from app.compute.mutations import ComputeMutation
from app.compute.schema import DedicatedHost, Instance, LaunchTemplate, MachineImage, ManagedInstance
from app.identity.schema import IdentityMutation, IdentityQuery
from app.inventory.automated.mutations import DiscoveryRuleMutation, DiscoveryRuleQuery
from app.inventory.schema import InventoryMutation
from app.inventory.search_schema import InventoryQuery
from app.inventory.sync_schema import InventorySyncMutation, InventorySyncQuery
from app.kernel.graphql.errors import LicenseLimitExceeded, LicenseRuleViolated, Refusal
from app.kernel.graphql.regions import RegionsQuery
from app.kernel.graphql.scalars import SCALARS
from app.licensing.association_schema import AssociationMutation
from app.licensing.mutations import LicensingMutation
from app.licensing.queries import LicensingQuery
from app.licensing.thresholds import usual_thresholds
from app.licensing.usage_schema import UsageSubscription
from app.linking.schema import LinkingMutation
from app.organizations.mutations import OrganizationsMutation
from app.organizations.queries import OrganizationsQuery
from app.roles.schema import RolesMutation
from app.sharing.schema import SharingMutation, SharingQuery


@strawberry.type
class Query(
    NodesQuery,
    IdentityQuery,
    RegionsQuery,
    OrganizationsQuery,
    LicensingQuery,
    InventoryQuery,
    InventorySyncQuery,
    DiscoveryRuleQuery,
    SharingQuery,
    AlertsQuery,
    DeliveryQuery,
    AuditQuery,
    LaunchQuery,
    DecisionQuery,
):
    """What a caller may ask."""


@strawberry.type
class Mutation(
    OrganizationsMutation,
    RolesMutation,
    LinkingMutation,
    LicensingMutation,
    AssociationMutation,
    SharingMutation,
    ComputeMutation,
    LaunchMutation,
    InventoryMutation,
    InventorySyncMutation,
    DiscoveryRuleMutation,
    AlertsMutation,
    DeliveryMutation,
    IdentityMutation,
):
    """What a caller may do."""


@strawberry.type
class Subscription(AlertsSubscription, UsageSubscription):
    """What a caller may be told of as it happens."""


class Names(NameConverter):
    """GraphQL names, each worked out once: inputs are converted by name at every call."""

    def __init__(self) -> None:
        super().__init__()
        self.apply_naming_config = lru_cache(maxsize=None)(super().apply_naming_config)  # type: ignore[method-assign]


schema = strawberry.Schema(
    Query,
    Mutation,
    Subscription,
    types=[
        Refusal,
        LicenseLimitExceeded,
        LicenseRuleViolated,
        MachineImage,
        LaunchTemplate,
        DedicatedHost,
        Instance,
        ManagedInstance,
    ],
    config=StrawberryConfig(scalar_map=SCALARS, name_converter=Names()),
)


def tell_usual_thresholds() -> None:
    """Have the schema tell, and fill in, the thresholds that hold where none are named.

    A default is filled in before a resolver sees the input: one that is not what holds could not be told from the same
    numbers given on purpose.
    """
    types = schema._schema.type_map  # noqa: SLF001 - strawberry has no public name for the graphql-core schema
    made = cast("GraphQLInputObjectType", types["CreateLicenseConfigurationInput"])
    made.fields["alertThresholds"].default_value = list(usual_thresholds())
