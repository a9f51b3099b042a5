"""The words that the inventory is searched by: what is written notes its own, and each is kept once (IN-1)."""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, case, delete, exists, func, not_, select
from sqlalchemy.dialects import postgresql, sqlite

from app.compute.folding import fold
from app.compute.models import ApplicationRow, ResourceRow, ResourceTagRow, SearchWordRow
from app.kernel.database import Transaction
from app.kernel.tables import table_of

words = table_of(SearchWordRow)
_AT_ONCE = 5_000
_LOCK = 7_463_022


class Word(StrEnum):
    """What words are; each is the folded text of one column."""

    APPLICATION = "application"
    PUBLISHER = "publisher"
    NAME = "name"
    TAG = "tag"


Noted = tuple[Word, str, str]


def note(tx: Transaction, kind: Word, *texts: object) -> None:
    """Keep texts as words, in the transaction that writes them; all of a group of units at once, at its end.

    Not by triggers: at each row that a unit writes, SQLite then walks all that the unit's savepoint has changed.
    """
    for text in texts:
        if isinstance(text, str):
            tx.defer(_keep, (kind, "", fold(text)))


def note_tags(tx: Transaction, tags: Iterable[tuple[str, str]]) -> None:
    """Keep the values of tags as words of their keys."""
    for key, value in tags:
        tx.defer(_keep, (Word.TAG, key, fold(value)))


def _keep(tx: Transaction, noted: Sequence[Noted]) -> None:
    wanted = sorted(set(noted))
    if tx.connection.dialect.name == "postgresql":
        tx.execute(select(func.pg_advisory_xact_lock_shared(_LOCK)))
    known = {each for start in range(0, len(wanted), _AT_ONCE) for each in _known(tx, wanted[start : start + _AT_ONCE])}
    missing = [each for each in wanted if each not in known]
    new = [{"kind": kind.value, "key": key, "text": text} for kind, key, text in missing]
    if new:
        insert = postgresql.insert if tx.connection.dialect.name == "postgresql" else sqlite.insert
        tx.execute(insert(words).on_conflict_do_nothing(), new)


def _known(tx: Transaction, wanted: Sequence[Noted]) -> set[Noted]:
    """Those that are kept already; by text first, which is what tells words apart."""
    texts = sorted({text for _, _, text in wanted})
    kinds = sorted({kind.value for kind, _, _ in wanted})
    statement = select(words.c.kind, words.c.key, words.c.text)
    found = tx.execute(statement.where(words.c.text.in_(texts), words.c.kind.in_(kinds)))
    return {(Word(row.kind), row.key, row.text) for row in found}


def forget_unused(tx: Transaction, after: int, at_most: int = _AT_ONCE) -> int | None:
    """Drop those of the words after an id that no row has any more; where to go on, None at the end."""
    if tx.connection.dialect.name == "postgresql":
        # Whoever keeps a word that is there already must see it stay, or find it gone and write it again.
        tx.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    some = list(tx.execute(select(words.c.id).where(words.c.id > after).order_by(words.c.id).limit(at_most)).scalars())
    if not some:
        return None
    within = and_(words.c.id > after, words.c.id <= some[-1])
    tx.execute(delete(words).where(within, not_(_used())))
    return int(some[-1])


def _used() -> ColumnElement[bool]:
    application, resource, tag = table_of(ApplicationRow), table_of(ResourceRow), table_of(ResourceTagRow)
    return case(
        (words.c.kind == Word.APPLICATION, exists().where(application.c.name_folded == words.c.text)),
        (words.c.kind == Word.PUBLISHER, exists().where(application.c.publisher_folded == words.c.text)),
        (words.c.kind == Word.NAME, exists().where(resource.c.name_folded == words.c.text)),
        else_=exists().where(tag.c.key == words.c.key, tag.c.value_folded == words.c.text),
    )
