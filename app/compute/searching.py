"""The tables that the inventory's search reads, as fresh relations for its statements; and the words that occur."""

from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, column, func, select, table

from app.compute.models import ApplicationRow, ResourceRow, ResourceTagRow, SearchWordRow
from app.kernel.tables import table_of

SHORTEST_INDEXED = 3
"""Parts of words with fewer characters have no trigram; they are found by reading all words."""


class Word(StrEnum):
    """What the words that occur are; each is the folded text of one column."""

    APPLICATION = "application"
    PUBLISHER = "publisher"
    NAME = "name"
    TAG = "tag"


def resources() -> FromClause:
    """All resources, those that are gone too."""
    return table_of(ResourceRow).alias()


def applications() -> FromClause:
    """The software that was found, by `resource_id`."""
    return table_of(ApplicationRow).alias()


def tags() -> FromClause:
    """The tags of resources, by `resource_id`."""
    return table_of(ResourceTagRow).alias()


def words_like(kind: Word, pattern: ColumnElement[str]) -> Select[tuple[str]]:
    """The words of a kind that a LIKE pattern, escaped by a backslash, finds."""
    word = table_of(SearchWordRow).alias()
    return select(word.c.text).where(word.c.kind == kind.value, word.c.text.like(pattern, escape="\\"))


def words_matching(kind: Word, phrase: ColumnElement[str]) -> Select[tuple[str]]:
    """The words of a kind that an FTS5 phrase of at least three characters finds; on SQLite alone."""
    word = table_of(SearchWordRow).alias()
    trigrams = table("search_word_trigram", column("rowid"), column("search_word_trigram")).alias()
    found: Select[tuple[str]] = (
        select(word.c.text)
        .join(trigrams, trigrams.c.rowid == word.c.id)
        .where(trigrams.c.search_word_trigram.op("MATCH")(phrase), word.c.kind == kind.value)
    )
    return found


def values_like(of: Any, pattern: ColumnElement[str]) -> Select[tuple[str]]:
    """The different values of an indexed column that a LIKE pattern finds, stepping from each value to the next."""
    steps = select(func.min(of).label("value")).cte("step", recursive=True, nesting=True)
    following = select(func.min(of)).where(of > steps.c.value).scalar_subquery()
    steps = steps.union_all(select(following).where(steps.c.value.is_not(None)))
    return select(steps.c.value).where(steps.c.value.like(pattern, escape="\\"))
