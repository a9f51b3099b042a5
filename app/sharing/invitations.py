"""Invitations to shares: sent to accounts outside the linked organization, answered by them or for them (SH-2)."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import and_, select, update

from app.kernel.checks import require
from app.kernel.database import Transaction
from app.kernel.errors import not_found
from app.kernel.ids import key_of, new_key
from app.kernel.tables import table_of
from app.kernel.viewer import Viewer
from app.linking.crossing import checks_to_accept
from app.linking.rules import access_on
from app.organizations.inviting import answer, answered_by_another, asked_now, is_open
from app.organizations.locks import hold
from app.organizations.rules import InvitationState, Membership
from app.organizations.service import membership
from app.roles.rules import ServiceLinkedRoleKind
from app.roles.service import present_in
from app.sharing.models import ResourceShareRow, ShareInvitationRow
from app.sharing.reach import chunks, follow_shares
from app.sharing.rules import INVITATION_LIFETIME, together
from app.sharing.store import Share, load

invitations = table_of(ShareInvitationRow)
shares = table_of(ResourceShareRow)


def invite(tx: Transaction, share: Share, owner: Membership | None, account_ids: Collection[str]) -> None:
    """Ask accounts whether they take a share; one that was asked before and has no open or accepted invitation, again.

    Where an account's member role grants it, the service accepts for it at once.
    """
    asked: list[str] = []
    rows = {
        row.account_id: row
        for some in chunks(account_ids)
        for row in tx.execute(
            select(invitations).where(invitations.c.share_id == share.key, invitations.c.account_id.in_(some))
        )
    }
    for account_id in account_ids:
        row = rows.get(account_id)
        if row is None:
            row_of = {"id": new_key(), "share_id": share.key, "account_id": account_id}
            tx.add(invitations, {**row_of, **asked_now(tx, INVITATION_LIFETIME)})
        elif row.state == InvitationState.ACCEPTED or _is_open(tx, row):
            continue
        else:
            tx.execute(
                update(invitations).where(invitations.c.id == row.id).values(**asked_now(tx, INVITATION_LIFETIME))
            )
        asked.append(account_id)
    accept_for(tx, share, owner, asked)


def accept_for(tx: Transaction, share: Share, owner: Membership | None, account_ids: Sequence[str]) -> None:
    """Accept open invitations for the accounts whose member role grants that."""
    tx.flush()
    able = present_in(tx.connection, account_ids, ServiceLinkedRoleKind.MEMBER_ACCOUNT)
    willing = [
        account_id
        for account_id in account_ids
        if account_id in able
        and all(check.passed for check in checks_to_accept(tx.connection, owner, account_id, share.arn, share.region))
    ]
    for some in chunks(willing):
        theirs = (invitations.c.share_id == share.key, invitations.c.account_id.in_(some))
        tx.execute(update(invitations).where(*theirs, is_open(tx, invitations)).values(state=InvitationState.ACCEPTED))


def accept(tx: Transaction, viewer: Viewer, invitation_id: str) -> int:
    """The invited account takes the share. Returns the invitation's key."""
    key, share = _received(tx, viewer, invitation_id)
    owner, invited = hold(tx, share.owner_account_id), membership(tx.connection, viewer.account_id)
    if owner is not None and together(owner, invited):
        require([access_on(owner.organization, viewer.account_id)])
    _answer(tx, key, InvitationState.ACCEPTED)
    follow_shares(tx, [share.key])
    return key


def reject(tx: Transaction, viewer: Viewer, invitation_id: str) -> int:
    """The invited account declines. Returns the invitation's key."""
    key, share = _received(tx, viewer, invitation_id)
    hold(tx, share.owner_account_id)
    _answer(tx, key, InvitationState.REJECTED)
    return key


def open_for(tx: Transaction, account_ids: Collection[str]) -> dict[int, list[str]]:
    """The accounts that have an open invitation, among some, by the share's key."""
    found: dict[int, list[str]] = {}
    for some in chunks(account_ids):
        rows = tx.execute(select(invitations).where(invitations.c.account_id.in_(some), is_open(tx, invitations)))
        for row in rows:
            found.setdefault(row.share_id, []).append(row.account_id)
    return found


def end_between(tx: Transaction, account_id: str, others: Sequence[str]) -> None:
    """End the invitations between an account and those of the organization that it left, answered or not (OR-4)."""
    live = invitations.c.state.in_((InvitationState.PENDING, InvitationState.ACCEPTED))
    own = select(shares.c.id).where(shares.c.owner_account_id == account_id)
    for some in chunks(others):
        theirs = select(shares.c.id).where(shares.c.owner_account_id.in_(some))
        received = and_(invitations.c.account_id == account_id, invitations.c.share_id.in_(theirs))
        sent = and_(invitations.c.account_id.in_(some), invitations.c.share_id.in_(own))
        tx.execute(update(invitations).where(live, received | sent).values(state=InvitationState.EXPIRED))


def _received(tx: Transaction, viewer: Viewer, invitation_id: str) -> tuple[int, Share]:
    """The key of an invitation and its share, where the caller's account was invited."""
    key = key_of(invitation_id, "sinv", "The invitation", "id")
    row = tx.execute(
        select(invitations.c.account_id, invitations.c.share_id).where(invitations.c.id == key)
    ).one_or_none()
    share = load(tx.connection, row.share_id) if row else None
    if row is None or share is None or viewer.account_id not in (row.account_id, share.owner_account_id):
        raise not_found("The invitation", "id")
    if row.account_id == viewer.account_id:
        tx.concern(share.arn, share.owner_account_id)
        tx.concern(share.arn, viewer.account_id)
        return key, share
    raise answered_by_another(row.account_id, invitation_id, "SH-2")


def _answer(tx: Transaction, key: int, state: InvitationState) -> None:
    answer(tx, invitations, key, state, prefix="sinv", sender="the share's owner", rule="SH-2")


def _is_open(tx: Transaction, row: Any) -> bool:
    still: bool = row.state == InvitationState.PENDING and row.expires_at > tx.now
    return still
