"""`tollgate audit`: verifies a trail offline, and prints the public keys that this takes."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from app.audit.trail.verify import Report

app = typer.Typer(help="Verify audit trails.", no_args_is_help=True, rich_markup_mode=None)
NOT_WHOLE = 1
UNUSABLE = 2
NO_KEY = "No key has been made yet: a server makes it when it first starts with TOLLGATE_TRAIL_DESTINATION."


@app.command()
def verify(
    source: Annotated[str, typer.Argument(help="A folder, or s3://BUCKET/PREFIX.", metavar="TRAIL")],
    public_key: Annotated[
        Path | None,
        typer.Option(help="PEM file with the trail's public keys. None: those in this server's data directory."),
    ] = None,
    covers: Annotated[
        str | None,
        typer.Option(
            help="An instant in ISO 8601 that the trail must reach, to tell one that was put back to an older state.",
            metavar="INSTANT",
        ),
    ] = None,
) -> None:
    """Find whatever was edited, removed, swapped or added. Exits 1 where anything was, 2 where that can't be told."""
    from app.audit.trail.signing import PublicKeys
    from app.audit.trail.verify import verify as verified
    from app.kernel.stores import open_store
    from app.settings import load

    with _explained():
        settings = load()
        keys = PublicKeys.parse(public_key.read_bytes() if public_key else _own_keys())
        if "://" not in source and not Path(source).is_dir():
            raise ValueError(f"There is no folder {source}.")
        store = open_store(source, endpoint_url=settings.aws_endpoint_url)
        report = verified(store, keys, covers=_instant(covers) if covers else None)
    _print(report)
    raise typer.Exit(0 if report.whole else NOT_WHOLE)


@app.command("public-key")
def public_key() -> None:
    """Print the public keys of this server's trail as PEM. Keep them where those who could edit the trail can't."""
    with _explained():
        typer.echo(_own_keys().decode(), nl=False)


def _own_keys() -> bytes:
    from app.audit.trail.signing import PUBLIC_KEYS_FILE
    from app.settings import load

    path = load().data_directory / PUBLIC_KEYS_FILE
    if not path.exists():
        raise ValueError(NO_KEY)
    return path.read_bytes()


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"“{text}” is not an instant in ISO 8601, such as 2026-01-31T13:00:00Z.") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _print(report: "Report") -> None:
    for finding in report.findings:
        typer.echo(f"{finding.kind}: {finding.key}: {finding.message}")
    for key in report.under_way:
        typer.echo(f"under way, not checked: {key}")
    counts = f"{report.log_files:,} log files with {report.records:,} records and {report.digests:,} digests"
    typer.echo(f"Checked {counts}, up to {report.sealed_until or 'no time'} (head {report.sequence or 'missing'}).")
    found = f"The trail is not whole; findings: {len(report.findings):,}."
    typer.echo("The trail is whole." if report.whole else found)


@contextmanager
def _explained() -> Iterator[None]:
    """Say what can't be used, and exit with 2."""
    from botocore.exceptions import BotoCoreError, ClientError

    from app.settings import SettingsError

    try:
        yield
    except (SettingsError, ValueError, OSError, BotoCoreError, ClientError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(UNUSABLE) from None
