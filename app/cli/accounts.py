"""`tollgate account`: makes and lists accounts, also while a server runs."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from app.kernel.database import Database, Transaction

app = typer.Typer(help="Make and list accounts.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def create(
    account_id: Annotated[str, typer.Argument(help="Twelve digits.", metavar="ACCOUNT")],
    name: Annotated[str, typer.Option(help="What people call it.")],
    email: Annotated[str | None, typer.Option(help="Whom to write to.")] = None,
) -> None:
    """Make an account, in no organization."""
    from app.cli.running import run
    from app.organizations.accounts import create_standalone
    from app.seeding.operator import record

    def write(tx: "Transaction") -> None:
        create_standalone(tx, account_id, name, email)
        record(tx, account_id, "createAccount", {"accountId": account_id, "name": name})

    run(lambda database: database.write(write))
    typer.echo(f"Account {account_id} is made. Make a token of it: tollgate token create --account {account_id}")


@app.command("list")
def list_() -> None:
    """List all accounts."""
    from app.cli.printing import instant, table
    from app.cli.running import run
    from app.organizations.named import NamedAccount, all_accounts

    async def read(database: "Database") -> list[NamedAccount]:
        return await database.read(all_accounts)

    table(
        ("ACCOUNT", "NAME", "ORGANIZATION", "ROLE", "CREATED"),
        (
            (each.account_id, each.name, each.organization_id or "-", _role(each), instant(each.created_at))
            for each in run(read)
        ),
    )


def _role(account: object) -> str:
    if getattr(account, "organization_id", None) is None:
        return "standalone"
    return "master" if getattr(account, "is_master", False) else "member"
