"""Seeds accounts, an organization with its units and members, roles, the link, and settings."""

from collections.abc import Sequence

from app.kernel.changes import Change
from app.kernel.ids import node_id
from app.linking import service as linking
from app.linking.rules import DataCatalog
from app.linking.service import KEEP, SettingsChange
from app.linking.settings import settings as settings_of
from app.organizations import accounts, founding, units
from app.organizations.named import unit_at
from app.organizations.rules import FeatureSet
from app.organizations.service import account_exists, membership, require_master
from app.roles import management
from app.roles.rules import definitions
from app.roles.service import present
from app.seeding.document import Place
from app.seeding.format import Account, Organization, Settings, Unit
from app.seeding.seeder import Seeder


def seed_accounts(seeder: Seeder, entries: Sequence[Account]) -> None:
    """Make accounts in no organization, with their roles."""
    for position, entry in enumerate(entries):
        _account(seeder, ("accounts", position), entry)
        _roles(seeder, ("accounts", position), entry)


def seed_organization(seeder: Seeder, entry: Organization) -> None:
    """Found an organization, with its units and members; then roles, the link, and discovery across accounts."""
    place: Place = ("organization",)
    master = entry.master.id
    _account(seeder, (*place, "master"), entry.master)
    with seeder.entry(place, master, "createOrganization", {"featureSet": entry.feature_set.value}) as step:
        found = membership(seeder.tx.connection, master)
        if found is None:
            founding.found(seeder.tx, master, entry.feature_set, organization_id=entry.id)
            step.done("organizations", Change.ADDED)
        else:
            whole = require_master(seeder.tx.connection, master).organization
            if entry.feature_set is FeatureSet.ALL and whole.feature_set is not FeatureSet.ALL:
                founding.enable_all_features(seeder.tx, seeder.viewer(master))
                step.done("organizations", Change.CHANGED)
    with seeder.entry((*place, "serviceAccess"), master, "enableServiceAccess", {}) as step:
        if require_master(seeder.tx.connection, master).service_access_enabled != entry.service_access:
            founding.set_service_access(seeder.tx, seeder.viewer(master), enabled=entry.service_access)
            step.done("trusted access", Change.CHANGED)
    seen = [((*place, "master"), entry.master)]
    seen += _members(seeder, place, entry.accounts, (), master)
    for position, unit in enumerate(entry.units):
        seen += _unit(seeder, (*place, "units", position), unit, (), master)
    for at, account in seen:
        _roles(seeder, at, account)
    _link(seeder, place, entry)


def _account(seeder: Seeder, place: Place, entry: Account) -> None:
    parameters = {"accountId": entry.id, "name": entry.name}
    with seeder.entry(place, entry.id, "createAccount", parameters, known=False) as step:
        if not account_exists(seeder.tx.connection, entry.id):
            accounts.create_standalone(seeder.tx, entry.id, entry.name, entry.email)
            step.done("accounts", Change.ADDED)


def _unit(
    seeder: Seeder, place: Place, entry: Unit, above: tuple[str, ...], master: str
) -> list[tuple[Place, Account]]:
    """Make a unit under the one of these names, and what is in it; the accounts, with their places."""
    with seeder.entry(place, master, "createOrganizationalUnit", {"name": entry.name}) as step:
        key = require_master(seeder.tx.connection, master).organization_key
        if unit_at(seeder.tx.connection, key, (*above, entry.name)) is None:
            parent = unit_at(seeder.tx.connection, key, above)
            units.create(seeder.tx, seeder.viewer(master), entry.name, node_id("ou", parent or 0))
            step.done("units", Change.ADDED)
    names = (*above, entry.name)
    seen = _members(seeder, place, entry.accounts, names, master)
    for position, unit in enumerate(entry.units):
        seen += _unit(seeder, (*place, "units", position), unit, names, master)
    return seen


def _members(
    seeder: Seeder, place: Place, entries: Sequence[Account], names: tuple[str, ...], master: str
) -> list[tuple[Place, Account]]:
    """Make accounts and put them in a unit."""
    seen: list[tuple[Place, Account]] = []
    for position, entry in enumerate(entries):
        at = (*place, "accounts", position)
        _account(seeder, at, entry)
        _place(seeder, at, entry, names, master)
        seen.append((at, entry))
    return seen


def _place(seeder: Seeder, place: Place, entry: Account, names: tuple[str, ...], master: str) -> None:
    connection = seeder.tx.connection
    with seeder.entry(place, master, "moveAccount", {"accountId": entry.id}) as step:
        organization_key = require_master(connection, master).organization_key
        unit = unit_at(connection, organization_key, names)
        assert unit is not None
        there = membership(connection, entry.id)
        if there is None or there.organization_key != organization_key:
            accounts.enter(seeder.tx, organization_key, unit, entry.id)
            step.done("members", Change.ADDED)
        elif there.unit_keys[0] != unit:
            accounts.move(seeder.tx, seeder.viewer(master), entry.id, node_id("ou", unit))
            step.done("members", Change.CHANGED)


def _roles(seeder: Seeder, place: Place, entry: Account) -> None:
    for position, kind in enumerate(entry.roles):
        service = definitions()[kind].trusted_service
        at = (*place, "roles", position)
        with seeder.entry(at, entry.id, "createServiceLinkedRole", {"serviceName": service}) as step:
            if not present(seeder.tx.connection, entry.id, kind):
                management.create(seeder.tx, seeder.viewer(entry.id), service, None)
                step.done("roles", Change.ADDED)


def _link(seeder: Seeder, place: Place, entry: Organization) -> None:
    master, region = entry.master.id, entry.link_in
    if region is None:
        return
    with seeder.entry((*place, "linkIn"), master, "updateServiceSettings", {"region": region}) as step:
        whole = require_master(seeder.tx.connection, master).organization
        if not whole.linked:
            linking.update(seeder.tx, seeder.viewer(master), SettingsChange(region, link_organization=True))
            step.done("links", Change.ADDED)
        if entry.discovery and not whole.discovery_enabled:
            linking.update(seeder.tx, seeder.viewer(master), SettingsChange(region, enable_discovery=True))
            step.done("discovery across accounts", Change.CHANGED)


# ------------------------------------------------------------ settings


def seed_settings(seeder: Seeder, entries: Sequence[Settings]) -> None:
    """Change the settings that entries name, of accounts that are there."""
    for position, entry in enumerate(entries):
        with seeder.entry(
            ("settings", position), entry.account, "updateServiceSettings", {"region": entry.region}
        ) as step:
            own = settings_of(seeder.tx.connection, entry.account, entry.region)
            given = entry.model_dump(include={"s3_bucket_arn", "sns_topic_arn", "inventory_sync_schedule"})
            wanted = {name: value for name, value in given.items() if value is not None}
            if any(own is None or getattr(own, name) != value for name, value in wanted.items()):
                values = dict.fromkeys(given, KEEP) | wanted
                linking.update(seeder.tx, seeder.viewer(entry.account), SettingsChange(entry.region, **values))
                step.done("settings", Change.CHANGED)
            upgraded = own is not None and own.data_catalog is DataCatalog.GLUE
            if entry.data_catalog is DataCatalog.GLUE and not upgraded:
                linking.upgrade_data_catalog(seeder.tx, seeder.viewer(entry.account), entry.region)
                step.done("settings", Change.CHANGED)
