"""Synchronisations of the inventory: begun, going on, finished; one at a time for each account and Region (IN-3)."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, or_, select, update

from app.inventory.models import InventorySyncRow
from app.inventory.sources import MOST_FAILURES, Target
from app.kernel.database import Transaction
from app.kernel.errors import ErrorCode, Refusal
from app.kernel.ids import new_key
from app.kernel.regions import region as region_of
from app.kernel.regions import regions
from app.kernel.tables import table_of
from app.kernel.viewer import Viewer
from app.linking.settings import note_synced, take_due
from app.roles.rules import ServiceLinkedRoleKind
from app.roles.service import present_in, require_core

syncs = table_of(InventorySyncRow)
LEASE = timedelta(minutes=5)
MOST = 500
"""So many accounts and Regions are synchronised together."""

_AT_ONCE = 200


def requested(tx: Transaction, viewer: Viewer, region: str | None, by: str) -> list[Target]:
    """Begin a synchronisation of the viewer's account, in a Region or in all. What runs already goes on alone."""
    require_core(tx.connection, viewer.account_id)
    codes = [region_of(region, "region").code] if region is not None else [each.code for each in regions()]
    return begin(tx, [Target(viewer.account_id, code) for code in codes], by)


def scheduled(tx: Transaction, by: str) -> list[Target]:
    """Begin those that are due; accounts that have not granted License Manager its core role wait until they have."""
    begun: list[Target] = []
    while not begun and (due := [Target(each.account_id, each.region) for each in take_due(tx, MOST)]):
        accounts = sorted({each.account_id for each in due})
        granted = present_in(tx.connection, accounts, ServiceLinkedRoleKind.CORE)
        begun = begin(tx, [each for each in due if each.account_id in granted], by)
    return begun


def abandoned(tx: Transaction, by: str) -> list[Target]:
    """Take up what a server had begun that has ended since."""
    left = select(syncs.c.account_id, syncs.c.region).where(
        syncs.c.finished_at.is_(None), syncs.c.leased_until <= tx.now
    )
    found = tx.execute(left.order_by(syncs.c.account_id, syncs.c.region).limit(MOST))
    return begin(tx, [Target(row.account_id, row.region) for row in found], by)


def begin(tx: Transaction, targets: Sequence[Target], by: str) -> list[Target]:
    """Begin a synchronisation of some targets; those are left out that one runs for."""
    begun = []
    for some in _parts(targets):
        known = {Target(row.account_id, row.region) for row in tx.execute(select(syncs).where(_of(some)))}
        for target in (each for each in some if each not in known):
            own = {"id": new_key(), "account_id": target.account_id, "region": target.region}
            tx.add(syncs, {**own, **_begun(tx, by)})
            begun.append(target)
        free = or_(syncs.c.finished_at.is_not(None), syncs.c.leased_until <= tx.now)
        again = update(syncs).where(_of(sorted(known)), free) if known else None
        if again is not None:
            taken = again.values(**_begun(tx, by)).returning(syncs.c.account_id, syncs.c.region)
            begun += [Target(row.account_id, row.region) for row in tx.execute(taken)]
    return sorted(begun)


def _begun(tx: Transaction, by: str) -> dict[str, Any]:
    state: dict[str, Any] = {"started_at": tx.now, "finished_at": None, "done": 0, "total": 0, "failures": []}
    return {**state, "leased_by": by, "leased_until": tx.now + LEASE}


def go_on(tx: Transaction, targets: Collection[Target], by: str, done: int, total: int) -> None:
    """Note how far a run is, and keep it from being taken for ended."""
    for some in _parts(targets):
        own = update(syncs).where(_of(some), syncs.c.leased_by == by)
        tx.execute(own.values(done=done, total=total, leased_until=tx.now + LEASE))


def finish(
    tx: Transaction,
    targets: Collection[Target],
    by: str,
    failures: Mapping[Target, Sequence[Refusal]],
    left_out: Mapping[Target, Sequence[Refusal]] = {},
) -> None:
    """Note that a run has ended; the settings show it of what was synchronised, if not in every part (TR-5)."""
    note_synced(tx, [(each.account_id, each.region) for each in targets if each not in failures])
    told = {each: [*failures.get(each, ()), *left_out.get(each, ())] for each in (*failures, *left_out)}
    for some in _parts(each for each in targets if each not in told):
        tx.execute(update(syncs).where(_of(some), syncs.c.leased_by == by).values(finished_at=tx.now, failures=[]))
    for target, refusals in told.items():
        kept = [asdict(each) for each in refusals[:MOST_FAILURES]]
        own = update(syncs).where(_of([target]), syncs.c.leased_by == by)
        tx.execute(own.values(finished_at=tx.now, failures=kept))


def told(failures: Sequence[Mapping[str, Any]]) -> list[Refusal]:
    """What a synchronisation left out, as it is kept."""
    return [
        Refusal(
            **{
                **each,
                "code": ErrorCode(each["code"]),
                "field": tuple(each["field"]) if each["field"] else None,
                "node_ids": tuple(each["node_ids"]),
            }
        )
        for each in failures
    ]


def _of(targets: Sequence[Target]) -> Any:
    by_region: dict[str, list[str]] = {}
    for target in targets:
        by_region.setdefault(target.region, []).append(target.account_id)
    return or_(*(and_(syncs.c.region == code, syncs.c.account_id.in_(ids)) for code, ids in by_region.items()))


def _parts(targets: Iterable[Target]) -> Iterator[list[Target]]:
    listed = sorted(targets)
    for start in range(0, len(listed), _AT_ONCE):
        yield listed[start : start + _AT_ONCE]
