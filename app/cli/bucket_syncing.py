"""`tollgate sync buckets`: brings the inventory up to date with SSM resource data syncs, now."""

from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.syncing import MOST_SHOWN, Accounts, DryRun, Regions, tell_dry_run, tell_reasons, tell_rules

if TYPE_CHECKING:
    from app.inventory.aws.bucket_syncing import SyncedBuckets
    from app.inventory.aws.buckets import BucketSource
    from app.kernel.database import Database

NOTHING = "Nothing changed: what the files tell is known."


def register(app: typer.Typer) -> None:
    """Add the command to its group."""
    app.command("buckets")(buckets)


def buckets(
    source: Annotated[
        list[str] | None,
        typer.Argument(help="Folders or s3://BUCKET/PREFIX, instead of TOLLGATE_INVENTORY_SOURCES.", metavar="SOURCE"),
    ] = None,
    account: Accounts = None,
    region: Regions = None,
    dry_run: DryRun = False,
) -> None:
    """Read what changed in folders or buckets that SSM resource data syncs write.

    Exits with 1 where something was left out; the rest is in.
    """
    from app.cli.printing import steps
    from app.cli.running import REFUSED, UNUSABLE, explained, fail, run, settings
    from app.inventory.aws.bucket_syncing import synchronise
    from app.inventory.aws.buckets import sources_of, told, unreadable

    with explained():
        sources = sources_of(settings(), source or (), dry_run=dry_run)
    if not sources:
        fail(UNUSABLE, "There is nothing to read.", "  Name a folder or bucket, or set TOLLGATE_INVENTORY_SOURCES.")

    async def work(database: "Database") -> "SyncedBuckets":
        with steps("Reading files") as ahead:
            return await synchronise(
                database, sources, accounts=account or (), regions=region or (), dry_run=dry_run, told=ahead
            )

    try:
        synced = run(work)
    except unreadable() as error:
        fail(REFUSED, f"{_named(sources)} can't be listed: {told(error)}.")
    _tell(synced, dry_run)
    if synced.failures or any(each.broken for each in synced.rules):
        raise typer.Exit(REFUSED)


def _named(sources: "dict[str, BucketSource]") -> str:
    return ", ".join(each.destination for each in sources.values())


def _tell(synced: "SyncedBuckets", dry_run: bool) -> None:
    from app.cli.printing import summary

    summary(synced.changes, NOTHING)
    tell_dry_run(dry_run)
    tell_rules(synced.rules)
    for what, names in synced.passed_over.items():
        if names:
            some = ", ".join(sorted(names)[:MOST_SHOWN])
            known = "types that are not read" if what == "types" else f"{what} that are not known"
            typer.echo(f"Passed over {len(names):,} {known}: {some}", err=True)
    reasons = ((each.message, each.remedy) for refusals in synced.failures.values() for each in refusals)
    tell_reasons(list(dict.fromkeys(reasons)))
    if synced.elsewhere:
        typer.echo(f"{len(synced.elsewhere):,} account Regions are synchronised by another run now.", err=True)
