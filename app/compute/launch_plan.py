"""What a launch comes to, given the facts: its image, type, host and the configurations that judge it (EN-1, EN-8)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.compute.catalogue import InstanceType, instance_type
from app.compute.launch_command import LaunchCommand
from app.compute.launch_facts import LaunchFacts
from app.compute.resources import Resource
from app.compute.rules import LaunchMechanism, ResourceType, Tenancy
from app.compute.subjects import instance_subject
from app.kernel.errors import DomainError, ErrorCode, Refusal, invalid, not_found
from app.kernel.ids import node_id
from app.licensing.counting import Subject
from app.licensing.gate import Book
from app.roles.rules import ServiceLinkedRoleKind
from app.roles.service import role_missing


@dataclass(frozen=True, slots=True)
class LaunchPlan:
    """A launch that names nothing wrong; the gate has not judged it yet."""

    image: Resource
    template: Resource | None
    host: Resource | None
    type: InstanceType
    tenancy: Tenancy
    mechanism: LaunchMechanism
    cores: int
    threads_per_core: int
    configuration_keys: tuple[int, ...]
    subject: Subject


def plan(command: LaunchCommand, facts: LaunchFacts) -> LaunchPlan:
    """Work out a launch; raises DomainError with everything that is wrong with what it names."""
    template = _template(command, facts)
    image = _image(command, template, facts)
    kind = _instance_type(command, template)
    cores, threads = _cpu(command, kind)
    tenancy, host = _host(command, kind, facts)
    configurations = _configurations(command, image, template, facts)
    subject = instance_subject(cores * threads, cores, kind, tenancy, host)
    mechanism = command.mechanism or _mechanism(image, template)
    return LaunchPlan(image, template, host, kind, tenancy, mechanism, cores, threads, configurations, subject)


def _template(command: LaunchCommand, facts: LaunchFacts) -> Resource | None:
    if command.template_key is None:
        return None
    found = facts.own(command.template_key, command.account_id, ResourceType.LAUNCH_TEMPLATE)
    if found is None:
        raise not_found("The launch template", "input", "launchTemplateId")
    _same_region(command, found.region, "The launch template", "launchTemplateId")
    return found


def _image(command: LaunchCommand, template: Resource | None, facts: LaunchFacts) -> Resource:
    key = command.image_key or (template.image_key if template else None)
    if key is None:
        raise invalid(
            "A launch needs an image.",
            "input",
            "imageId",
            remedy="Name an image, or a launch template that names one.",
            rule="EN-1",
        )
    what, field = "The image", "imageId"
    if command.image_key is None:
        what, field = "The launch template's image", "launchTemplateId"
    found = facts.image(key, command.account_id)
    if found is None:
        raise not_found(what, "input", field)
    _same_region(command, found.region, what, field)
    return found


def _same_region(command: LaunchCommand, region: str, what: str, field: str) -> None:
    if region != command.region:
        raise DomainError(region_mismatch(f"{what} is in {region}; the launch is in {command.region}.", field))


def region_mismatch(message: str, field: str, *node_ids: str) -> Refusal:
    """Objects of different Regions don't go together (RG-3)."""
    return Refusal(
        code=ErrorCode.REGION_MISMATCH,
        message=message,
        remedy="Use objects of one Region.",
        rule="RG-3",
        field=("input", field),
        node_ids=node_ids,
    )


def _instance_type(command: LaunchCommand, template: Resource | None) -> InstanceType:
    name = command.instance_type or (template.instance_type if template else None)
    if name is None:
        raise invalid("A launch needs an instance type.", "input", "instanceType", remedy="Name one, such as m5.large.")
    found = instance_type(name)
    if found is None:
        raise invalid(f"“{name[:40]}” is not an instance type of EC2.", "input", "instanceType")
    return found


def _cpu(command: LaunchCommand, kind: InstanceType) -> tuple[int, int]:
    """Cores and threads per core, as customised or the type's own."""
    if command.core_count is None or command.threads_per_core is None:
        return kind.cores, kind.threads_per_core
    if not kind.valid_cpu_options(command.core_count, command.threads_per_core):
        raise invalid(
            f"{kind.name} does not take {command.core_count} cores with {command.threads_per_core} threads each.",
            "input",
            "cpuOptions",
            remedy=f"Its cores may be {_listed(kind.valid_cores)}, its threads per core "
            f"{_listed(kind.valid_threads_per_core)}.",
            rule="LC-3",
        )
    return command.core_count, command.threads_per_core


def _listed(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers)) or "those of the type alone"


def _host(command: LaunchCommand, kind: InstanceType, facts: LaunchFacts) -> tuple[Tenancy, Resource | None]:
    if command.host_key is None:
        tenancy = command.tenancy or Tenancy.SHARED
        if tenancy is not Tenancy.DEDICATED_HOST:
            return tenancy, None
        placed = facts.free_hosts.get((command.account_id, command.region, kind.family))
        if placed is None:
            raise invalid(
                f"The account has no Dedicated Host for {kind.family} in {command.region}.",
                "input",
                "hostId",
                remedy="Allocate one first, or name one.",
            )
        return tenancy, placed
    if command.tenancy not in (None, Tenancy.DEDICATED_HOST):
        raise invalid("Only the tenancy DEDICATED_HOST runs on a Dedicated Host.", "input", "tenancy", rule="LC-4")
    host = facts.own(command.host_key, command.account_id, ResourceType.DEDICATED_HOST)
    if host is None:
        raise not_found("The Dedicated Host", "input", "hostId")
    _same_region(command, host.region, "The Dedicated Host", "hostId")
    if host.instance_family != kind.family:
        raise invalid(
            f"The host takes {host.instance_family} instances; {kind.name} is of the family {kind.family}.",
            "input",
            "instanceType",
        )
    return Tenancy.DEDICATED_HOST, host


def _mechanism(image: Resource, template: Resource | None) -> LaunchMechanism:
    if template is not None:
        return LaunchMechanism.LAUNCH_TEMPLATE
    return LaunchMechanism.MARKETPLACE if image.product_code else LaunchMechanism.IMAGE


def _configurations(
    command: LaunchCommand, image: Resource, template: Resource | None, facts: LaunchFacts
) -> tuple[int, ...]:
    """The union of what is on the image, on the template and named, as far as the account sees it (EN-1, EN-8)."""
    account = command.account_id
    refusals: list[Refusal] = []
    for key in command.configuration_keys:
        if key not in facts.gate.books:
            refusals += not_found("The license configuration", "input", "licenseConfigurationIds").refusals
        elif (key, account) not in facts.seen:
            refusals += [each.at("input", "licenseConfigurationIds") for each in facts.unseen[key, account]]
        elif (region := facts.gate.books[key].region) != command.region:
            refusals.append(
                region_mismatch(
                    f"The license configuration is in {region}; the launch is in {command.region}.",
                    "licenseConfigurationIds",
                    f"lc_{key}",
                )
            )
    if refusals:
        raise DomainError(*refusals)
    on_image = _seen(facts, account, facts.attached.get(image.key, ()))
    on_template = _seen(facts, account, facts.attached.get(template.key, ())) if template else []
    explicit = [*on_template, *command.configuration_keys]
    inactive = [key for key in dict.fromkeys(explicit) if not facts.gate.books[key].active]
    if inactive:
        raise DomainError(
            *[
                _inactive(facts.gate.books[key], None if key in command.configuration_keys else template)
                for key in inactive
            ]
        )
    tracked = [key for key in on_image if facts.gate.books[key].active]
    judged = tuple(dict.fromkeys([*tracked, *explicit]))
    if judged and account not in facts.core_roles:
        raise DomainError(role_missing(account, ServiceLinkedRoleKind.CORE))
    return judged


def _seen(facts: LaunchFacts, account: str, keys: Sequence[int]) -> list[int]:
    return [key for key in keys if (key, account) in facts.seen and key in facts.gate.books]


def _inactive(book: Book, template: Resource | None) -> Refusal:
    """The refusal of a launch that names an inactive configuration itself, or by its launch template."""
    told = Refusal(
        code=ErrorCode.LICENSE_CONFIGURATION_INACTIVE,
        message=f"“{book.name}” is inactive, and the launch names it.",
        remedy="Its owner can activate it again; or leave it out of the launch.",
        rule="LC-10",
        field=("input", "licenseConfigurationIds"),
        node_ids=(node_id("lc", book.key),),
    )
    if template is None:
        return told
    return replace(
        told,
        message=f"“{book.name}” is inactive, and the launch template {template.resource_id} names it.",
        remedy="Its owner can activate it again; or disassociate it from the launch template.",
        field=("input", "launchTemplateId"),
        node_ids=(*told.node_ids, node_id("res", template.key)),
    )
