"""AWS-style access keys: made, listed, disabled and deleted. The secret is told once, and stored encrypted."""

import base64
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, or_, select, update

from app.identity.models import AccessKeyRow
from app.identity.rules import USE_KEPT_EVERY, is_user_name, principal_arn
from app.kernel.database import Transaction
from app.kernel.errors import invalid, not_found
from app.kernel.ids import check_account_id, new_key
from app.kernel.sealing import Sealer
from app.kernel.tables import table_of
from app.kernel.viewer import Permission, Viewer
from app.organizations.service import account_exists

access_keys = table_of(AccessKeyRow)
_FORM = re.compile(r"AKIA[A-Z2-7]{16}")


@dataclass(frozen=True, slots=True, repr=False)
class NewAccessKey:
    """An access key as it is given out, once."""

    access_key_id: str
    secret: str


@dataclass(frozen=True, slots=True)
class AccessKey:
    """What is known of an access key."""

    key: int
    access_key_id: str
    account_id: str
    permission: Permission
    user_name: str
    active: bool
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True, repr=False)
class Credential:
    """An access key whose signatures are good now: who it is, and its secret as it is stored."""

    viewer: Viewer
    sealed_secret: str
    last_used_at: datetime | None


def is_access_key_id(text: str) -> bool:
    """Whether a text has the form of an access key's id."""
    return _FORM.fullmatch(text) is not None


def create(tx: Transaction, sealer: Sealer, account_id: str, permission: Permission, user_name: str) -> NewAccessKey:
    """Make an access key of an account; `user_name` is the name in its caller's ARN."""
    check_account_id(account_id, "accountId")
    if not is_user_name(user_name):
        raise invalid(
            "A user name has 1 to 64 letters, digits and _+=,.@-, without spaces.",
            "userName",
            remedy="Choose a name such as terraform.",
            rule="API-3",
        )
    tx.flush()
    if not account_exists(tx.connection, account_id):
        raise not_found("The account", "accountId")
    made = NewAccessKey("AKIA" + base64.b32encode(secrets.token_bytes(10)).decode(), secrets.token_urlsafe(30))
    tx.add(
        access_keys,
        {
            "id": new_key(),
            "access_key_id": made.access_key_id,
            "encrypted_secret": sealer.seal(made.secret),
            "account_id": account_id,
            "permission": permission.value,
            "user_name": user_name,
            "active": True,
            "created_at": tx.now,
            "last_used_at": None,
        },
    )
    return made


def list_keys(connection: Connection, account_id: str | None = None) -> list[AccessKey]:
    """The access keys of an account, or all of them, the newest first; disabled ones too."""
    statement = select(access_keys).order_by(access_keys.c.id.desc())
    if account_id is not None:
        statement = statement.where(access_keys.c.account_id == account_id)
    return [
        AccessKey(
            key=row.id,
            access_key_id=row.access_key_id,
            account_id=row.account_id,
            permission=Permission(row.permission),
            user_name=row.user_name,
            active=row.active,
            created_at=row.created_at,
            last_used_at=row.last_used_at,
        )
        for row in connection.execute(statement)
    ]


def set_active(tx: Transaction, access_key_id: str, active: bool) -> str:
    """Disable an access key at once, or enable it again. The account whose it is."""
    known = access_keys.c.access_key_id == access_key_id
    return _one(tx, update(access_keys).where(known).values(active=active).returning(access_keys.c.account_id))


def remove(tx: Transaction, access_key_id: str) -> str:
    """Delete an access key, at once and for good. The account whose it was."""
    known = access_keys.c.access_key_id == access_key_id
    return _one(tx, delete(access_keys).where(known).returning(access_keys.c.account_id))


def _one(tx: Transaction, statement: Any) -> str:
    account_id: str | None = tx.execute(statement).scalar()
    if account_id is None:
        raise not_found("The access key", "accessKeyId")
    return account_id


# ------------------------------------------------------------ for the door that they open

_CREDENTIAL = (
    access_keys.c.access_key_id,
    access_keys.c.encrypted_secret,
    access_keys.c.account_id,
    access_keys.c.permission,
    access_keys.c.user_name,
    access_keys.c.last_used_at,
)
_ACTIVE = select(*_CREDENTIAL).where(access_keys.c.access_key_id == bindparam("wanted"), access_keys.c.active)


def credential(connection: Connection, access_key_id: str) -> Credential | None:
    """The access key of an id where it is active; None for any other text."""
    if not is_access_key_id(access_key_id):
        return None
    row = connection.execute(_ACTIVE, {"wanted": access_key_id}).one_or_none()
    if row is None:
        return None
    viewer = Viewer(
        account_id=row.account_id,
        principal_arn=principal_arn(row.account_id, row.user_name),
        permission=Permission(row.permission),
        principal_name=row.user_name,
        credential_id=row.access_key_id,
    )
    return Credential(viewer, row.encrypted_secret, row.last_used_at)


def keep_last_use(tx: Transaction, access_key_ids: Collection[str]) -> None:
    """Note that access keys were used now, none of them twice a minute."""
    stale = or_(access_keys.c.last_used_at.is_(None), access_keys.c.last_used_at <= tx.now - USE_KEPT_EVERY)
    known = access_keys.c.access_key_id.in_(set(access_key_ids))
    tx.execute(update(access_keys).where(known, stale).values(last_used_at=tx.now))


def use_is_stale(credential: Credential, now: datetime) -> bool:
    """Whether a use now is to be kept."""
    return credential.last_used_at is None or credential.last_used_at <= now - USE_KEPT_EVERY
