"""Launch templates: created with what they launch and the license configurations that judge it, and deleted (EN-1)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.compute import owned
from app.compute.catalogue import instance_type as known_type
from app.compute.departure import depart
from app.compute.images import named_already
from app.compute.resources import Resource, image_visible_to, load
from app.compute.rules import ResourceType
from app.kernel.database import Transaction
from app.kernel.errors import DomainError, ErrorCode, Refusal, invalid, not_found, refuse
from app.kernel.ids import check_text, key_of, node_id
from app.kernel.regions import region as known_region
from app.kernel.viewer import Viewer
from app.licensing.bulk import attach
from app.roles.service import require_core

MOST_CONFIGURATIONS = 50
CONFIGURATIONS = ("input", "licenseConfigurationIds")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTemplate:
    """A launch template as it was asked for, with global ids."""

    region: str
    name: str
    image_id: str | None
    instance_type: str | None
    license_configuration_ids: Sequence[str]


def create(tx: Transaction, viewer: Viewer, wanted: NewTemplate) -> int:
    """Create a launch template of the viewer's account; its key. Names are unique in an account and Region."""
    known_region(wanted.region, "input", "region")
    check_text(wanted.name, "The name", 128, "input", "name")
    if wanted.instance_type is not None and known_type(wanted.instance_type) is None:
        raise invalid(f"“{wanted.instance_type[:40]}” is not an instance type of EC2.", "input", "instanceType")
    configurations = _configuration_keys(wanted.license_configuration_ids)
    if configurations:
        require_core(tx.connection, viewer.account_id, hold=True)
    taken = owned.name_taken(tx, viewer, wanted.region, ResourceType.LAUNCH_TEMPLATE, wanted.name)
    if taken is not None:
        raise DomainError(named_already("A launch template", wanted.name, wanted.region, taken))
    image = _image(tx, viewer, wanted)
    key = owned.write(
        tx,
        viewer,
        wanted.region,
        ResourceType.LAUNCH_TEMPLATE,
        name=wanted.name,
        image_id=image.key if image else None,
        instance_type=wanted.instance_type,
    )
    tx.flush()
    _attach(tx, viewer, key, configurations)
    return key


def delete(tx: Transaction, viewer: Viewer, template_id: str) -> str:
    """Take a launch template away with its associations; its global id."""
    template = owned.own(tx, viewer, template_id, ResourceType.LAUNCH_TEMPLATE, "The launch template")
    depart(tx, [template])
    return node_id("res", template.key)


def _image(tx: Transaction, viewer: Viewer, wanted: NewTemplate) -> Resource | None:
    """The image named, one that the account may launch, in the template's Region (EN-8, RG-3)."""
    if wanted.image_id is None:
        return None
    key = key_of(wanted.image_id, "res", "The image", "input", "imageId")
    image = load(tx.connection, [key], hold=True).get(key)
    if image is None or not image_visible_to(tx.connection, [(key, viewer.account_id)]):
        raise not_found("The image", "input", "imageId")
    if image.region != wanted.region:
        raise DomainError(
            Refusal(
                code=ErrorCode.REGION_MISMATCH,
                message=f"The image is in {image.region}; the launch template is to be in {wanted.region}.",
                remedy="Use an image of the launch template's own Region.",
                rule="RG-3",
                field=("input", "imageId"),
                node_ids=(wanted.image_id,),
            )
        )
    return image


def _configuration_keys(ids: Sequence[str]) -> list[int]:
    if len(ids) > MOST_CONFIGURATIONS:
        raise invalid(
            f"A launch template names at most {MOST_CONFIGURATIONS} license configurations.",
            *CONFIGURATIONS,
            rule="API-3",
        )
    return [
        key_of(each, "lc", "The license configuration", *CONFIGURATIONS, str(position))
        for position, each in enumerate(ids)
    ]


def _attach(tx: Transaction, viewer: Viewer, key: int, configurations: Sequence[int]) -> None:
    """Associate each configuration, in order of keys; one that is refused refuses the whole, with all reasons."""
    refusals: list[Refusal] = []
    for position, configuration in sorted(enumerate(configurations), key=lambda each: each[1]):
        try:
            attach(tx, viewer, key, [configuration])
        except DomainError as error:
            refusals += [_of_input(refusal, position, key) for refusal in error.refusals]
    refuse(refusals)


def _of_input(refusal: Refusal, position: int, key: int) -> Refusal:
    """Pointing at the input; the template that does not come to be is not named."""
    others = tuple(each for each in refusal.node_ids if each != node_id("res", key))
    return replace(refusal, field=(*CONFIGURATIONS, str(position)), node_ids=others)
