"""Whether the data catalog lets an account's inventory be read from a bucket (TR-1)."""

from collections.abc import Collection
from dataclasses import replace

from sqlalchemy import Connection

from app.kernel.errors import Refusal
from app.linking.rules import DataCatalog, catalog_upgraded
from app.linking.settings import settings_of
from app.organizations.service import members, membership


def catalogs_closed(connection: Connection, targets: Collection[tuple[str, str]]) -> dict[tuple[str, str], Refusal]:
    """Those of some accounts in Regions whose inventory can't be read, each with the reason.

    An organization's buckets are read through the catalog of its master account, any other account's through its own.
    """
    owners = _owners(connection, {account_id for account_id, _ in targets})
    wanted: dict[str, set[str]] = {}
    for account_id, region in targets:
        wanted.setdefault(owners[account_id], set()).add(region)
    upgraded = {
        (owner, each.region)
        for owner, codes in wanted.items()
        for each in settings_of(connection, owner, codes)
        if each.data_catalog is DataCatalog.GLUE
    }
    return {
        (account_id, region): _closed(account_id, owners[account_id], region)
        for account_id, region in targets
        if (owners[account_id], region) not in upgraded
    }


def _closed(account_id: str, owner: str, region: str) -> Refusal:
    refusal = catalog_upgraded([region], False, owner).refusal
    assert refusal is not None
    message = (
        f"The inventory of account {account_id} can't be read from a bucket in {region}: the data catalog of account "
        f"{owner} is still the one that Athena manages."
    )
    return replace(refusal, message=message, account_id=account_id)


def _owners(connection: Connection, account_ids: Collection[str]) -> dict[str, str]:
    """Whose catalog it is, by account; an organization is read once."""
    owners: dict[str, str] = {}
    for account_id in sorted(account_ids):
        if account_id in owners:
            continue
        place = membership(connection, account_id)
        owners[account_id] = account_id
        if place is not None:
            master = place.master_account_id
            owners.update((each.account_id, master) for each in members(connection, place.organization_key))
    return owners
