"""One synchronisation with AWS from its beginning to its end, for whoever waits for it: the command line."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from app.inventory.aws.clients import Caller
from app.inventory.aws.collector import AwsCollector
from app.inventory.aws.refusals import CallRefused
from app.inventory.collecting import Synchronised, Told, collect_all, rehearse
from app.inventory.sources import AWS, Run, Target
from app.kernel.changes import Changes
from app.kernel.database import Database
from app.kernel.errors import DomainError, Refusal, not_found
from app.kernel.ids import check_account_id
from app.kernel.regions import partition
from app.kernel.regions import region as region_of
from app.organizations.service import account_exists, members, membership


@dataclass(kw_only=True)
class Synced(Synchronised):
    """What a synchronisation came to, and what stood in the way of reading the organization."""

    caller: Caller
    organization: Sequence[Refusal] = ()


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
    synced = Synced(caller=caller, targets=targets, changes=changes, organization=refused)
    source = _Alone(collector, caller)
    if dry_run:
        await rehearse(database, synced, {AWS: source}, told)
        return synced
    await collect_all(database, synced, {AWS: source}, lambda before: _ahead(told, before, len(targets)))
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


def _ahead(told: Told, before: int, total: int) -> Told:
    """Of several runs one after the other, how far all of them are."""
    return lambda done, _: told(before + done, total)
