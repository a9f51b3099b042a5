"""Seeds images, launch templates, Dedicated Hosts and managed instances, with what they carry."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.compute import hosts, images, managed, tagging, templates
from app.compute.managed import ReportedApplication
from app.compute.named import accounts_of_image
from app.compute.resources import Resource, load
from app.compute.rules import ResourceType
from app.compute.templates import NewTemplate
from app.inventory import managed as inventory
from app.inventory.reported import UNREPORTED, Report
from app.kernel.changes import Change
from app.kernel.errors import DomainError, Refusal
from app.kernel.ids import node_id
from app.kernel.tags import check_tags
from app.licensing.associations import configurations_on
from app.licensing.bulk import associate
from app.seeding.document import Place
from app.seeding.format import DedicatedHost, LaunchTemplate, MachineImage, ManagedInstance, OfAccount
from app.seeding.seeder import Seeder, Step, fixed

IMAGE, TEMPLATE, HOST = ResourceType.IMAGE, ResourceType.LAUNCH_TEMPLATE, ResourceType.DEDICATED_HOST


def seed_images(seeder: Seeder, entries: Sequence[MachineImage]) -> None:
    """Register images, share them, and put license configurations on them."""
    for position, entry in enumerate(entries):
        with seeder.entry(("images", position), entry.account, "registerImage", _named(entry)) as step:
            present = _present(seeder, entry, IMAGE)
            if present is None:
                key = images.register(
                    seeder.tx,
                    seeder.viewer(entry.account),
                    entry.region,
                    entry.name,
                    platform=entry.platform,
                    product_code=entry.product_code,
                )
                step.done("images", Change.ADDED)
            else:
                _check_fixed(entry, present, {"platform": entry.platform, "product_code": entry.product_code})
                key = present.key
            _share_image(seeder, step, entry, key)
            dress(seeder, step, entry, key, entry.license_configurations, entry.tags)


def _share_image(seeder: Seeder, step: Step, entry: MachineImage, key: int) -> None:
    seeder.tx.flush()
    there = accounts_of_image(seeder.tx.connection, key)
    wanted = set(entry.shared_with) - {entry.account}
    if not wanted <= set(there):
        viewer = seeder.viewer(entry.account)
        images.share(seeder.tx, viewer, node_id("res", key), sorted(wanted.union(there)))
        step.done("shared images", Change.ADDED, len(wanted - set(there)))


def seed_templates(seeder: Seeder, entries: Sequence[LaunchTemplate]) -> None:
    """Create launch templates."""
    for position, entry in enumerate(entries):
        with seeder.entry(("launchTemplates", position), entry.account, "createLaunchTemplate", _named(entry)) as step:
            image = seeder.resource(entry, IMAGE, entry.image, "image")
            present = _present(seeder, entry, TEMPLATE)
            if present is None:
                new = NewTemplate(
                    region=entry.region,
                    name=entry.name,
                    image_id=None if image is None else node_id("res", image),
                    instance_type=entry.instance_type,
                    license_configuration_ids=(),
                )
                key = templates.create(seeder.tx, seeder.viewer(entry.account), new)
                step.done("launch templates", Change.ADDED)
            else:
                _check_fixed(entry, present, {"image_key": image, "instance_type": entry.instance_type})
                key = present.key
            dress(seeder, step, entry, key, entry.license_configurations, entry.tags)


def seed_hosts(seeder: Seeder, entries: Sequence[DedicatedHost]) -> None:
    """Allocate Dedicated Hosts, each known by its tag `Name`."""
    for position, entry in enumerate(entries):
        with seeder.entry(("dedicatedHosts", position), entry.account, "allocateHosts", _named(entry)) as step:
            present = _present(seeder, entry, HOST)
            if present is None:
                viewer = seeder.viewer(entry.account)
                (key,) = hosts.allocate(seeder.tx, viewer, entry.region, entry.instance_family, 1)
                step.done("Dedicated Hosts", Change.ADDED)
            else:
                _check_fixed(entry, present, {"instance_family": entry.instance_family})
                key = present.key
            tags = {**entry.tags, tagging.NAME: entry.name}
            dress(seeder, step, entry, key, entry.license_configurations, tags)


def seed_managed(seeder: Seeder, entries: Sequence[ManagedInstance]) -> None:
    """Report servers that run outside AWS."""
    for position, entry in enumerate(entries):
        place: Place = ("managedInstances", position)
        parameters = {"region": entry.region, "resourceId": entry.resource_id}
        with seeder.entry(place, entry.account, "putInventory", parameters) as step:
            known = managed.held(seeder.tx, entry.account, entry.region, [entry.resource_id])
            key = _report(seeder, step, entry, known.get(entry.resource_id))
            dress(seeder, step, entry, key, entry.license_configurations, entry.tags)


def _report(seeder: Seeder, step: Step, entry: ManagedInstance, present: Resource | None) -> int:
    """Report a server where it is not known as the entry says."""
    given = {name: getattr(entry, name) for name in UNREPORTED if getattr(entry, name) is not None}
    there = present is not None and present.gone_at is None
    if there and present is not None:
        same = all(getattr(present, name) == value for name, value in given.items())
        if same and entry.captured_at in (None, present.captured_at):
            return present.key
    report = Report(
        region=entry.region,
        resource_id=entry.resource_id,
        captured_at=entry.captured_at,
        facts=given,
        applications=[ReportedApplication(each.name, each.version, each.publisher) for each in entry.applications],
    )
    step.done("managed instances", Change.CHANGED if there else Change.ADDED)
    return inventory.put(seeder.tx, seeder.viewer(entry.account), report)


# ------------------------------------------------------------ what all of them have


def _named(entry: MachineImage | LaunchTemplate | DedicatedHost) -> dict[str, str]:
    return {"region": entry.region, "name": entry.name}


def _present(
    seeder: Seeder, entry: MachineImage | LaunchTemplate | DedicatedHost, kind: ResourceType
) -> Resource | None:
    """The resource of the entry's name, where there is one."""
    try:
        key = seeder.resource(entry, kind, entry.name, "name")
    except DomainError:
        return None
    return load(seeder.tx.connection, [key or 0]).get(key or 0)


def _check_fixed(
    entry: MachineImage | LaunchTemplate | DedicatedHost, present: Resource, wanted: Mapping[str, Any]
) -> None:
    """Refuse an entry that says something else of what is there, which can't change."""
    for attribute, value in wanted.items():
        if getattr(present, attribute) != value:
            field = {"image_key": "image"}.get(attribute, attribute)
            head, *rest = field.split("_")
            raise fixed(f"“{entry.name}”", head + "".join(part.title() for part in rest))


def dress(
    seeder: Seeder, step: Step, entry: OfAccount, key: int, licenses: Sequence[str], tags: Mapping[str, str]
) -> None:
    """Put tags and license configurations on a resource; what it has beside them stays."""
    viewer = seeder.viewer(entry.account)
    wanted = dict(check_tags(list(tags.items()), "tags"))
    seeder.tx.flush()
    present = tagging.open_tags(seeder.tx, viewer, key)
    changed = {name: value for name, value in wanted.items() if present.get(name) != value}
    if changed:
        tagging.store_tags(seeder.tx, key, changed, ())
        step.done("tags", Change.ADDED, len(changed))
    there = configurations_on(seeder.tx.connection, [key]).get(key, ())
    for position, configuration in enumerate(seeder.licenses(entry, licenses)):
        if configuration not in there:
            refusals = associate(seeder.tx, viewer, configuration, [key]).refusals
            if refusals:
                raise DomainError(*(_pointing(refusal, position) for refusal in refusals))
            step.done("associations", Change.ADDED)


def _pointing(refusal: Refusal, position: int) -> Refusal:
    return replace(refusal, field=("licenseConfigurations", str(position)))
