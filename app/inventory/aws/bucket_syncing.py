"""One synchronisation with resource data syncs from its beginning to its end, for whoever waits: the command line."""

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from app.inventory.aws.buckets import BucketSource, known_accounts
from app.inventory.aws.layout import PassedOver, accounts_in
from app.inventory.collecting import Synchronised, Told, collect_all, rehearse
from app.inventory.sources import Target
from app.kernel.database import Database
from app.kernel.ids import check_account_id
from app.kernel.regions import region as region_of
from app.kernel.regions import regions as all_regions


@dataclass(kw_only=True)
class SyncedBuckets(Synchronised):
    """What it came to. `passed_over` counts files and folders by name."""

    passed_over: dict[str, Counter[str]] = field(default_factory=dict)


async def synchronise(
    database: Database,
    sources: Mapping[str, BucketSource],
    *,
    accounts: Collection[str] = (),
    regions: Collection[str] = (),
    dry_run: bool = False,
    told: Told = lambda done, total: None,
) -> SyncedBuckets:
    """Read what the sources have of the accounts that the service knows, or of some, in some Regions or in all.

    `dry_run`: the sources keep nothing, and no synchronisation begins. Raises DomainError for an account or Region that
    is none, and what a store raises where it can't be listed.
    """
    codes = [region_of(each, "--region").code for each in regions] or [each.code for each in all_regions()]
    wanted = {check_account_id(each, "--account") for each in accounts}
    there: set[str] = set()
    for source in sources.values():
        by_type = await asyncio.to_thread(accounts_in, source.store, PassedOver())
        there.update(each for some in by_type.values() for each in some)
    known = await database.read(lambda connection: known_accounts(connection, sorted(there)))
    ids = sorted(known & wanted if wanted else known)
    synced = SyncedBuckets(targets=[Target(account_id, code) for account_id in ids for code in codes])
    if dry_run:
        await rehearse(database, synced, sources, told)
        _note(synced, sources)
    else:
        await collect_all(database, synced, sources, lambda _: told, lambda: _note(synced, sources))
    return synced


def _note(synced: SyncedBuckets, sources: Mapping[str, BucketSource]) -> None:
    """What the run that ended passed over."""
    for source in sources.values():
        passed = source.passed_over
        for what, names in (("types", passed.types), ("accounts", passed.accounts), ("Regions", passed.regions)):
            synced.passed_over[what] = synced.passed_over.get(what, Counter()) | names
