"""API tokens: made, listed and revoked. The secret is told once; its digest is stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, or_, select, update

from app.identity.models import ApiTokenRow
from app.identity.rules import USE_KEPT_EVERY, is_user_name, mint
from app.kernel.database import Transaction
from app.kernel.errors import DomainError, ErrorCode, Refusal, invalid, not_found
from app.kernel.events import Signal
from app.kernel.ids import check_account_id, key_of, new_key
from app.kernel.tables import table_of
from app.kernel.viewer import Permission, Viewer
from app.organizations.service import account_exists

tokens = table_of(ApiTokenRow)
REVOKED = "api-token"
"""The topic of signals that tell of revoked tokens: what a token opened is to be looked at again."""


@dataclass(frozen=True, slots=True, repr=False)
class NewToken:
    """A token as it is given out, once."""

    key: int
    secret: str


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token."""

    key: int
    prefix: str
    name: str
    permission: Permission
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


def create_token(
    tx: Transaction,
    account_id: str,
    permission: Permission,
    name: str,
    expires_at: datetime | None = None,
) -> NewToken:
    """Make a token of an account; `name` becomes the user name in its caller's ARN."""
    check_account_id(account_id, "accountId")
    _check_name(name)
    if expires_at is not None and expires_at <= tx.now:
        raise invalid("The token would have expired already.", "input", "expiresAt", remedy="Name a later instant.")
    tx.flush()
    if not account_exists(tx.connection, account_id):
        raise not_found("The account", "accountId")
    minted = mint()
    key = new_key()
    tx.add(
        tokens,
        {
            "id": key,
            "prefix": minted.prefix,
            "digest": minted.digest,
            "name": name,
            "account_id": account_id,
            "permission": permission,
            "created_at": tx.now,
            "expires_at": expires_at,
            "last_used_at": None,
            "revoked_at": None,
        },
    )
    return NewToken(key, minted.secret)


def create_own_token(
    tx: Transaction, viewer: Viewer, permission: Permission, name: str, expires_at: datetime | None
) -> NewToken:
    """An administrator makes a token of its own account."""
    return create_token(tx, viewer.account_id, permission, name, expires_at)


def list_tokens(connection: Connection, account_id: str) -> list[Token]:
    """An account's tokens, the newest first; revoked and expired ones too."""
    rows = connection.execute(select(tokens).where(tokens.c.account_id == account_id).order_by(tokens.c.id.desc()))
    return [
        Token(
            key=row.id,
            prefix=row.prefix,
            name=row.name,
            permission=Permission(row.permission),
            created_at=row.created_at,
            expires_at=row.expires_at,
            last_used_at=row.last_used_at,
            revoked_at=row.revoked_at,
        )
        for row in rows
    ]


def revoke_own_token(tx: Transaction, viewer: Viewer, token_id: str) -> int:
    """An administrator revokes a token of its own account, at once and for good. Returns its key."""
    key = key_of(token_id, "token", "The API token", "id")
    revoke_token(tx, viewer.account_id, key)
    return key


def revoke_token(tx: Transaction, account_id: str, key: int) -> None:
    """Revoke a token of an account; CONFLICT where it is revoked already."""
    own = (tokens.c.id == key, tokens.c.account_id == account_id)
    done = tx.execute(update(tokens).where(*own, tokens.c.revoked_at.is_(None)).values(revoked_at=tx.now))
    if done.rowcount == 1:
        tx.announce(Signal(REVOKED, frozenset({key})))
        return
    if tx.execute(select(tokens.c.id).where(*own)).first() is None:
        raise not_found("The API token", "id")
    raise DomainError(
        Refusal(
            code=ErrorCode.CONFLICT,
            message="The API token is revoked already.",
            remedy="There is nothing to do.",
            field=("id",),
        )
    )


def keep_last_use(tx: Transaction, keys: Sequence[int]) -> list[None]:
    """Note that tokens were used now; many at once, and none of them twice a minute (a batch of the writer's)."""
    stale = or_(tokens.c.last_used_at.is_(None), tokens.c.last_used_at <= tx.now - USE_KEPT_EVERY)
    tx.execute(update(tokens).where(tokens.c.id.in_(set(keys)), stale).values(last_used_at=tx.now))
    return [None] * len(keys)


def _check_name(name: str) -> None:
    if not is_user_name(name):
        raise invalid(
            "A token's name becomes a user name: 1 to 64 letters, digits and _+=,.@-, without spaces.",
            "input",
            "name",
            remedy="Choose a name such as billing-dashboard.",
            rule="API-3",
        )
