"""What the operator of the service does with the tokens of any account, whoever owns them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from app.identity.models import ApiTokenRow
from app.identity.service import Token, list_tokens, revoke_token
from app.kernel.database import Transaction
from app.kernel.errors import not_found
from app.kernel.ids import key_of
from app.kernel.tables import table_of

tokens = table_of(ApiTokenRow)


@dataclass(frozen=True, slots=True)
class OwnedToken:
    """A token, and the account whose it is."""

    account_id: str
    token: Token


def all_tokens(connection: Connection, account_id: str | None = None) -> Sequence[OwnedToken]:
    """The tokens of an account or of all, the newest of each first; revoked and expired ones too."""
    owners = [account_id] if account_id else sorted(set(connection.execute(select(tokens.c.account_id)).scalars()))
    return [OwnedToken(owner, token) for owner in owners for token in list_tokens(connection, owner)]


def revoke_any(tx: Transaction, token_id: str) -> str:
    """Revoke a token of whichever account, at once and for good. Returns the account."""
    key = key_of(token_id, "token", "The API token", "id")
    owner: str | None = tx.execute(select(tokens.c.account_id).where(tokens.c.id == key)).scalar()
    if owner is None:
        raise not_found("The API token", "id")
    revoke_token(tx, owner, key)
    return owner


def revoke_named(tx: Transaction, account_id: str, name: str) -> int:
    """Revoke the tokens of an account that have a name; how many it were."""
    tx.flush()
    live = [each for each in list_tokens(tx.connection, account_id) if each.name == name and each.revoked_at is None]
    for each in live:
        revoke_token(tx, account_id, each.key)
    return len(live)
