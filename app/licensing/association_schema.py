"""Root fields that put license configurations on resources and take them off."""

import strawberry

from app.kernel import reads
from app.kernel.errors import DomainError
from app.kernel.graphql.errors import user_errors
from app.kernel.graphql.perform import Info, Payload, act
from app.kernel.ids import key_of, parse_node_id
from app.licensing import bulk
from app.licensing.disassociation import disassociate
from app.licensing.schema import Association, LicenseConfiguration


@strawberry.input
class AssociateResourcesInput:
    license_configuration_id: strawberry.ID
    resource_ids: list[strawberry.ID]
    share_with_member_accounts: bool = strawberry.field(
        default=False, description="First share the license configuration with every account of the organization."
    )


@strawberry.input
class DisassociateResourcesInput:
    license_configuration_id: strawberry.ID
    resource_ids: list[strawberry.ID]


@strawberry.type(
    description="Each resource stands or falls alone: those associated, and an error for each that was not."
)
class AssociateResourcesPayload(Payload):
    configuration_key: strawberry.Private[int | None] = None
    keys: strawberry.Private[tuple[int, ...]] = ()

    @strawberry.field
    async def license_configuration(self, info: Info) -> LicenseConfiguration | None:
        return await reads.node(info, LicenseConfiguration, self.configuration_key)

    @strawberry.field
    async def associations(self, info: Info) -> list[Association]:
        return await reads.nodes(info, Association, self.keys, seen=True)


@strawberry.type
class DisassociateResourcesPayload(Payload):
    configuration_key: strawberry.Private[int | None] = None
    disassociated_ids: list[strawberry.ID] = strawberry.field(default_factory=list, description="The resources'.")

    @strawberry.field
    async def license_configuration(self, info: Info) -> LicenseConfiguration | None:
        return await reads.node(info, LicenseConfiguration, self.configuration_key)


def resource_keys(ids: list[strawberry.ID]) -> list[int | None]:
    """The keys in resources' global ids; None for an id that can be none."""
    parsed = [parse_node_id(each) for each in ids]
    return [each.key if each and each.prefix == "res" else None for each in parsed]


def _configuration_key(id: str) -> int:
    return key_of(id, "lc", "The license configuration", "input", "licenseConfigurationId")


@strawberry.type
class AssociationMutation:
    @strawberry.mutation(
        description="Put a license configuration on up to 1,000 resources; what runs consumes at once."
    )
    async def associate_resources(self, info: Info, input: AssociateResourcesInput) -> AssociateResourcesPayload:
        try:
            done = await act(
                info,
                lambda tx, viewer: bulk.associate(
                    tx,
                    viewer,
                    _configuration_key(input.license_configuration_id),
                    resource_keys(input.resource_ids),
                    share_with_member_accounts=input.share_with_member_accounts,
                ),
            )
        except DomainError as error:
            return AssociateResourcesPayload(errors=user_errors(error.refusals))
        return AssociateResourcesPayload(
            errors=user_errors(done.refusals), configuration_key=done.configuration_key, keys=tuple(done.done)
        )

    @strawberry.mutation(
        description="Take a license configuration off up to 1,000 resources; what they use is released."
    )
    async def disassociate_resources(
        self, info: Info, input: DisassociateResourcesInput
    ) -> DisassociateResourcesPayload:
        try:
            done = await act(
                info,
                lambda tx, viewer: disassociate(
                    tx, viewer, _configuration_key(input.license_configuration_id), resource_keys(input.resource_ids)
                ),
            )
        except DomainError as error:
            return DisassociateResourcesPayload(errors=user_errors(error.refusals))
        return DisassociateResourcesPayload(
            errors=user_errors(done.refusals),
            configuration_key=done.configuration_key,
            disassociated_ids=[strawberry.ID(f"res_{key}") for key in done.done],
        )
