"""One synchronisation with AWS from its beginning to its end, for whoever waits for it: the command line."""

import secrets
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import Connection

from app.inventory import syncs
from app.inventory.aws.clients import Caller
from app.inventory.aws.collector import NAME, AwsCollector
from app.inventory.aws.refusals import CallRefused
from app.inventory.collecting import collect
from app.inventory.sources import Run, Target
from app.kernel.changes import Changes
from app.kernel.database import Database
from app.kernel.errors import DomainError, Refusal, not_found
from app.kernel.ids import check_account_id
from app.kernel.regions import partition
from app.kernel.regions import region as region_of
from app.organizations.service import account_exists, members, membership

Told = Callable[[int, int], None]


@dataclass(slots=True)
class Synced:
    """What a synchronisation came to: its targets, what changed, what was left out, and what another run does now."""

    caller: Caller
    targets: Sequence[Target]
    changes: Changes = field(default_factory=Changes)
    failures: dict[Target, list[Refusal]] = field(default_factory=dict)
    organization: Sequence[Refusal] = ()
    elsewhere: list[Target] = field(default_factory=list)


@dataclass(slots=True)
class _Alone:
    """The collector as the only source, whose organization was read before."""

    collector: AwsCollector
    caller: Caller

    async def collect(self, run: Run) -> None:
        await self.collector.inventories(run, self.caller)


async def synchronise(
    database: Database,
    collector: AwsCollector,
    *,
    accounts: Collection[str] = (),
    regions: Collection[str] = (),
    dry_run: bool = False,
    told: Told = lambda done, total: None,
) -> Synced:
    """Read the organization, then what its accounts hold; `accounts` and `regions` are all that there are unless given.

    With `accounts` the organization is not read. `told` hears of account Regions done, and how many there are. Raises
    CallRefused where AWS does not know the caller, and DomainError for an account or Region that is none.
    """
    codes = [region_of(each, "--region").code for each in regions] or list(collector.regions)
    caller = await collector.caller()
    changes, refused = Changes(), list[Refusal]()
    if not accounts:
        changes, refused = await _organization(database, collector, caller)
    ids = await database.read(lambda connection: _accounts(connection, caller, accounts))
    codes = [each for each in codes if partition(each) == caller.partition]
    targets = [Target(account_id, code) for account_id in ids for code in codes]
    synced = Synced(caller, targets, changes, organization=refused)
    source = _Alone(collector, caller)
    if dry_run:
        run = Run(database, targets, _quietly(told))
        await source.collect(run)
        _include(synced, run)
        return synced
    by = secrets.token_hex(16)
    for start in range(0, len(targets), syncs.MOST):
        some = targets[start : start + syncs.MOST]
        begun = set(await database.write(partial(syncs.begin, targets=some, by=by)))
        synced.elsewhere += [each for each in some if each not in begun]
        if begun:
            ahead = _ahead(told, start, len(targets))
            _include(synced, await collect(database, sorted(begun), by, sources={NAME: source}, told=ahead))
    return synced


async def _organization(database: Database, collector: AwsCollector, caller: Caller) -> tuple[Changes, list[Refusal]]:
    try:
        return await collector.organization(database, caller), []
    except CallRefused as error:
        return Changes(), [error.refusal]
    except DomainError as error:
        return Changes(), list(error.refusals)


def _accounts(connection: Connection, caller: Caller, wanted: Collection[str]) -> list[str]:
    """The accounts that are asked: those that are wanted, or all of the organization whose master the caller is."""
    for each in wanted:
        check_account_id(each, "--account")
    for each in (*wanted, *(() if wanted else (caller.account_id,))):
        if not account_exists(connection, each):
            raise not_found(f"Account {each}", "--account")
    if wanted:
        return list(dict.fromkeys(wanted))
    place = membership(connection, caller.account_id)
    if place is None or not place.is_master:
        return [caller.account_id]
    return [each.account_id for each in members(connection, place.organization_key)]


def _include(synced: Synced, run: Run) -> None:
    synced.changes.include(run.changes)
    synced.failures.update(run.failures)


def _ahead(told: Told, before: int, total: int) -> Told:
    """Of several runs one after the other, how far all of them are."""
    return lambda done, _: told(before + done, total)


def _quietly(told: Told) -> Callable[[int, int], Awaitable[None]]:
    async def progress(done: int, total: int) -> None:
        told(done, total)

    return progress
