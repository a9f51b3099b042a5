"""The tables that the inventory's search reads, as fresh relations for its statements; and the words that occur."""

from sqlalchemy import ColumnElement, FromClause, Select, column, func, select, table

from app.compute.models import ApplicationRow, ResourceRow, ResourceTagRow, SearchWordRow
from app.compute.words import Word
from app.kernel.tables import table_of

SHORTEST_INDEXED = 3
"""Parts of words with fewer characters have no trigram; they are found by reading all words."""


def resources() -> FromClause:
    """All resources, those that are gone too; indexes are of those that are there."""
    return table_of(ResourceRow).alias()


def applications() -> FromClause:
    """The software that was found, by `resource_id`."""
    return table_of(ApplicationRow).alias()


def tags() -> FromClause:
    """The tags of resources, by `resource_id`."""
    return table_of(ResourceTagRow).alias()


def words_like(kind: Word, key: ColumnElement[str] | None, pattern: ColumnElement[str]) -> Select[tuple[str]]:
    """The words of a kind, and of a tag's key, that a LIKE pattern, escaped by a backslash, finds."""
    word = table_of(SearchWordRow).alias()
    return select(word.c.text).where(*_of(word, kind, key), word.c.text.like(pattern, escape="\\"))


def words_matching(kind: Word, key: ColumnElement[str] | None, phrase: ColumnElement[str]) -> Select[tuple[str]]:
    """Those that an FTS5 phrase of at least three characters finds; on SQLite alone."""
    word = table_of(SearchWordRow).alias()
    trigrams = table("search_word_trigram", column("rowid"), column("search_word_trigram")).alias()
    found: Select[tuple[str]] = (
        select(word.c.text)
        .join(trigrams, trigrams.c.rowid == word.c.id)
        .where(trigrams.c.search_word_trigram.op("MATCH")(phrase), *_of(word, kind, key))
    )
    return found


def _of(word: FromClause, kind: Word, key: ColumnElement[str] | None) -> list[ColumnElement[bool]]:
    return [word.c.kind == kind.value, word.c.key == ("" if key is None else key)]


def values_like(name: str, pattern: ColumnElement[str]) -> Select[tuple[str]]:
    """The different values of an indexed column that a LIKE pattern finds, stepping from each to the next."""
    first, later = resources(), resources()
    smallest = select(func.min(first.c[name]).label("value")).where(first.c.gone_at.is_(None))
    steps = smallest.cte("step", recursive=True, nesting=True)
    following = select(func.min(later.c[name])).where(later.c.gone_at.is_(None), later.c[name] > steps.c.value)
    steps = steps.union_all(select(following.scalar_subquery()).where(steps.c.value.is_not(None)))
    return select(steps.c.value).where(steps.c.value.like(pattern, escape="\\"))
