"""Managed instances as rows: what inventory reports of them is written here (IN-4)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, select, update

from app.compute.folding import folded
from app.compute.models import ApplicationRow, ResourceRow
from app.compute.owned import EMPTY
from app.compute.resources import Resource, found, in_parts, select_resources
from app.compute.rules import ResourceType
from app.compute.words import Word, note
from app.kernel.database import Transaction
from app.kernel.ids import arn, new_key
from app.kernel.tables import table_of

resources = table_of(ResourceRow)
applications = table_of(ApplicationRow)
_AT_ONCE = 5_000  # databases bound the parameters of a statement


@dataclass(frozen=True, slots=True)
class ReportedApplication:
    """Software as an inventory reports it."""

    name: str
    version: str | None = None
    publisher: str | None = None


def held(tx: Transaction, account_id: str, region: str, resource_ids: Collection[str]) -> dict[str, Resource]:
    """Managed instances by their own names, gone or not; nothing else changes them until the unit of work ends."""
    tx.flush()
    present: dict[str, Resource] = {}
    names = sorted(set(resource_ids))
    for start in range(0, len(names), _AT_ONCE):
        statement = select_resources().where(
            resources.c.account_id == account_id,
            resources.c.region == region,
            resources.c.type == ResourceType.MANAGED_INSTANCE,
            resources.c.resource_id.in_(names[start : start + _AT_ONCE]),
        )
        statement = statement.order_by(resources.c.id).with_for_update()
        present.update((each.resource_id, each) for each in found(tx.connection, statement).values())
    return present


def same_machines(connection: Connection, instance_keys: Iterable[int]) -> dict[int, int]:
    """Of instances that an agent reports too, the keys of the managed instances: same id, account and Region."""
    instance, twin = resources.alias(), resources.alias()
    same = and_(
        twin.c.account_id == instance.c.account_id,
        twin.c.region == instance.c.region,
        twin.c.resource_id == instance.c.resource_id,
        twin.c.type == ResourceType.MANAGED_INSTANCE.value,
        twin.c.gone_at.is_(None),
    )
    present: dict[int, int] = {}
    for some in in_parts(instance_keys):
        statement = select(instance.c.id, twin.c.id).join(twin, same).where(instance.c.id.in_(some))
        present.update((key, managed) for key, managed in connection.execute(statement))
    return present


def add(tx: Transaction, account_id: str, region: str, resource_id: str, facts: Mapping[str, object]) -> int:
    """Write a managed instance that was not known; its key."""
    key = new_key()
    named = arn("ssm", region, account_id, f"managed-instance/{resource_id}")
    row = {
        **EMPTY,
        "id": key,
        "type": ResourceType.MANAGED_INSTANCE.value,
        "arn": named,
        "resource_id": resource_id,
        "account_id": account_id,
        "region": region,
        "created_at": tx.now,
        **facts,
    }
    tx.add(resources, row)
    note(tx, Word.NAME, row["name"])
    tx.concern(named, account_id)
    return key


def change(tx: Transaction, changes: Sequence[tuple[Resource, Mapping[str, object]]]) -> None:
    """Write what reports change of managed instances that are known; those that were gone are there again."""
    by_columns: dict[tuple[str, ...], list[dict[str, object]]] = {}
    for instance, facts in changes:
        values = {f"new_{name}": value for name, value in folded(facts).items()}
        by_columns.setdefault(tuple(values), []).append({"key": instance.key, **values})
        note(tx, Word.NAME, facts.get("name"))
        tx.concern(instance.arn, instance.account_id)
    for columns, rows in by_columns.items():
        names = [each.removeprefix("new_") for each in columns]
        values = {name: bindparam(f"new_{name}", type_=resources.c[name].type) for name in names}
        tx.execute(update(resources).where(resources.c.id == bindparam("key")).values(**values, gone_at=None), rows)


def set_applications(tx: Transaction, reported: Mapping[int, Sequence[ReportedApplication]]) -> set[int]:
    """Make these the applications of managed instances by key, in this order; the keys of those that had others.

    Where they are already, nothing is written.
    """
    wanted = {key: list(dict.fromkeys(each)) for key, each in reported.items()}
    present = _applications_of(tx, wanted)
    changed = {key for key, each in wanted.items() if each != present.get(key, [])}
    for some in in_parts(key for key in changed if key in present):
        tx.execute(delete(applications).where(applications.c.resource_id.in_(some)))
    for key in sorted(changed):
        for each in wanted[key]:
            row = {"name": each.name, "version": each.version, "publisher": each.publisher}
            tx.add(applications, {"id": new_key(), "resource_id": key, **row})
        note(tx, Word.APPLICATION, *(each.name for each in wanted[key]))
        note(tx, Word.PUBLISHER, *(each.publisher for each in wanted[key]))
    return changed


def _applications_of(tx: Transaction, keys: Iterable[int]) -> dict[int, list[ReportedApplication]]:
    columns = (applications.c.resource_id, applications.c.name, applications.c.version, applications.c.publisher)
    present: dict[int, list[ReportedApplication]] = {}
    for some in in_parts(keys):
        statement = select(*columns).where(applications.c.resource_id.in_(some)).order_by(applications.c.id)
        for row in tx.execute(statement):
            application = ReportedApplication(row.name, row.version, row.publisher)
            present.setdefault(row.resource_id, []).append(application)
    return present


def outdated(tx: Transaction, captured_until: datetime, at_most: int) -> list[Resource]:
    """Active managed instances whose data was captured by an instant, held for a change."""
    return _held(tx, at_most, resources.c.active, resources.c.captured_at <= captured_until)


def renewed(tx: Transaction, captured_after: datetime, at_most: int) -> list[Resource]:
    """Inactive managed instances whose data was captured after an instant, held for a change."""
    return _held(tx, at_most, ~resources.c.active, resources.c.captured_at > captured_after)


def _held(tx: Transaction, at_most: int, *conditions: ColumnElement[bool]) -> list[Resource]:
    tx.flush()
    kind = resources.c.type == ResourceType.MANAGED_INSTANCE
    statement = select_resources().where(kind, resources.c.gone_at.is_(None), *conditions)
    statement = statement.order_by(resources.c.id).limit(at_most).with_for_update()
    return list(found(tx.connection, statement).values())


def set_active(tx: Transaction, keys: Iterable[int], *, active: bool) -> None:
    """Note whether managed instances are active."""
    for some in in_parts(keys):
        tx.execute(update(resources).where(resources.c.id.in_(some)).values(active=active))
