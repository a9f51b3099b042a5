"""`tollgate sync aws`: brings the inventory up to date with what AWS tells, now."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.inventory.automated.outcome import Outcome
    from app.inventory.aws.collector import AwsCollector
    from app.inventory.aws.syncing import Synced
    from app.kernel.database import Database, Transaction
    from app.kernel.errors import Refusal

app = typer.Typer(help="Bring the inventory up to date.", no_args_is_help=True, rich_markup_mode=None)
NOTHING = "Nothing changed: what AWS told is known."
MOST_SHOWN = 20
Accounts = Annotated[
    list[str] | None, typer.Option("--account", help="Of this account alone; can be given again.", metavar="ACCOUNT")
]
Regions = Annotated[
    list[str] | None, typer.Option("--region", help="In this Region alone; can be given again.", metavar="REGION")
]

DryRun = Annotated[bool, typer.Option("--dry-run", help="Tell what would change, and keep nothing.")]


@app.command()
def aws(
    account: Accounts = None,
    region: Regions = None,
    dry_run: DryRun = False,
) -> None:
    """Ask AWS for the organization and what its accounts hold, with the credentials that boto3 finds.

    Exits with 1 where something was left out; the rest is in.
    """
    from app.cli.running import REFUSED, explained, run, settings
    from app.inventory.aws.collector import AwsCollector

    with explained():
        collector = AwsCollector(settings(), dry_run=dry_run)

    async def work(database: "Database") -> "Synced":
        return await _synchronised(database, collector, account or (), region or (), dry_run)

    try:
        synced = run(work)
    finally:
        collector.close()
    _tell(synced, dry_run)
    if synced.failures or synced.organization or any(each.broken for each in synced.rules):
        raise typer.Exit(REFUSED)


async def _synchronised(
    database: "Database", collector: "AwsCollector", accounts: "Sequence[str]", regions: "Sequence[str]", dry_run: bool
) -> "Synced":
    from app.cli.printing import steps
    from app.inventory.aws.refusals import CallRefused
    from app.inventory.aws.syncing import synchronise
    from app.kernel.errors import DomainError

    try:
        with steps("Asking AWS") as told:
            synced = await synchronise(
                database, collector, accounts=accounts, regions=regions, dry_run=dry_run, told=told
            )
    except CallRefused as error:
        raise DomainError(error.refusal) from None
    if not dry_run:
        await database.write(lambda tx: _record(tx, synced))
    return synced


def _record(tx: "Transaction", synced: "Synced") -> None:
    """The operator's act; what it changed was recorded account by account."""
    from app.organizations.service import account_exists
    from app.seeding.operator import record

    if account_exists(tx.connection, synced.caller.account_id):
        regions = sorted({each.region for each in synced.targets})
        record(tx, synced.caller.account_id, "startInventorySync", {"regions": regions})


def _tell(synced: "Synced", dry_run: bool) -> None:
    from app.cli.printing import summary, table

    left = {*synced.failures, *synced.elsewhere}
    whole = [each for each in synced.targets if each not in left]
    left -= set(synced.in_part)
    table(
        ("", "ACCOUNTS", "REGIONS"),
        (
            (name, f"{len({each.account_id for each in some}):,}", f"{len({each.region for each in some}):,}")
            for name, some in (
                ("asked", synced.targets),
                ("synchronised", whole),
                ("in part", synced.in_part),
                ("left out", left),
            )
        ),
    )
    summary(synced.changes, NOTHING)
    tell_dry_run(dry_run)
    tell_rules(synced.rules)
    for each in synced.elsewhere[:1]:
        typer.echo(
            f"{len(synced.elsewhere):,} of account {each.account_id} and others are synchronised by another run now.",
            err=True,
        )
    _failures(synced)


def _failures(synced: "Synced") -> None:
    """Each reason once, with the Regions that it holds for."""
    reasons: dict[tuple[str, str | None], set[str]] = {}
    for refusal in synced.organization:
        reasons.setdefault(_words(refusal), set())
    for target, refusals in synced.failures.items():
        for refusal in refusals:
            reasons.setdefault(_words(refusal), set()).add(target.region)
    tell_reasons(
        [
            (f"{message} [{', '.join(sorted(regions))}]" if len(regions) > 1 else message, remedy)
            for (message, remedy), regions in reasons.items()
        ]
    )


def tell_dry_run(dry_run: bool) -> None:
    """Say of a dry run that it was one."""
    if dry_run:
        typer.echo("Nothing of it was kept.")


def tell_rules(rules: "Sequence[Outcome]") -> None:
    """What the rules of discovery came to that were evaluated, and on stderr what stood in their way."""
    from app.cli.printing import table

    if rules:
        typer.echo()
        table(
            ("RULE OF DISCOVERY", "ACCOUNT", "REGION", "FOUND", "ASSOCIATED", "ALREADY", "LEFT OUT"),
            ((each.name, each.account_id, each.region, *_figures(each)) for each in rules),
        )
    reasons = (
        (f"Rule “{each.name}” of account {each.account_id}: {refusal.message}", refusal.remedy)
        for each in rules
        for refusal in each.skipped
    )
    tell_reasons(list(dict.fromkeys(reasons)), "lastRun of discoveryRules has them by rule")


def _figures(rule: "Outcome") -> tuple[str, ...]:
    if rule.broken:
        return ("not evaluated", "", "", "")
    return tuple(f"{each:,}" for each in (rule.matched, rule.associated, rule.already_associated, rule.left_out))


def tell_reasons(
    reasons: "Sequence[tuple[str, str | None]]", all_of_them: str = "the query inventorySyncs has them by account"
) -> None:
    """Why something was left out, each with its remedy: the first of them, and where the others are."""
    for message, remedy in reasons[:MOST_SHOWN]:
        typer.echo(message, err=True)
        if remedy:
            typer.echo(f"  {remedy}", err=True)
    if len(reasons) > MOST_SHOWN:
        typer.echo(f"… and {len(reasons) - MOST_SHOWN:,} more; {all_of_them}.", err=True)


def _words(refusal: "Refusal") -> tuple[str, str | None]:
    return refusal.message, refusal.remedy
