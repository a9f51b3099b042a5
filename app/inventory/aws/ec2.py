"""What EC2 answers: DescribeImages, DescribeLaunchTemplates with their versions, DescribeHosts, DescribeInstances."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field

from app.compute.catalogue import host_family, instance_type
from app.compute.rules import InstanceState, Tenancy
from app.inventory.aws.shapes import AccountId, Figure, Name, Path, Shape, Tag, Unexpected, Word, tags_of
from app.inventory.observation import (
    ObservedHost,
    ObservedImage,
    ObservedInstance,
    ObservedTemplate,
    TemplateContents,
)

TEMPLATE_TAG = "aws:ec2launchtemplate:id"
"""EC2 puts this tag on what was launched from a launch template."""

STATES = {
    "pending": InstanceState.RUNNING,
    "running": InstanceState.RUNNING,
    "stopping": InstanceState.STOPPED,
    "stopped": InstanceState.STOPPED,
    "shutting-down": InstanceState.TERMINATED,
    "terminated": InstanceState.TERMINATED,
}
TENANCIES = {
    "default": Tenancy.SHARED,
    "dedicated": Tenancy.DEDICATED_INSTANCE,
    "host": Tenancy.DEDICATED_HOST,
}
UNUSABLE = {"deregistered", "failed", "invalid", "error"}
RELEASED = {"released", "released-permanent-failure"}
ImageId = Annotated[str, Field(pattern=r"^a[mkr]i-[0-9a-f]{1,40}$")]


class ProductCode(Shape):
    """What a Marketplace product is known by."""

    product_code_id: Word
    product_code_type: str = "marketplace"


class Image(Shape):
    image_id: ImageId
    owner_id: AccountId
    name: Name | None = None
    image_owner_alias: Name | None = None
    platform: Name | None = None
    platform_details: Name | None = None
    product_codes: list[ProductCode] = []
    public: bool = False
    state: str = "available"
    image_type: str = "machine"
    tags: list[Tag] = []


class DescribeImages(Shape):
    images: list[Image]
    next_token: str | None = None


class LaunchTemplate(Shape):
    launch_template_id: Annotated[str, Field(pattern=r"^lt-[0-9a-f]{1,40}$")]
    launch_template_name: Name
    tags: list[Tag] = []


class DescribeLaunchTemplates(Shape):
    launch_templates: list[LaunchTemplate]
    next_token: str | None = None


class TemplateData(Shape):
    image_id: Annotated[str, Field(max_length=255)] | None = None
    instance_type: Word | None = None


class TemplateVersion(Shape):
    launch_template_id: str
    default_version: bool = False
    launch_template_data: TemplateData = TemplateData()


class DescribeLaunchTemplateVersions(Shape):
    launch_template_versions: list[TemplateVersion]
    next_token: str | None = None


class HostProperties(Shape):
    cores: Figure | None = None
    sockets: Figure | None = None
    total_vcpus: Annotated[Figure | None, Field(alias="TotalVCpus")] = None
    instance_family: Word | None = None
    instance_type: Word | None = None


class Host(Shape):
    host_id: Annotated[str, Field(pattern=r"^h-[0-9a-f]{1,40}$")]
    owner_id: AccountId | None = None
    availability_zone: str | None = None
    state: str = "available"
    host_properties: HostProperties = HostProperties()
    tags: list[Tag] = []


class DescribeHosts(Shape):
    hosts: list[Host]
    next_token: str | None = None


class State(Shape):
    name: Literal["pending", "running", "stopping", "stopped", "shutting-down", "terminated"]


class Placement(Shape):
    tenancy: Literal["default", "dedicated", "host"] = "default"
    host_id: Annotated[str, Field(max_length=64)] | None = None
    availability_zone: str | None = None


class CpuOptions(Shape):
    core_count: Figure | None = None
    threads_per_core: Figure | None = None


class Instance(Shape):
    instance_id: Annotated[str, Field(pattern=r"^i-[0-9a-f]{1,40}$")]
    instance_type: Word
    state: State
    image_id: ImageId | None = None
    placement: Placement = Placement()
    cpu_options: CpuOptions = CpuOptions()
    platform: Name | None = None
    platform_details: Name | None = None
    product_codes: list[ProductCode] = []
    launch_time: AwareDatetime | None = None
    tags: list[Tag] = []


class Reservation(Shape):
    owner_id: AccountId | None = None
    instances: list[Instance] = []


class DescribeInstances(Shape):
    reservations: list[Reservation]
    next_token: str | None = None


# ------------------------------------------------------------ in the inventory's words


def images_of(answer: DescribeImages) -> Iterator[tuple[Path, ObservedImage]]:
    """The images that can be launched from, each with its place in the answer."""
    for position, each in enumerate(answer.images):
        if each.image_type == "machine" and each.state not in UNUSABLE:
            yield (
                ("Images", position),
                ObservedImage(
                    resource_id=each.image_id,
                    owner_account_id=each.owner_id,
                    owner_name=each.image_owner_alias,
                    name=each.name or each.image_id,
                    platform=each.platform_details or each.platform,
                    product_code=_product(each.product_codes),
                    public=each.public,
                    tags=tags_of(each.tags),
                ),
            )


def templates_of(
    answer: DescribeLaunchTemplates, versions: DescribeLaunchTemplateVersions | None
) -> Iterator[tuple[Path, ObservedTemplate]]:
    """The launch templates, with what their default versions launch where the versions are given."""
    contents = None if versions is None else _contents(versions.launch_template_versions)
    for position, each in enumerate(answer.launch_templates):
        yield (
            ("LaunchTemplates", position),
            ObservedTemplate(
                resource_id=each.launch_template_id,
                name=each.launch_template_name,
                launches=None if contents is None else contents.get(each.launch_template_id),
                tags=tags_of(each.tags),
            ),
        )


def _contents(versions: Iterable[TemplateVersion]) -> dict[str, TemplateContents]:
    return {
        each.launch_template_id: TemplateContents(
            image_id=each.launch_template_data.image_id, instance_type=each.launch_template_data.instance_type
        )
        for each in versions
        if each.default_version
    }


def hosts_of(answer: DescribeHosts, account_id: str, region: str) -> Iterator[tuple[Path, ObservedHost]]:
    """The account's own Dedicated Hosts, not those that others share with it."""
    for position, each in enumerate(answer.hosts):
        path: Path = ("Hosts", position)
        if each.owner_id not in (None, account_id) or each.state in RELEASED:
            continue
        _check_zone(path, each.availability_zone, region)
        yield path, _host(path, each)


def _host(path: Path, host: Host) -> ObservedHost:
    given = host.host_properties
    family = given.instance_family or (given.instance_type or "").partition(".")[0]
    if not family:
        raise Unexpected((*path, "HostProperties"), "names neither an instance family nor an instance type")
    published = host_family(family)
    sockets, cores, vcpus = given.sockets, given.cores, given.total_vcpus
    if published is not None:
        sockets, cores, vcpus = sockets or published.sockets, cores or published.cores, vcpus or published.vcpus
    if sockets is None or cores is None or vcpus is None:
        raise Unexpected(
            (*path, "HostProperties"), f"lacks Sockets, Cores or TotalVCpus, and the family “{family}” is not known"
        )
    return ObservedHost(
        resource_id=host.host_id,
        instance_family=family,
        sockets=sockets,
        cores=cores,
        vcpus=vcpus,
        tags=tags_of(host.tags),
    )


def instances_of(answer: DescribeInstances, account_id: str, region: str) -> Iterator[tuple[Path, ObservedInstance]]:
    """The instances; those of another account or Region than is said are refused."""
    for number, reservation in enumerate(answer.reservations):
        if reservation.owner_id not in (None, account_id):
            raise Unexpected(
                ("Reservations", number, "OwnerId"), f"is account {reservation.owner_id}, not {account_id}"
            )
        for position, each in enumerate(reservation.instances):
            path: Path = ("Reservations", number, "Instances", position)
            _check_zone((*path, "Placement"), each.placement.availability_zone, region)
            yield path, _instance(path, each)


def _instance(path: Path, instance: Instance) -> ObservedInstance:
    state = STATES[instance.state.name]
    tags = tags_of(instance.tags)
    cores, threads = _cpu(path, instance, state)
    return ObservedInstance(
        resource_id=instance.instance_id,
        state=state,
        instance_type=instance.instance_type,
        tenancy=TENANCIES[instance.placement.tenancy],
        cores=cores,
        threads_per_core=threads,
        image_id=instance.image_id,
        template_id=tags.get(TEMPLATE_TAG),
        host_id=instance.placement.host_id,
        platform=instance.platform_details or instance.platform,
        product_code=_product(instance.product_codes),
        launched_at=instance.launch_time,
        tags=tags,
    )


def _cpu(path: Path, instance: Instance, state: InstanceState) -> tuple[int, int]:
    """Cores and threads per core as the instance has them; else those of its type. Of what has ended no one asks."""
    given = instance.cpu_options
    if given.core_count is not None and given.threads_per_core is not None:
        return given.core_count, given.threads_per_core
    kind = instance_type(instance.instance_type)
    if kind is not None:
        return kind.cores, kind.threads_per_core
    if state is InstanceState.TERMINATED:
        return 1, 1
    raise Unexpected(
        (*path, "InstanceType"),
        f"“{instance.instance_type}” is not a known instance type, and the instance has no CpuOptions to count by",
    )


def _check_zone(path: Path, zone: str | None, region: str) -> None:
    if zone is not None and not zone.startswith(region):
        raise Unexpected((*path, "AvailabilityZone"), f"“{zone[:40]}” is not in {region}")


def _product(codes: Sequence[ProductCode]) -> str | None:
    return next((each.product_code_id for each in codes if each.product_code_type == "marketplace"), None)


ANSWERS: dict[str, type[Any]] = {
    "describe-images": DescribeImages,
    "describe-launch-templates": DescribeLaunchTemplates,
    "describe-launch-template-versions": DescribeLaunchTemplateVersions,
    "describe-hosts": DescribeHosts,
    "describe-instances": DescribeInstances,
}
"""The shape of each call's answer, by its name in the AWS CLI."""
