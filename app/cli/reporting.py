"""`tollgate report`: a server outside AWS tells the service what it is, and what is installed on it."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from app.reporting.sending import NotReported

TOKEN = "TOLLGATE_TOKEN"  # noqa: S105 - the name of a variable
LONGEST_TOKEN = 4096


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("report")(report)


def report(
    url: Annotated[
        str | None, typer.Option(envvar="TOLLGATE_URL", help="The service, such as https://tollgate.example.com.")
    ] = None,
    region: Annotated[
        str, typer.Option(envvar="TOLLGATE_REGION", help="The Region whose licenses the server is counted by.")
    ] = "us-east-1",
    token_file: Annotated[
        Path | None,
        typer.Option(envvar="TOLLGATE_TOKEN_FILE", help=f"A file with the token; else it is {TOKEN}."),
    ] = None,
    id_: Annotated[
        str | None,
        typer.Option("--id", envvar="TOLLGATE_ID", help="The server's name for itself; else made of its machine id."),
    ] = None,
    ca_file: Annotated[
        Path | None,
        typer.Option(
            envvar="TOLLGATE_CA_FILE", exists=True, dir_okay=False, help="Certificates that the service's is signed by."
        ),
    ] = None,
    attempts: Annotated[int, typer.Option(min=1, max=20, help="Attempts where the service can't be reached.")] = 5,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be reported, and send nothing.")] = False,
) -> None:
    """Report this server's processors, distribution and packages, with a user's token.

    Exits with 1 where the service refused, 2 where an option can't be used, 3 where it can't be reached, 4 where it
    does not know the token.
    """
    from app.cli.running import REFUSED, UNUSABLE, fail
    from app.reporting.gather import gather
    from app.reporting.sending import NotReported, Service

    address = "" if dry_run else _address(url)
    token = "" if dry_run else _token(token_file)
    gathered = gather(id_)
    for note in gathered.notes:
        typer.echo(note, err=True)
    if gathered.input["resourceId"] is None:
        fail(UNUSABLE, "This machine has no machine id.", "  Name the server by --id or TOLLGATE_ID.")
    given = {"region": region, **gathered.input}
    if dry_run:
        _print(given)
        return
    try:
        service = Service(address, token, attempts, str(ca_file) if ca_file else None)
        taken = service.report(given)
    except NotReported as error:
        fail(_code(error), *error.lines)
    if not taken:
        fail(REFUSED, "The server was deregistered after this report was captured: it is not in the inventory.")
    packages = len(given.get("applications", ()))
    typer.echo(f"Reported {taken['resourceId']} with {packages:,} packages.")


def _print(given: object) -> None:
    import json

    typer.echo(json.dumps(given, indent=2, ensure_ascii=False))


def _address(url: str | None) -> str:
    from app.cli.running import UNUSABLE, fail
    from app.reporting.sending import check_url, is_open

    if not url:
        fail(UNUSABLE, "Where to?", "  Give the service's address by --url or TOLLGATE_URL.")
    try:
        check_url(url)
    except ValueError as error:
        fail(UNUSABLE, f"--url: {error}")
    if is_open(url):
        typer.echo("The token can be read on the way to an http:// address; use https://.", err=True)
    return url


def _token(file: Path | None) -> str:
    """The token; never an option, which everyone on the machine could read."""
    from app.cli.running import UNUSABLE, fail

    given = os.environ.get(TOKEN, "")
    if file is not None:
        try:
            with file.open("rb") as opened:
                given = opened.read(LONGEST_TOKEN).decode("ascii", "replace")
            if file.stat().st_mode & 0o077:
                typer.echo(f"{file} can be read by others: chmod 600 {file}", err=True)
        except OSError as error:
            fail(UNUSABLE, f"{file} can't be read: {error.strerror}")
    token = given.strip()
    if not token:
        fail(UNUSABLE, "There is no token.", f"  Put it into {TOKEN}, or into a file that --token-file names.")
    if not (token.isascii() and token.isprintable()) or " " in token:
        fail(UNUSABLE, "That is no token: it has characters that none has.")
    return token


def _code(error: "NotReported") -> int:
    from app.cli.running import REFUSED, UNAVAILABLE, UNUSABLE
    from app.reporting.sending import Unauthenticated, Unreached, Unusable

    codes = {Unreached: UNAVAILABLE, Unauthenticated: UNAVAILABLE + 1, Unusable: UNUSABLE}
    return codes.get(type(error), REFUSED)
