"""`tollgate token`: makes, lists and revokes API tokens, also while a server runs."""

from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from datetime import datetime

    from app.identity.operators import OwnedToken
    from app.kernel.database import Database, Transaction

app = typer.Typer(help="Make, list and revoke API tokens.", no_args_is_help=True, rich_markup_mode=None)


class Permission(StrEnum):
    """What a token may do."""

    administrator = "administrator"
    user = "user"
    auditor = "auditor"


@app.command()
def create(
    account: Annotated[str, typer.Option(help="The account whose token it is.")],
    permission: Annotated[Permission, typer.Option(help="What it may do.")] = Permission.administrator,
    name: Annotated[str | None, typer.Option(help="What it is for; becomes the user name in its ARN.")] = None,
    expires_days: Annotated[int | None, typer.Option(min=1, max=36_500, help="Days that it is good for.")] = None,
) -> None:
    """Make a token and print it, and nothing else. It can't be shown again."""
    from app.cli.running import run
    from app.identity.service import create_token
    from app.kernel.viewer import Permission as Granted
    from app.seeding.operator import record

    called = name or permission.value

    def write(tx: "Transaction") -> str:
        expires = tx.now + timedelta(days=expires_days) if expires_days else None
        made = create_token(tx, account, Granted(permission.upper()), called, expires)
        record(tx, account, "createApiToken", {"name": called, "permission": permission.upper()})
        return made.secret

    typer.echo(run(lambda database: database.write(write)))


@app.command("list")
def list_(account: Annotated[str | None, typer.Option(help="Of this account alone.")] = None) -> None:
    """List tokens, without their secrets."""
    from app.cli.printing import instant, table
    from app.cli.running import run
    from app.identity.operators import all_tokens
    from app.kernel.ids import node_id

    async def read(database: "Database") -> "tuple[list[OwnedToken], datetime]":
        return list(await database.read(lambda connection: all_tokens(connection, account))), database.clock.now()

    found, now = run(read)
    table(
        ("ID", "ACCOUNT", "TOKEN", "NAME", "PERMISSION", "STATE", "CREATED", "EXPIRES", "LAST USED"),
        (
            (
                node_id("token", each.token.key),
                each.account_id,
                f"{each.token.prefix}…",
                each.token.name,
                each.token.permission.lower(),
                _state(each, now),
                instant(each.token.created_at),
                instant(each.token.expires_at),
                instant(each.token.last_used_at),
            )
            for each in found
        ),
    )


def _state(owned: "OwnedToken", now: "datetime") -> str:
    token = owned.token
    if token.revoked_at is not None:
        return "revoked"
    return "expired" if token.expires_at is not None and token.expires_at <= now else "valid"


@app.command()
def revoke(token_id: Annotated[str, typer.Argument(help="As token list shows it.", metavar="ID")]) -> None:
    """Revoke a token, at once and for good."""
    from app.cli.running import run
    from app.identity.operators import revoke_any
    from app.seeding.operator import record

    def write(tx: "Transaction") -> None:
        record(tx, revoke_any(tx, token_id), "revokeApiToken", {"id": token_id})

    run(lambda database: database.write(write))
    typer.echo(f"{token_id} is revoked.")
