"""What invitations have in common, those to organizations and those to shares: open for a time, answered once."""

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Table, case, select, update

from app.kernel.database import Transaction
from app.kernel.errors import DomainError, ErrorCode, Refusal
from app.kernel.ids import node_id
from app.organizations.rules import InvitationState


def state_at(row: Any, now: ColumnElement[Any]) -> ColumnElement[str]:
    """An invitation's state at an instant, as SQL: a pending one expires by time alone."""
    expired = (row.c.state == InvitationState.PENDING) & (row.c.expires_at <= now)
    return case((expired, InvitationState.EXPIRED.value), else_=row.c.state)


def asked_now(tx: Transaction, lifetime: timedelta) -> dict[str, Any]:
    """The columns of an invitation that is sent now."""
    return {"state": InvitationState.PENDING, "created_at": tx.now, "expires_at": tx.now + lifetime}


def is_open(tx: Transaction, invitations: Table) -> ColumnElement[bool]:
    """Whether a row can still be answered, as SQL."""
    return (invitations.c.state == InvitationState.PENDING) & (invitations.c.expires_at > tx.now)


def answer(
    tx: Transaction, invitations: Table, key: int, state: InvitationState, *, prefix: str, sender: str, rule: str
) -> None:
    """Close an open invitation; of two answers at once the second finds it closed, which is refused with CONFLICT.

    `prefix` is that of its global ids; `sender` who can send a new one.
    """
    done = tx.execute(update(invitations).where(invitations.c.id == key, is_open(tx, invitations)).values(state=state))
    if done.rowcount == 1:
        return
    was = tx.execute(select(invitations.c.state).where(invitations.c.id == key)).scalar_one()
    now = InvitationState.EXPIRED if was == InvitationState.PENDING else InvitationState(was)
    raise DomainError(
        Refusal(
            code=ErrorCode.CONFLICT,
            message=f"The invitation is {now.lower()} and can't be answered any more.",
            remedy=f"Ask {sender} for a new one.",
            rule=rule,
            field=("id",),
            node_ids=(node_id(prefix, key),),
        )
    )


def answered_by_another(account_id: str, invitation_id: str, rule: str) -> DomainError:
    """The refusal of who sees an invitation but is not invited by it."""
    return DomainError(
        Refusal(
            code=ErrorCode.ACCESS_DENIED,
            message=f"Only account {account_id}, which is invited, can answer.",
            remedy="Ask an administrator of that account.",
            rule=rule,
            field=("id",),
            account_id=account_id,
            node_ids=(invitation_id,),
        )
    )
