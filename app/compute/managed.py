"""Managed instances as rows: what inventory reports of them is written here (IN-4)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, select, update

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


@dataclass(frozen=True, slots=True)
class ReportedApplication:
    """Software as an inventory reports it."""

    name: str
    version: str | None = None
    publisher: str | None = None


def held(tx: Transaction, account_id: str, region: str, resource_id: str) -> Resource | None:
    """A managed instance by its own name, gone or not; nothing else changes it until the unit of work ends."""
    tx.flush()
    statement = select_resources().where(
        resources.c.account_id == account_id,
        resources.c.region == region,
        resources.c.type == ResourceType.MANAGED_INSTANCE,
        resources.c.resource_id == resource_id,
    )
    return next(iter(found(tx.connection, statement.with_for_update()).values()), None)


def add(tx: Transaction, account_id: str, region: str, resource_id: str, facts: dict[str, object]) -> int:
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


def change(tx: Transaction, instance: Resource, facts: dict[str, object]) -> None:
    """Write what a report changes of a managed instance that is known; one that was gone is there again."""
    tx.execute(update(resources).where(resources.c.id == instance.key).values(**folded(facts), gone_at=None))
    note(tx, Word.NAME, facts.get("name"))
    tx.concern(instance.arn, instance.account_id)


def set_applications(tx: Transaction, key: int, reported: Sequence[ReportedApplication]) -> None:
    """Make these the applications of a managed instance, in this order; where they are already, nothing is written."""
    columns = (applications.c.name, applications.c.version, applications.c.publisher)
    present = tx.execute(select(*columns).where(applications.c.resource_id == key).order_by(applications.c.id))
    wanted = list(dict.fromkeys(reported))
    if [ReportedApplication(*row) for row in present] == wanted:
        return
    tx.execute(delete(applications).where(applications.c.resource_id == key))
    for each in wanted:
        row = {"name": each.name, "version": each.version, "publisher": each.publisher}
        tx.add(applications, {"id": new_key(), "resource_id": key, **row})
    note(tx, Word.APPLICATION, *(each.name for each in wanted))
    note(tx, Word.PUBLISHER, *(each.publisher for each in wanted))


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
