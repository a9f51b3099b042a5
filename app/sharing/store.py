"""The rows of shares: read, and written one by one."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, select, update

from app.kernel.database import Transaction
from app.kernel.ids import arn, new_hex, new_key
from app.kernel.tables import table_of
from app.organizations.rules import InvitationState
from app.sharing.models import ResourceShareRow, ShareInvitationRow, ShareItemRow, SharePrincipalRow, ShareTagRow
from app.sharing.rules import SERVICE_TAG, ResourceShareStatus

shares = table_of(ResourceShareRow)
items = table_of(ShareItemRow)
principals = table_of(SharePrincipalRow)
tags = table_of(ShareTagRow)
invitations = table_of(ShareInvitationRow)


@dataclass(frozen=True, slots=True)
class Share:
    """A share as its owner made it. `serviced`: tagged so that the service may change it (SH-1)."""

    key: int
    arn: str
    name: str
    owner_account_id: str
    region: str
    active: bool
    allow_external_principals: bool
    serviced: bool


def load(connection: Connection, key: int) -> Share | None:
    """A share by its key. Who changes one holds its owner first (`organizations.locks.hold`): so it stands still."""
    row = connection.execute(select(shares).where(shares.c.id == key)).one_or_none()
    if row is None:
        return None
    return Share(
        key=row.id,
        arn=row.arn,
        name=row.name,
        owner_account_id=row.owner_account_id,
        region=row.region,
        active=row.status == ResourceShareStatus.ACTIVE,
        allow_external_principals=row.allow_external_principals,
        serviced=SERVICE_TAG in tags_of(connection, key).items(),
    )


def managed(connection: Connection, owner_account_id: str, region: str) -> int | None:
    """The key of the share that the service keeps for an organization in a Region, where there is one."""
    mine = (shares.c.owner_account_id == owner_account_id, shares.c.region == region)
    own = select(shares.c.id).where(*mine, shares.c.managed, shares.c.status == ResourceShareStatus.ACTIVE)
    found: int | None = connection.execute(own).scalar()
    return found


def all_managed(connection: Connection, owner_account_id: str) -> list[int]:
    """The keys of those of all Regions."""
    active = shares.c.status == ResourceShareStatus.ACTIVE
    own = select(shares.c.id).where(shares.c.owner_account_id == owner_account_id, shares.c.managed, active)
    return list(connection.execute(own).scalars())


def add(
    tx: Transaction,
    owner_account_id: str,
    region: str,
    name: str,
    *,
    allow_external_principals: bool,
    tag_pairs: Iterable[tuple[str, str]],
    managed: bool = False,
) -> int:
    """Write a share that holds nothing yet and is for nobody; returns its key."""
    key = new_key()
    suffix = new_hex(32)
    uuid = "-".join((suffix[:8], suffix[8:12], suffix[12:16], suffix[16:20], suffix[20:]))
    tx.add(
        shares,
        {
            "id": key,
            "arn": arn("ram", region, owner_account_id, f"resource-share/{uuid}"),
            "name": name,
            "owner_account_id": owner_account_id,
            "region": region,
            "status": ResourceShareStatus.ACTIVE,
            "allow_external_principals": allow_external_principals,
            "managed": managed,
            "created_at": tx.now,
        },
    )
    store_tags(tx, key, dict(tag_pairs), ())
    return key


def rename(tx: Transaction, key: int, name: str) -> None:
    """Give a share another name."""
    tx.execute(update(shares).where(shares.c.id == key).values(name=name))


def close(tx: Transaction, keys: Collection[int]) -> None:
    """Mark shares deleted, and their open invitations with them."""
    tx.execute(update(shares).where(shares.c.id.in_(keys)).values(status=ResourceShareStatus.DELETED))
    pending = invitations.c.state == InvitationState.PENDING
    these = invitations.c.share_id.in_(keys)
    tx.execute(update(invitations).where(these, pending).values(state=InvitationState.EXPIRED))


def tags_of(connection: Connection, key: int) -> dict[str, str]:
    """A share's tags."""
    rows = connection.execute(select(tags.c.key, tags.c.value).where(tags.c.share_id == key))
    return {row.key: row.value for row in rows}


def store_tags(tx: Transaction, key: int, changed: Mapping[str, str], removed: Sequence[str]) -> None:
    """Write some tags of a share, and take some keys away."""
    tx.execute(delete(tags).where(tags.c.share_id == key, tags.c.key.in_([*changed, *removed])))
    for tag, value in changed.items():
        tx.add(tags, {"share_id": key, "key": tag, "value": value})


# ------------------------------------------------------------ what is in a share, and for whom


def items_of(connection: Connection, key: int) -> set[int]:
    """The keys of the license configurations in a share."""
    statement = select(items.c.configuration_id).where(items.c.share_id == key, items.c.ended.is_(None))
    return set(connection.execute(statement).scalars())


def add_items(tx: Transaction, key: int, configuration_keys: Iterable[int]) -> None:
    """Put license configurations in a share that does not have them."""
    for configuration_key in configuration_keys:
        row = {"id": new_key(), "share_id": key, "configuration_id": configuration_key, "ended": None}
        tx.add(items, row)


def end_items(tx: Transaction, *where: Any) -> None:
    """Take license configurations out of shares; that they were in stays known (TR-8)."""
    tx.execute(update(items).where(*where, items.c.ended.is_(None)).values(ended=new_key()))


def principals_of(connection: Connection, key: int) -> set[str]:
    """Whom a share names."""
    return set(names_of(connection, [key])[key])


def names_of(connection: Connection, keys: Collection[int]) -> dict[int, list[str]]:
    """Whom shares name, by the share's key."""
    found: dict[int, list[str]] = {key: [] for key in keys}
    for row in connection.execute(select(principals).where(principals.c.share_id.in_(list(keys)))):
        found[row.share_id].append(row.principal)
    return found


def add_principals(tx: Transaction, key: int, names: Iterable[str]) -> None:
    """Name principals that a share does not name yet."""
    for name in names:
        tx.add(principals, {"share_id": key, "principal": name})


def remove_principals(tx: Transaction, key: int, names: Collection[str]) -> None:
    """Name principals no more, and take back what invited them, answered or not."""
    named = (principals.c.share_id == key, principals.c.principal.in_(names))
    tx.execute(delete(principals).where(*named))
    live = invitations.c.state.in_((InvitationState.PENDING, InvitationState.ACCEPTED))
    theirs = (invitations.c.share_id == key, invitations.c.account_id.in_(names))
    tx.execute(update(invitations).where(*theirs, live).values(state=InvitationState.EXPIRED))
