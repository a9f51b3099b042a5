"""Whom each share reaches, kept up in the very transaction that changes it, in a few statements for many accounts."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, select, update

from app.kernel.database import Transaction
from app.kernel.ids import new_key
from app.kernel.tables import table_of
from app.organizations.rules import InvitationState, Membership
from app.organizations.service import members, membership
from app.sharing.models import ResourceShareRow, ShareInvitationRow, SharePrincipalRow, ShareReachRow
from app.sharing.rules import Reach, ResourceShareStatus, ShareTerms, reach

shares = table_of(ResourceShareRow)
principals = table_of(SharePrincipalRow)
invitations = table_of(ShareInvitationRow)
reaches = table_of(ShareReachRow)
_AT_ONCE = 10_000  # databases bound the parameters of a statement

Reached = Mapping[str, Reach]


def chunks(keys: Iterable[Any]) -> Iterator[list[Any]]:
    """Values in order, as many at once as a statement takes."""
    listed = list(keys)
    for start in range(0, len(listed), _AT_ONCE):
        yield listed[start : start + _AT_ONCE]


class Places:
    """Where accounts are, each read once. An account that is not in an organization asked for is not in it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._accounts: dict[str, Membership | None] = {}
        self._organizations: dict[int, dict[str, Membership]] = {}

    def of(self, account_id: str) -> Membership | None:
        """One account's place."""
        if account_id not in self._accounts:
            self._accounts[account_id] = membership(self._connection, account_id)
        return self._accounts[account_id]

    def beside(self, owner: Membership | None) -> Mapping[str, Membership]:
        """The accounts of an owner's organization, the owner among them; none where it is in none."""
        if owner is None:
            return {}
        key = owner.organization_key
        if key not in self._organizations:
            self._organizations[key] = {each.account_id: each for each in members(self._connection, key)}
        return self._organizations[key]


def terms_of(connection: Connection, share_keys: Collection[int]) -> dict[int, ShareTerms]:
    """What decides whom shares reach, in three statements."""
    found: dict[int, ShareTerms] = {}
    for keys in chunks(sorted(share_keys)):
        named = _by_share(connection, principals.c.share_id, principals.c.principal, principals.c.share_id.in_(keys))
        stands = invitations.c.state == InvitationState.ACCEPTED
        took = _by_share(
            connection, invitations.c.share_id, invitations.c.account_id, invitations.c.share_id.in_(keys) & stands
        )
        rows = connection.execute(select(shares).where(shares.c.id.in_(keys)).order_by(shares.c.id))
        found.update(
            (
                row.id,
                ShareTerms(
                    key=row.id,
                    owner_account_id=row.owner_account_id,
                    active=row.status == ResourceShareStatus.ACTIVE,
                    allow_external_principals=row.allow_external_principals,
                    principals=frozenset(named.get(row.id, ())),
                    accepted=frozenset(took.get(row.id, ())),
                ),
            )
            for row in rows
        )
    return found


def _by_share(connection: Connection, key: Any, value: Any, where: Any) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for share_key, each in connection.execute(select(key, value).where(where)):
        found.setdefault(share_key, set()).add(each)
    return found


def follow_shares(tx: Transaction, share_keys: Collection[int]) -> None:
    """Work out anew whom shares reach, for all accounts."""
    if not share_keys:
        return
    tx.flush()
    places = Places(tx.connection)
    wanted: dict[int, Reached] = {}
    for key, terms in terms_of(tx.connection, share_keys).items():
        owner = places.of(terms.owner_account_id)
        beside = places.beside(owner)
        candidates = {*terms.accepted, *beside}
        found = {each: reach(terms, owner, each, beside.get(each)) for each in candidates}
        wanted[key] = {account_id: way for account_id, way in found.items() if way is not None}
    present = [row for keys in chunks(wanted) for row in _present(tx, reaches.c.share_id.in_(keys))]
    _write(tx, wanted, present)


def follow_account(tx: Transaction, account_id: str) -> None:
    """Work out anew what reaches one account, and whom its own shares reach: it joined, left or moved."""
    tx.flush()
    places = Places(tx.connection)
    place = places.of(account_id)
    naming = place.principals if place else {account_id}
    keys = set(tx.execute(select(principals.c.share_id).where(principals.c.principal.in_(naming))).scalars())
    present = _present(tx, reaches.c.account_id == account_id)
    keys.update(row.share_id for row in present)
    wanted: dict[int, Reached] = {}
    for key, terms in terms_of(tx.connection, keys).items():
        way = reach(terms, places.of(terms.owner_account_id), account_id, place)
        wanted[key] = {account_id: way} if way else {}
    _write(tx, wanted, present)
    follow_shares(tx, owned_by(tx.connection, [account_id]))


def follow_organization(tx: Transaction, organization_key: int) -> None:
    """Work out anew whom the shares of an organization's accounts reach: its link or trusted access changed."""
    tx.flush()
    accounts = [each.account_id for each in members(tx.connection, organization_key)]
    follow_shares(tx, owned_by(tx.connection, accounts))


def owned_by(connection: Connection, account_ids: Sequence[str]) -> list[int]:
    """The keys of the active shares that accounts own."""
    active = shares.c.status == ResourceShareStatus.ACTIVE
    return [
        key
        for some in chunks(account_ids)
        for key in connection.execute(select(shares.c.id).where(shares.c.owner_account_id.in_(some), active)).scalars()
    ]


# ------------------------------------------------------------ writing


def _present(tx: Transaction, where: Any) -> list[Any]:
    return list(tx.execute(select(reaches).where(where, reaches.c.ended.is_(None))))


def _write(tx: Transaction, wanted: Mapping[int, Reached], present: Sequence[Any]) -> None:
    """Make what is kept what is wanted: end, change and begin, each in statements for many rows."""
    ended, changed = [], []
    there = set()
    for row in present:
        way = wanted[row.share_id].get(row.account_id)
        if way is None:
            ended.append(row.id)
            continue
        there.add((row.share_id, row.account_id))
        if way != Reach(row.organization_id, row.invited):
            changed.append((row.id, way))
    _end(tx, ended)
    _change(tx, changed)
    begun = [
        (share_key, account_id, way)
        for share_key, found in wanted.items()
        for account_id, way in sorted(found.items())
        if (share_key, account_id) not in there
    ]
    for share_key, account_id, way in begun:
        tx.add(reaches, _row(share_key, account_id, way))
    _withdraw_moot(tx, [(share_key, account_id) for share_key, account_id, way in begun if not way.invited])


def _row(share_key: int, account_id: str, way: Reach) -> dict[str, Any]:
    return {
        "id": new_key(),
        "share_id": share_key,
        "account_id": account_id,
        "organization_id": way.organization_key,
        "invited": way.invited,
        "ended": None,
    }


def _end(tx: Transaction, ids: Sequence[int]) -> None:
    for some in chunks(ids):
        tx.execute(update(reaches).where(reaches.c.id.in_(some)).values(ended=new_key()))


def _change(tx: Transaction, changed: Sequence[tuple[int, Reach]]) -> None:
    for way in {way for _, way in changed}:
        for some in chunks(key for key, each in changed if each == way):
            values = {"organization_id": way.organization_key, "invited": way.invited}
            tx.execute(update(reaches).where(reaches.c.id.in_(some)).values(values))


def _withdraw_moot(tx: Transaction, begun: Sequence[tuple[int, str]]) -> None:
    """An invitation that is still open says nothing any more to an account that has the share by the link."""
    for share_key, pairs in groupby(begun, key=lambda pair: pair[0]):
        for accounts in chunks(account_id for _, account_id in pairs):
            tx.execute(
                update(invitations)
                .where(
                    invitations.c.share_id == share_key,
                    invitations.c.account_id.in_(accounts),
                    invitations.c.state == InvitationState.PENDING,
                )
                .values(state=InvitationState.EXPIRED)
            )
