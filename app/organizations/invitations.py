"""Invitations to join an organization: one open at a time for an account, answered by it within fifteen days (OR-2)."""

from sqlalchemy import select

from app.kernel.database import Transaction
from app.kernel.errors import DomainError, ErrorCode, Refusal, not_found
from app.kernel.ids import check_account_id, key_of, new_key, node_id
from app.kernel.tables import table_of
from app.kernel.viewer import Viewer
from app.organizations.accounts import enter
from app.organizations.inviting import answer, answered_by_another, asked_now, is_open
from app.organizations.locks import lock
from app.organizations.models import AccountInvitationRow
from app.organizations.rules import INVITATION_LIFETIME, InvitationState
from app.organizations.service import account_exists, membership, organization, require_master
from app.organizations.units import unit_in

invitations = table_of(AccountInvitationRow)


def invite(tx: Transaction, viewer: Viewer, account_id: str) -> int:
    """The master invites an account. Returns the invitation's key.

    An id that the service does not know is invited alike, and one in another organization too: the answer tells
    nothing of accounts that the caller can't see (PM-2).
    """
    check_account_id(account_id, "accountId")
    master = require_master(tx.connection, viewer.account_id, "OR-2")
    lock(tx, master.organization_key)
    there = membership(tx.connection, account_id)
    if there is not None and there.organization_key == master.organization_key:
        raise _conflict(f"Account {account_id} is in the organization already.", "There is nothing to do.", account_id)
    pending = tx.execute(
        select(invitations.c.id).where(
            invitations.c.organization_id == master.organization_key,
            invitations.c.account_id == account_id,
            is_open(tx, invitations),
        )
    ).scalar()
    if pending is not None:
        raise _conflict(
            f"Account {account_id} has an invitation that it has not answered.",
            "Wait for its answer, or until the invitation expires.",
            account_id,
            node_id("ainv", pending),
        )
    tx.concern(master.organization.arn, master.account_id)
    if account_exists(tx.connection, account_id):
        tx.concern(master.organization.arn, account_id)
    return _add(tx, master.organization_key, account_id)


def accept(tx: Transaction, viewer: Viewer, invitation_id: str) -> int:
    """The invited account joins, under the root; refused in another organization. Returns the invitation's key."""
    key, organization_key = _received(tx, viewer, invitation_id)
    lock(tx, organization_key)
    _answer(tx, key, InvitationState.ACCEPTED)
    enter(tx, organization_key, unit_in(tx, organization_key, None), viewer.account_id)
    return key


def reject(tx: Transaction, viewer: Viewer, invitation_id: str) -> int:
    """The invited account declines. Returns the invitation's key."""
    key, organization_key = _received(tx, viewer, invitation_id)
    _answer(tx, key, InvitationState.REJECTED)
    inviting = organization(tx.connection, organization_key)
    tx.concern(inviting.arn, inviting.master_account_id)
    return key


def _received(tx: Transaction, viewer: Viewer, invitation_id: str) -> tuple[int, int]:
    """The keys of an invitation and its organization, where the caller's account was invited."""
    key = key_of(invitation_id, "ainv", "The invitation", "id")
    row = tx.execute(
        select(invitations.c.account_id, invitations.c.organization_id).where(invitations.c.id == key)
    ).one_or_none()
    if row is None:
        raise not_found("The invitation", "id")
    if row.account_id == viewer.account_id:
        return key, row.organization_id
    if organization(tx.connection, row.organization_id).master_account_id != viewer.account_id:
        raise not_found("The invitation", "id")
    raise answered_by_another(row.account_id, invitation_id, "OR-2")


def _answer(tx: Transaction, key: int, state: InvitationState) -> None:
    answer(tx, invitations, key, state, prefix="ainv", sender="the master account of the organization", rule="OR-2")


def _add(tx: Transaction, organization_key: int, account_id: str) -> int:
    key = new_key()
    row = {"id": key, "organization_id": organization_key, "account_id": account_id}
    tx.add(invitations, {**row, **asked_now(tx, INVITATION_LIFETIME)})
    return key


def _conflict(message: str, remedy: str, account_id: str, *node_ids: str) -> DomainError:
    return DomainError(
        Refusal(
            code=ErrorCode.CONFLICT,
            message=message,
            remedy=remedy,
            rule="OR-2",
            field=("accountId",),
            account_id=account_id,
            node_ids=node_ids,
        )
    )
