"""Accounts: made, and put in or taken out of an organization; the acts of the master and of a member (OR-2, OR-4)."""

import re
import secrets

from sqlalchemy import delete, select, update

from app.kernel.database import Transaction
from app.kernel.errors import DomainError, ErrorCode, Refusal, invalid, not_found
from app.kernel.ids import check_account_id, check_text, new_key
from app.kernel.tables import table_of
from app.kernel.viewer import Viewer
from app.organizations import events
from app.organizations.locks import lock
from app.organizations.models import AccountRow, FormerMemberRow
from app.organizations.rules import Membership
from app.organizations.service import account_exists, membership, require_master, require_membership
from app.organizations.units import unit_in

accounts = table_of(AccountRow)
former = table_of(FormerMemberRow)
_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,189}")


def create_standalone(tx: Transaction, account_id: str, name: str, email: str | None = None) -> int:
    """Make the service know an account, in no organization; CONFLICT where it does. Returns its key."""
    check_account_id(account_id, "accountId")
    check_text(name, "An account's name", 128, "name")
    tx.flush()
    if account_exists(tx.connection, account_id):
        raise DomainError(
            Refusal(code=ErrorCode.CONFLICT, message=f"Account {account_id} exists already.", account_id=account_id)
        )
    return _add(tx, account_id, name, email)


def create_in_organization(tx: Transaction, viewer: Viewer, name: str, email: str | None, unit_id: str | None) -> int:
    """The master makes an account in a unit of its organization, or under the root (OR-2). Returns its key."""
    check_text(name, "An account's name", 128, "input", "name")
    _check_email(email)
    master = require_master(tx.connection, viewer.account_id, "OR-2")
    lock(tx, master.organization_key)
    unit = unit_in(tx, master.organization_key, unit_id, "input", "organizationalUnitId")
    account_id = _new_account_id(tx)
    key = _add(tx, account_id, name, email)
    enter(tx, master.organization_key, unit, account_id)
    return key


def move(tx: Transaction, viewer: Viewer, account_id: str, unit_id: str) -> int:
    """The master puts an account of its organization in another unit. Returns the account's key."""
    check_account_id(account_id, "input", "accountId")
    master = require_master(tx.connection, viewer.account_id)
    lock(tx, master.organization_key)
    key = _key_in(tx, master, account_id, "input", "accountId")
    unit = unit_in(tx, master.organization_key, unit_id, "input", "organizationalUnitId")
    tx.execute(update(accounts).where(accounts.c.id == key).values(unit_id=unit))
    _concern(tx, account_id)
    events.tell(tx, events.MembershipChange(events.ChangeKind.MOVED, master.organization_key, account_id))
    return key


def remove(tx: Transaction, viewer: Viewer, account_id: str) -> int:
    """The master takes a member out; it keeps its resources and associations (OR-4). Returns the account's key."""
    check_account_id(account_id, "accountId")
    master = require_master(tx.connection, viewer.account_id, "OR-2")
    lock(tx, master.organization_key)
    key = _key_in(tx, master, account_id, "accountId")
    if account_id == master.account_id:
        raise DomainError(_master_stays(account_id))
    _leave(tx, master.organization_key, account_id)
    return key


def leave(tx: Transaction, viewer: Viewer) -> int:
    """A member leaves its organization (OR-2, OR-4). Returns its key."""
    member = require_membership(tx.connection, viewer.account_id)
    if member.is_master:
        raise DomainError(_master_stays(viewer.account_id))
    lock(tx, member.organization_key)
    key = _key_in(tx, member, viewer.account_id)
    _leave(tx, member.organization_key, viewer.account_id)
    return key


def enter(tx: Transaction, organization_key: int, unit: int, account_id: str) -> None:
    """Put an account that is in no organization in one; CONFLICT where it is in one by now (OR-2)."""
    values = {"organization_id": organization_key, "unit_id": unit, "joined_at": tx.now}
    free = accounts.c.organization_id.is_(None)
    done = tx.execute(update(accounts).where(accounts.c.account_id == account_id, free).values(values))
    if done.rowcount != 1:
        raise DomainError(already_in_organization(account_id))
    tx.execute(delete(former).where(former.c.organization_id == organization_key, former.c.account_id == account_id))
    _concern(tx, account_id)
    events.tell(tx, events.MembershipChange(events.ChangeKind.JOINED, organization_key, account_id))


def already_in_organization(account_id: str) -> Refusal:
    """The refusal of a second organization."""
    return Refusal(
        code=ErrorCode.CONFLICT,
        message=f"Account {account_id} is in an organization already; an account is in at most one.",
        remedy="Leave that organization first.",
        rule="OR-2",
        account_id=account_id,
    )


def _leave(tx: Transaction, organization_key: int, account_id: str) -> None:
    _concern(tx, account_id)
    values = {"organization_id": None, "unit_id": None, "joined_at": None, "closed_as": None}
    tx.execute(update(accounts).where(accounts.c.account_id == account_id).values(values))
    tx.add(former, {"organization_id": organization_key, "account_id": account_id, "left_at": tx.now})
    events.tell(tx, events.MembershipChange(events.ChangeKind.LEFT, organization_key, account_id))


def _key_in(tx: Transaction, member: Membership, account_id: str, *field: str) -> int:
    """The key of an account of the same organization, asked under the lock; any other does not exist (PM-2)."""
    together = accounts.c.organization_id == member.organization_key
    key: int | None = tx.execute(select(accounts.c.id).where(accounts.c.account_id == account_id, together)).scalar()
    if key is None:
        raise not_found("The account", *field)
    return key


def _concern(tx: Transaction, account_id: str) -> None:
    """Note an account for the audit trail of itself and of its master (AU-4)."""
    tx.flush()
    found = membership(tx.connection, account_id)
    if found is not None:
        tx.concern(found.arn, account_id)
        tx.concern(found.organization.arn, found.master_account_id)


def _master_stays(account_id: str) -> Refusal:
    return Refusal(
        code=ErrorCode.CONFLICT,
        message=f"Account {account_id} is the master account, which stays as long as the organization.",
        remedy="Only members leave or are removed.",
        rule="OR-2",
        account_id=account_id,
    )


def _add(tx: Transaction, account_id: str, name: str, email: str | None) -> int:
    key = new_key()
    tx.add(
        accounts,
        {
            "id": key,
            "account_id": account_id,
            "name": name,
            "email": email,
            "organization_id": None,
            "unit_id": None,
            "joined_at": None,
            "created_at": tx.now,
        },
    )
    for follow in events.on_account_created:
        follow(tx, account_id)
    return key


def _new_account_id(tx: Transaction) -> str:
    while True:
        account_id = f"{secrets.randbelow(10**12 - 10**11) + 10**11}"
        if not account_exists(tx.connection, account_id):
            return account_id


def _check_email(email: str | None) -> None:
    if email is not None and not _EMAIL.fullmatch(check_text(email, "An e-mail address", 254, "input", "email")):
        raise invalid("That is not an e-mail address.", "input", "email", remedy="Write it as name@example.com.")
