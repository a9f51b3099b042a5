"""One synchronisation with resource data syncs from its beginning to its end, for whoever waits: the command line."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from app.inventory import syncs
from app.inventory.aws.buckets import BucketSource, known_accounts
from app.inventory.aws.layout import PassedOver, accounts_in
from app.inventory.collecting import collect
from app.inventory.sources import Run, Target
from app.kernel.changes import Changes
from app.kernel.database import Database
from app.kernel.errors import Refusal
from app.kernel.ids import check_account_id
from app.kernel.regions import region as region_of
from app.kernel.regions import regions as all_regions


@dataclass(slots=True)
class SyncedBuckets:
    """What it came to. `failures` are of targets or parts of them; `passed_over` counts files and folders by name."""

    targets: Sequence[Target]
    changes: Changes = field(default_factory=Changes)
    failures: dict[Target, list[Refusal]] = field(default_factory=dict)
    passed_over: dict[str, Counter[str]] = field(default_factory=dict)
    elsewhere: list[Target] = field(default_factory=list)


async def synchronise(
    database: Database,
    sources: Mapping[str, BucketSource],
    *,
    accounts: Collection[str] = (),
    regions: Collection[str] = (),
    told: Callable[[int, int], None] = lambda done, total: None,
) -> SyncedBuckets:
    """Read what the sources have of the accounts that the service knows, or of some, in some Regions or in all.

    Raises DomainError for an account or Region that is none, and what a store raises where it can't be listed.
    """
    codes = [region_of(each, "--region").code for each in regions] or [each.code for each in all_regions()]
    wanted = {check_account_id(each, "--account") for each in accounts}
    there: set[str] = set()
    for source in sources.values():
        by_type = await asyncio.to_thread(accounts_in, source.store, PassedOver())
        there.update(each for some in by_type.values() for each in some)
    known = await database.read(lambda connection: known_accounts(connection, sorted(there)))
    ids = sorted(known & wanted if wanted else known)
    synced = SyncedBuckets([Target(account_id, code) for account_id in ids for code in codes])
    by = secrets.token_hex(16)
    for start in range(0, len(synced.targets), syncs.MOST):
        some = synced.targets[start : start + syncs.MOST]
        begun = set(await database.write(partial(syncs.begin, targets=some, by=by)))
        synced.elsewhere += [each for each in some if each not in begun]
        if begun:
            _include(synced, await collect(database, sorted(begun), by, sources=sources, told=told), sources)
    return synced


def _include(synced: SyncedBuckets, run: Run, sources: Mapping[str, BucketSource]) -> None:
    synced.changes.include(run.changes)
    for refused in (run.failures, run.left_out):
        for target, refusals in refused.items():
            synced.failures.setdefault(target, []).extend(refusals)
    for source in sources.values():
        passed = source.passed_over
        for what, names in (("types", passed.types), ("accounts", passed.accounts), ("Regions", passed.regions)):
            synced.passed_over[what] = synced.passed_over.get(what, Counter()) | names
