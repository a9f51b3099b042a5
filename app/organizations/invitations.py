"""Invitations to join an organization: one open at a time for an account, answered by it within fifteen days (OR-2)."""

from typing import Any

from sqlalchemy import ColumnElement, case, select, update

from app.kernel.database import Transaction
from app.kernel.errors import DomainError, ErrorCode, Refusal, not_found
from app.kernel.ids import check_account_id, key_of, new_key, node_id
from app.kernel.tables import table_of
from app.kernel.viewer import Viewer
from app.organizations.accounts import enter
from app.organizations.locks import lock
from app.organizations.models import AccountInvitationRow
from app.organizations.rules import INVITATION_LIFETIME, InvitationState
from app.organizations.service import account_exists, membership, organization, require_master
from app.organizations.units import unit_in

invitations = table_of(AccountInvitationRow)


def state_at(row: Any, now: ColumnElement[Any]) -> ColumnElement[str]:
    """An invitation's state at an instant, as SQL: a pending one expires by time alone."""
    expired = (row.c.state == InvitationState.PENDING) & (row.c.expires_at <= now)
    return case((expired, InvitationState.EXPIRED.value), else_=row.c.state)


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
            *_open(tx),
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
    raise DomainError(
        Refusal(
            code=ErrorCode.ACCESS_DENIED,
            message=f"Only account {row.account_id}, which is invited, can answer.",
            remedy="Ask an administrator of that account.",
            rule="OR-2",
            account_id=row.account_id,
            node_ids=(invitation_id,),
        )
    )


def _answer(tx: Transaction, key: int, state: InvitationState) -> None:
    """Close an open invitation; of two answers at once the second finds it closed."""
    done = tx.execute(update(invitations).where(invitations.c.id == key, *_open(tx)).values(state=state))
    if done.rowcount == 1:
        return
    was = tx.execute(select(invitations.c.state).where(invitations.c.id == key)).scalar_one()
    now = InvitationState.EXPIRED if was == InvitationState.PENDING else InvitationState(was)
    raise DomainError(
        Refusal(
            code=ErrorCode.CONFLICT,
            message=f"The invitation is {now.lower()} and can't be answered any more.",
            remedy="Ask the master account of the organization for a new one.",
            rule="OR-2",
            node_ids=(node_id("ainv", key),),
        )
    )


def _open(tx: Transaction) -> tuple[ColumnElement[bool], ...]:
    return (invitations.c.state == InvitationState.PENDING, invitations.c.expires_at > tx.now)


def _add(tx: Transaction, organization_key: int, account_id: str) -> int:
    key = new_key()
    tx.add(
        invitations,
        {
            "id": key,
            "organization_id": organization_key,
            "account_id": account_id,
            "state": InvitationState.PENDING,
            "created_at": tx.now,
            "expires_at": tx.now + INVITATION_LIFETIME,
        },
    )
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
