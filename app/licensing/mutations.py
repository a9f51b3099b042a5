"""Root fields that make, edit, tag and delete license configurations, and tag everything else that has tags."""

from typing import Any

import strawberry

from app.compute.rules import Tenancy
from app.kernel.database import Transaction
from app.kernel.graphql.node import Tag, TagInput
from app.kernel.graphql.payloads import DeletePayload, ObjectPayload, made
from app.kernel.graphql.perform import Info, Payload, perform
from app.kernel.graphql.scalars import RegionCode
from app.kernel.ids import key_of
from app.kernel.tagging import Tags, tag_resource, untag_resource
from app.kernel.viewer import Viewer
from app.licensing import configurations
from app.licensing.configurations import CreateConfiguration, UpdateConfiguration
from app.licensing.definition import UNCHANGED, RuleSetting, Unchanged
from app.licensing.rules import CountingType, Status
from app.licensing.schema import LicenseConfiguration
from app.licensing.thresholds import usual_thresholds


@strawberry.input
class LicenseRulesInput:
    minimum_vcpus: int | None = None
    maximum_vcpus: int | None = None
    minimum_cores: int | None = None
    maximum_cores: int | None = None
    minimum_sockets: int | None = None
    maximum_sockets: int | None = None
    honor_vcpu_optimization: bool | None = None
    allowed_tenancy: list[Tenancy] | None = None

    def settings(self) -> list[RuleSetting]:
        """The rules by name; an input object has no order of its own but that of its declaration."""
        return [
            ("minimumVcpus", self.minimum_vcpus),
            ("maximumVcpus", self.maximum_vcpus),
            ("minimumCores", self.minimum_cores),
            ("maximumCores", self.maximum_cores),
            ("minimumSockets", self.minimum_sockets),
            ("maximumSockets", self.maximum_sockets),
            ("honorVcpuOptimization", self.honor_vcpu_optimization),
            ("allowedTenancy", self.allowed_tenancy),
        ]


@strawberry.input
class CreateLicenseConfigurationInput:
    region: RegionCode
    name: str
    description: str | None = None
    counting_type: CountingType
    rules: LicenseRulesInput | None = None
    license_count: int | None = None
    hard_limit: bool = False
    alert_thresholds: list[int] | None = strawberry.field(default_factory=lambda: list(usual_thresholds()))
    tags: list[TagInput] | None = None

    def command(self) -> CreateConfiguration:
        return CreateConfiguration(
            region=self.region,
            name=self.name,
            description=self.description,
            counting_type=self.counting_type,
            rules=self.rules.settings() if self.rules else (),
            license_count=self.license_count,
            hard_limit=self.hard_limit,
            alert_thresholds=self.alert_thresholds,
            tags=_pairs(self.tags),
        )


@strawberry.input
class UpdateLicenseConfigurationInput:
    id: strawberry.ID
    name: str | None = None
    description: str | None = strawberry.field(
        default=strawberry.UNSET, description="Null takes the description away; left out, it stays."
    )
    license_count: int | None = strawberry.field(
        default=strawberry.UNSET, description="Null takes the count away; left out, it stays."
    )
    hard_limit: bool | None = None
    alert_thresholds: list[int] | None = None
    status: Status | None = None
    expected_version: int | None = strawberry.field(
        default=None,
        description="Refuse with CONFLICT where the configuration is not of this version any more.",
    )

    def command(self) -> UpdateConfiguration:
        """Raises NOT_FOUND for an id that can name no license configuration."""
        return UpdateConfiguration(
            key=key_of(self.id, "lc", "The license configuration", "input", "id"),
            name=_given(self.name),
            description=UNCHANGED if self.description is strawberry.UNSET else self.description,
            license_count=UNCHANGED if self.license_count is strawberry.UNSET else self.license_count,
            hard_limit=_given(self.hard_limit),
            alert_thresholds=_given(self.alert_thresholds),
            status=_given(self.status),
            expected_version=self.expected_version,
        )


def _given(value: Any) -> Any | Unchanged:
    return UNCHANGED if value is None else value


def _pairs(tags: list[TagInput] | None) -> list[tuple[str, str]]:
    return [(tag.key, tag.value) for tag in tags or ()]


@strawberry.type
class LicenseConfigurationPayload(ObjectPayload):
    license_configuration: LicenseConfiguration | None = made(LicenseConfiguration)


@strawberry.type
class TagPayload(Payload):
    tags: list[Tag] = strawberry.field(default_factory=list, description="All that the object has now.")


def _listed(tags: Tags) -> list[Tag]:
    return [Tag(key=name, value=value) for name, value in tags.items()]


def _delete(tx: Transaction, viewer: Viewer, id: str) -> str:
    return configurations.remove(tx, viewer, key_of(id, "lc", "The license configuration", "id"))


@strawberry.type
class LicensingMutation:
    @strawberry.mutation(description="Make a license configuration of the viewer's account.")
    async def create_license_configuration(
        self, info: Info, input: CreateLicenseConfigurationInput
    ) -> LicenseConfigurationPayload:
        return await perform(
            info,
            LicenseConfigurationPayload,
            lambda tx, viewer: configurations.create(tx, viewer, input.command()),
        )

    @strawberry.mutation(description="Edit what can change of a license configuration; only its owner may.")
    async def update_license_configuration(
        self, info: Info, input: UpdateLicenseConfigurationInput
    ) -> LicenseConfigurationPayload:
        return await perform(
            info,
            LicenseConfigurationPayload,
            lambda tx, viewer: configurations.edit(tx, viewer, input.command()),
        )

    @strawberry.mutation(description="Delete a license configuration that is on no resource; only its owner may.")
    async def delete_license_configuration(self, info: Info, id: strawberry.ID) -> DeletePayload:
        return await perform(
            info,
            DeletePayload,
            lambda tx, viewer: _delete(tx, viewer, id),
            result="deleted_id",
        )

    @strawberry.mutation(description="Put tags on an object, over those of the same keys.")
    async def tag_resource(self, info: Info, id: strawberry.ID, tags: list[TagInput]) -> TagPayload:
        return await perform(
            info,
            TagPayload,
            lambda tx, viewer: _listed(tag_resource(tx, viewer, id, _pairs(tags))),
            result="tags",
        )

    @strawberry.mutation(description="Take tags off an object by their keys.")
    async def untag_resource(self, info: Info, id: strawberry.ID, keys: list[str]) -> TagPayload:
        return await perform(
            info,
            TagPayload,
            lambda tx, viewer: _listed(untag_resource(tx, viewer, id, keys)),
            result="tags",
        )
