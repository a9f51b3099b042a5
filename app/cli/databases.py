"""`tollgate migrate` and `verify`: the database's tables, and whether its figures are one."""

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from app.kernel.database import Database
    from app.licensing.integrity import Integrity


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("migrate")(migrate)
    app.command("verify")(verify)


def migrate() -> None:
    """Bring the database to this release's tables, as `serve` does on start."""
    from app.cli.running import run

    async def described(database: "Database") -> str:
        return database.describe()

    typer.echo(f"The database has this release's tables ({run(described)}).")


def verify() -> None:
    """Recount every consumption in the database; exits with 1 on a difference, and prints each."""
    from app.cli.running import REFUSED, run
    from app.licensing.integrity import check

    async def read(database: "Database") -> "Integrity":
        return await database.read(check, snapshot=True)

    found = run(read)
    for line in found.discrepancies:
        typer.echo(line)
    if not found.consistent:
        typer.echo(
            f"{len(found.discrepancies)} of {found.checked} license configurations are not consistent.", err=True
        )
        raise typer.Exit(REFUSED)
    typer.echo(f"{found.checked} license configurations are consistent.")
