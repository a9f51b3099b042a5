"""Seeds license configurations and the shares that they are in."""

from collections.abc import Sequence

from app.kernel.changes import Change
from app.kernel.errors import not_found
from app.kernel.ids import node_id
from app.kernel.tagging import tag_resource
from app.licensing import configurations
from app.licensing.configurations import CreateConfiguration, UpdateConfiguration
from app.licensing.definition import UNCHANGED, license_rules
from app.licensing.named import configuration_named
from app.licensing.rules import Status
from app.licensing.service import facts, tags_of
from app.organizations.named import unit_at
from app.organizations.service import require_membership, units_of
from app.seeding.format import LicenseConfiguration, ResourceShare
from app.seeding.seeder import Seeder, Step, fixed
from app.sharing import shares, store
from app.sharing.managed import share_with_members
from app.sharing.named import share_named
from app.sharing.rules import is_account
from app.sharing.shares import NewShare, ShareChange

ORGANIZATION = "organization"
"""What a share's principals call the owner's organization."""


def seed_configurations(seeder: Seeder, entries: Sequence[LicenseConfiguration]) -> None:
    """Make license configurations, or edit what can be edited of those that are there (LC-8)."""
    for position, entry in enumerate(entries):
        parameters = {"region": entry.region, "name": entry.name}
        place = ("licenseConfigurations", position)
        with seeder.entry(place, entry.account, "createLicenseConfiguration", parameters) as step:
            key = configuration_named(seeder.tx.connection, entry.account, entry.region, entry.name)
            key = _create(seeder, step, entry) if key is None else _edit(seeder, step, entry, key)
            _share(seeder, step, entry, key)


def _create(seeder: Seeder, step: Step, entry: LicenseConfiguration) -> int:
    key = configurations.create(
        seeder.tx,
        seeder.viewer(entry.account),
        CreateConfiguration(
            region=entry.region,
            name=entry.name,
            counting_type=entry.counting_type,
            description=entry.description,
            rules=list(entry.rules.items()),
            license_count=entry.license_count,
            hard_limit=entry.hard_limit,
            alert_thresholds=entry.alert_thresholds,
            tags=list(entry.tags.items()),
        ),
    )
    step.done("license configurations", Change.ADDED)
    if entry.status is not Status.ACTIVE:
        command = UpdateConfiguration(key=key, status=entry.status)
        configurations.edit(seeder.tx, seeder.viewer(entry.account), command)
    return key


def _edit(seeder: Seeder, step: Step, entry: LicenseConfiguration, key: int) -> int:
    viewer, connection = seeder.viewer(entry.account), seeder.tx.connection
    present = facts(connection, [key])[key]
    if present.rules.counting_type is not entry.counting_type:
        raise fixed(f"“{entry.name}”", "countingType")
    if present.rules != license_rules(entry.counting_type, list(entry.rules.items()), "rules"):
        raise fixed(f"“{entry.name}”", "rules")
    command = UpdateConfiguration(
        key=key,
        description=entry.description,
        license_count=entry.license_count,
        hard_limit=entry.hard_limit,
        alert_thresholds=UNCHANGED if entry.alert_thresholds is None else entry.alert_thresholds,
        status=entry.status,
    )
    configurations.edit(seeder.tx, viewer, command)
    tagged = entry.tags.items() <= tags_of(connection, [key])[key].items()
    if not tagged:
        tag_resource(seeder.tx, viewer, node_id("lc", key), list(entry.tags.items()))
    if not tagged or facts(connection, [key])[key].version != present.version:
        step.done("license configurations", Change.CHANGED)
    return key


def _share(seeder: Seeder, step: Step, entry: LicenseConfiguration, key: int) -> None:
    """Put it in the organization's own share where it is not yet."""
    if not entry.share_with_members:
        return
    managed = store.managed(seeder.tx.connection, entry.account, entry.region)
    if managed is None or key not in store.items_of(seeder.tx.connection, managed):
        share_with_members(seeder.tx, seeder.viewer(entry.account), key)
        step.done("shared license configurations", Change.ADDED)


# ------------------------------------------------------------ shares


def seed_shares(seeder: Seeder, entries: Sequence[ResourceShare]) -> None:
    """Make resource shares, or put what they lack into those that are there."""
    for position, entry in enumerate(entries):
        place = ("resourceShares", position)
        parameters = {"region": entry.region, "name": entry.name}
        with seeder.entry(place, entry.account, "createResourceShare", parameters) as step:
            keys = seeder.licenses(entry, entry.license_configurations)
            names = [_principal(seeder, entry, number) for number in range(len(entry.principals))]
            present = share_named(seeder.tx.connection, entry.account, entry.region, entry.name)
            if present is None:
                _create_share(seeder, step, entry, keys, names)
            else:
                _change_share(seeder, step, entry, present, keys, names)


def _create_share(seeder: Seeder, step: Step, entry: ResourceShare, keys: Sequence[int], names: Sequence[str]) -> None:
    new = NewShare(
        region=entry.region,
        name=entry.name,
        configuration_ids=[node_id("lc", key) for key in keys],
        principals=names,
        allow_external_principals=entry.allow_external_principals,
        tags=list(entry.tags.items()),
    )
    shares.create(seeder.tx, seeder.viewer(entry.account), new)
    step.done("resource shares", Change.ADDED)


def _change_share(
    seeder: Seeder, step: Step, entry: ResourceShare, share: int, keys: Sequence[int], names: Sequence[str]
) -> None:
    connection = seeder.tx.connection
    there = store.items_of(connection, share)
    lacking = [key for key in keys if key not in there]
    known = store.principals_of(connection, share)
    unnamed = [name for name in names if name not in known]
    if lacking or unnamed:
        change = ShareChange(add_configuration_ids=[node_id("lc", key) for key in lacking], add_principals=unnamed)
        shares.update(seeder.tx, seeder.viewer(entry.account), node_id("share", share), change)
        step.done("resource shares", Change.CHANGED)


def _principal(seeder: Seeder, entry: ResourceShare, position: int) -> str:
    """A principal as shares keep it: an account's id, a unit's, the organization's."""
    text, connection = entry.principals[position], seeder.tx.connection
    if len(text) == 12 and is_account(text):
        return text
    place = require_membership(connection, entry.account)
    if text == ORGANIZATION:
        return place.organization_id
    key = unit_at(connection, place.organization_key, text.split("/"))
    if key is None:
        raise not_found(f"The unit “{text}”", "principals", str(position))
    return units_of(connection, place.organization_key)[key].unit_id
