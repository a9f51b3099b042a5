"""`tollgate seed`, `import` and `demo`: bring data in, each in one transaction."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from app.kernel.changes import Changes
    from app.kernel.database import Database

SECTIONS = 9
NOTHING = "Nothing changed: it is all there already."


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("seed")(seed)
    app.command("import")(import_)
    app.command("demo")(demo)


def seed(file: Annotated[Path, typer.Argument(help="YAML or JSON; docs/seeding.md says what it may hold.")]) -> None:
    """Apply a file that says what there is to be: all of it or nothing. What is there already stays as it is."""
    from app.cli.printing import progress, summary
    from app.cli.running import explained, run
    from app.seeding.apply import apply, read

    with explained():
        content = read(file)

    async def write(database: "Database") -> "Changes":
        with progress("Seeding", SECTIONS) as advance:
            return await database.write(lambda tx: apply(tx, content, advance))

    summary(run(write), NOTHING)


def import_(
    path: Annotated[Path, typer.Argument(help="A folder with ACCOUNT/REGION folders, or one file.")],
    account: Annotated[str | None, typer.Option(help="The account, where no folder is named for it.")] = None,
    region: Annotated[str | None, typer.Option(help="The Region, where no folder is named for it.")] = None,
) -> None:
    """Read what the AWS CLI prints: what is new is added and counted, what is gone released; all of it or nothing."""
    from app.cli.printing import progress, summary
    from app.cli.running import explained, run
    from app.seeding.files import count, gather
    from app.seeding.importing import import_gathered

    with explained(), progress("Reading", count(path)) as advance:
        gathered = gather(path, account, region, advance)
    for each in gathered.passed_over:
        typer.echo(f"{each}: passed over; it is named for no call that is known here", err=True)

    async def write(database: "Database") -> "Changes":
        with progress("Importing", len(gathered.observations)) as advance:
            return await database.write(lambda tx: import_gathered(tx, gathered, advance))

    summary(run(write), NOTHING)


def demo() -> None:
    """Fill an empty database with the demo organization."""
    from app.cli.printing import progress, summary
    from app.cli.running import run
    from app.seeding.demo import MASTER, ensure_demo

    async def write(database: "Database") -> "Changes | None":
        with progress("Seeding", SECTIONS) as advance:
            return await ensure_demo(database, advance)

    summary(run(write), "The demo organization is there already.")
    typer.echo(f"Its master account is {MASTER}. Make a token of it: tollgate token create --account {MASTER}")
