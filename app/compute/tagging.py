"""Tags of resources, which their own account changes; the inventory is searched by them (IN-1)."""

from collections.abc import Mapping, Sequence

from sqlalchemy import delete, select, update

from app.compute.folding import folded
from app.compute.models import ResourceRow, ResourceTagRow
from app.compute.owned import own_by_key
from app.compute.rules import ResourceType
from app.compute.words import Word, note, note_tags
from app.kernel.database import Transaction
from app.kernel.tables import table_of
from app.kernel.viewer import Viewer

resources = table_of(ResourceRow)
tags = table_of(ResourceTagRow)
NAME = "Name"
"""EC2 shows an instance by this tag."""


def open_tags(tx: Transaction, viewer: Viewer, key: int) -> Mapping[str, str]:
    """The tags of a resource of the viewer's account, held for a change."""
    own_by_key(tx, viewer, key, None, "The resource")
    rows = tx.execute(select(tags.c.key, tags.c.value).where(tags.c.resource_id == key))
    return {row.key: row.value for row in rows}


def store_tags(tx: Transaction, key: int, changed: Mapping[str, str], removed: Sequence[str]) -> None:
    """Write some tags of a resource, and take some away."""
    affected = [*changed, *removed]
    if not affected:
        return
    tx.execute(delete(tags).where(tags.c.resource_id == key, tags.c.key.in_(affected)))
    for name, value in changed.items():
        tx.add(tags, {"resource_id": key, "key": name, "value": value})
    note_tags(tx, changed.items())
    if NAME in affected:
        instance = (resources.c.id == key, resources.c.type == ResourceType.INSTANCE)
        tx.execute(update(resources).where(*instance).values(folded({"name": changed.get(NAME)})))
        note(tx, Word.NAME, changed.get(NAME))
