"""The demo organization: there once in an empty database, and a token of its master account for each server start."""

from collections.abc import Callable
from importlib import resources
from pathlib import Path

from app.identity.operators import revoke_named
from app.identity.service import create_token
from app.kernel.changes import Changes
from app.kernel.database import Database, Transaction
from app.kernel.errors import DomainError, ErrorCode, Refusal
from app.kernel.viewer import Permission
from app.organizations.named import any_account
from app.organizations.service import membership
from app.seeding.apply import Seed, apply, read
from app.seeding.operator import record

MASTER = "111122223333"
"""The demo organization's master account, as in demo.yaml."""

TOKEN_NAME = "demo"  # noqa: S105 - what the token is called


def demo_file() -> Path:
    """The seed file of the demo organization, as it is installed."""
    return Path(str(resources.files("app.seeding").joinpath("demo.yaml")))


async def ensure_demo(database: Database, on_section: Callable[[], None] = lambda: None) -> Changes | None:
    """Fill an empty database with the demo organization; None where it is there already.

    Raises CONFLICT for a database that holds something else.
    """
    seed = read(demo_file())
    return await database.write(lambda tx: _fill(tx, seed, on_section))


def _fill(tx: Transaction, seed: Seed, on_section: Callable[[], None]) -> Changes | None:
    if not any_account(tx.connection):
        return apply(tx, seed, on_section)
    place = membership(tx.connection, MASTER)
    if place is not None and place.is_master:
        return None
    raise DomainError(
        Refusal(
            code=ErrorCode.CONFLICT,
            message="The database holds other accounts; the demo organization fills an empty one.",
            remedy="Name another database by TOLLGATE_DATABASE_URL.",
        )
    )


async def demo_token(database: Database) -> str:
    """A new administrator's token of the demo's master account; those of servers before are revoked."""
    return await database.write(_token)


def _token(tx: Transaction) -> str:
    revoke_named(tx, MASTER, TOKEN_NAME)
    made = create_token(tx, MASTER, Permission.ADMINISTRATOR, TOKEN_NAME)
    record(tx, MASTER, "createApiToken", {"name": TOKEN_NAME, "permission": Permission.ADMINISTRATOR.value})
    return made.secret
