"""Root fields that launch, start, stop and terminate instances, and the one that says what a launch would do."""

from collections.abc import Callable, Sequence
from typing import Any

import strawberry

from app.compute import launch, lifecycle
from app.compute.launch_command import LaunchCommand
from app.compute.lifecycle import InstancesResult
from app.compute.rules import LaunchMechanism, Tenancy
from app.compute.schema import Instance
from app.kernel import reads
from app.kernel.context import Context
from app.kernel.database import Transaction
from app.kernel.errors import DomainError, Refusal
from app.kernel.graphql.errors import UserError, user_error, user_errors
from app.kernel.graphql.node import TagInput
from app.kernel.graphql.payloads import made
from app.kernel.graphql.perform import Info, Payload, act, arguments
from app.kernel.graphql.scalars import RegionCode
from app.kernel.ids import key_of, parse_node_id
from app.kernel.tags import check_tags
from app.kernel.viewer import Permission, Viewer
from app.licensing.gate import Finding
from app.licensing.schema import LicenseConfiguration


@strawberry.input
class CpuOptionsInput:
    core_count: int
    threads_per_core: int


@strawberry.input
class LaunchInstancesInput:
    region: RegionCode
    image_id: strawberry.ID | None = None
    launch_template_id: strawberry.ID | None = None
    instance_type: str | None = None
    count: int = 1
    tenancy: Tenancy | None = None
    host_id: strawberry.ID | None = None
    cpu_options: CpuOptionsInput | None = None
    license_configuration_ids: list[strawberry.ID] | None = None
    mechanism: LaunchMechanism | None = None
    tags: list[TagInput] | None = None
    client_token: str | None = strawberry.field(
        default=None, description="Repeating a token repeats the first answer and launches nothing more."
    )

    def command(self, viewer: Viewer) -> LaunchCommand:
        """The launch that is asked for; raises DomainError for ids that can name nothing and tags out of bounds."""
        return LaunchCommand(
            account_id=viewer.account_id,
            region=self.region,
            image_key=_key(self.image_id, "res", "The image", "imageId"),
            template_key=_key(self.launch_template_id, "res", "The launch template", "launchTemplateId"),
            instance_type=self.instance_type,
            count=self.count,
            tenancy=self.tenancy,
            host_key=_key(self.host_id, "res", "The Dedicated Host", "hostId"),
            core_count=self.cpu_options.core_count if self.cpu_options else None,
            threads_per_core=self.cpu_options.threads_per_core if self.cpu_options else None,
            configuration_keys=tuple(
                dict.fromkeys(
                    key_of(each, "lc", "The license configuration", "input", "licenseConfigurationIds")
                    for each in self.license_configuration_ids or ()
                )
            ),
            mechanism=self.mechanism,
            tags=check_tags([(tag.key, tag.value) for tag in self.tags or ()], "input", "tags"),
            client_token=self.client_token,
        )


def _key(id: str | None, prefix: str, what: str, field: str) -> int | None:
    return None if id is None else key_of(id, prefix, what, "input", field)


@strawberry.type
class Violation:
    key: strawberry.Private[int]
    hard: bool = strawberry.field(description="True: it blocks the launch. False: it raises an alert.")
    error: UserError

    license_configuration: LicenseConfiguration = made(LicenseConfiguration)


def _violations(findings: Sequence[Finding]) -> list[Violation]:
    return [
        Violation(key=finding.configuration_key, hard=finding.hard, error=user_error(finding.refusal))
        for finding in findings
    ]


@strawberry.type
class LaunchConsumption:
    key: strawberry.Private[int]
    licenses: int
    remaining_after: int | None

    license_configuration: LicenseConfiguration = made(LicenseConfiguration)


@strawberry.type
class LaunchPreview:
    allowed: bool
    consumption: list[LaunchConsumption]
    violations: list[Violation]
    errors: list[UserError] = strawberry.field(
        description="What would refuse the launch beside its violations: a missing image, an inactive configuration, "
        "another Region."
    )


@strawberry.type
class LaunchInstancesPayload(Payload):
    keys: strawberry.Private[tuple[int, ...]] = ()
    violations: list[Violation] = strawberry.field(
        default_factory=list,
        description="Soft violations of a launch that went through, hard and soft ones of one that did not.",
    )

    @strawberry.field
    async def instances(self, info: Info) -> list[Instance]:
        return await reads.nodes(info, Instance, self.keys, seen=True)


@strawberry.type
class InstancesPayload(Payload):
    keys: strawberry.Private[tuple[int, ...]] = ()

    @strawberry.field
    async def instances(self, info: Info) -> list[Instance]:
        return await reads.nodes(info, Instance, self.keys, seen=True)


@strawberry.type
class LaunchQuery:
    @strawberry.field(description="What a launch would do, by the very checks that it runs.")
    async def preview_launch(self, info: Info, input: LaunchInstancesInput) -> LaunchPreview:
        viewer = info.context.viewer
        try:
            command = input.command(viewer)
        except DomainError as error:
            return LaunchPreview(allowed=False, consumption=[], violations=[], errors=user_errors(error.refusals))
        seen = await info.context.database.read(
            lambda connection: launch.preview(connection, viewer, command), snapshot=True
        )
        return LaunchPreview(
            allowed=seen.allowed,
            consumption=_consumption(seen),
            violations=_violations(seen.judgement.findings if seen.judgement else ()),
            errors=user_errors(seen.refusals),
        )


def _consumption(seen: launch.Preview) -> list[LaunchConsumption]:
    if seen.judgement is None:
        return []
    return [
        LaunchConsumption(
            key=key, licenses=sum(licenses), remaining_after=seen.books[key].remaining_after(sum(licenses))
        )
        for key, licenses in seen.judgement.licenses.items()
    ]


def _record(context: Context, action: str, parameters: dict[str, Any]) -> launch.Record:
    def record(tx: Transaction, refusals: Sequence[Refusal]) -> None:
        context.recorder.record(tx, context, action, parameters, refusals, read_only=False)

    return record


@strawberry.type
class LaunchMutation:
    @strawberry.mutation(
        description="Launch equal instances: all of them or none. One hard violation blocks the whole launch."
    )
    async def launch_instances(self, info: Info, input: LaunchInstancesInput) -> LaunchInstancesPayload:
        context = info.context
        record = _record(context, info.field_name, arguments(info))
        try:
            command = input.command(context.viewer)
        except DomainError as error:
            return await _refused(context, record, error)
        request = launch.LaunchRequest(command, context.viewer, record)
        result = await context.database.write_batched(launch.launch_batch, request)
        return LaunchInstancesPayload(
            errors=user_errors(result.refusals),
            keys=result.instance_keys,
            violations=_violations(result.findings),
        )

    @strawberry.mutation(description="Start stopped instances; each is judged like a launch.")
    async def start_instances(self, info: Info, ids: list[strawberry.ID]) -> InstancesPayload:
        return await _change(info, ids, lifecycle.start)

    @strawberry.mutation(description="Stop instances; their licenses are released.")
    async def stop_instances(self, info: Info, ids: list[strawberry.ID]) -> InstancesPayload:
        return await _change(info, ids, lifecycle.stop)

    @strawberry.mutation(description="End instances for good; their licenses are released.")
    async def terminate_instances(self, info: Info, ids: list[strawberry.ID]) -> InstancesPayload:
        return await _change(info, ids, lifecycle.terminate)


async def _refused(context: Context, record: launch.Record, error: DomainError) -> LaunchInstancesPayload:
    """A launch that was refused before it could be judged is recorded like any other."""

    def unit(tx: Transaction) -> None:
        record(tx, error.refusals)

    await context.database.write(unit)
    return LaunchInstancesPayload(errors=user_errors(error.refusals))


Change = Callable[[Transaction, Viewer, Sequence[int | None]], InstancesResult]


async def _change(info: Info, ids: list[strawberry.ID], change: Change) -> InstancesPayload:
    parsed = [parse_node_id(each) for each in ids]
    keys = [each.key if each and each.prefix == "res" else None for each in parsed]
    try:
        done = await act(info, lambda tx, viewer: change(tx, viewer, keys), needs=Permission.USER)
    except DomainError as error:
        return InstancesPayload(errors=user_errors(error.refusals))
    return InstancesPayload(errors=user_errors(done.refusals), keys=tuple(done.done))
