"""The words of the inventory, and their trigrams: kept by triggers, in the transaction of the row that has the word.

SQLite indexes trigrams by FTS5; PostgreSQL by pg_trgm, where the server has it.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Which columns hold words, by table: the kind of word, the column.
SOURCES = {
    "application": (("application", "name_folded"), ("publisher", "publisher_folded")),
    "resource": (("name", "name_folded"),),
    "resource_tag": (("tag", "value_folded"),),
}

SQLITE_LEARN = """
CREATE TRIGGER search_word_of_{kind}_{event} AFTER {when} ON {table} WHEN new.{column} IS NOT NULL
BEGIN
  INSERT INTO search_word (kind, text)
  SELECT '{kind}', new.{column}
  WHERE NOT EXISTS (SELECT 1 FROM search_word WHERE kind = '{kind}' AND text = new.{column});
END"""

SQLITE_TRIGRAMS = (
    """
CREATE VIRTUAL TABLE search_word_trigram
USING fts5(text, content='search_word', content_rowid='id', tokenize='trigram case_sensitive 1')""",
    """
CREATE TRIGGER search_word_trigram_added AFTER INSERT ON search_word
BEGIN
  INSERT INTO search_word_trigram (rowid, text) VALUES (new.id, new.text);
END""",
    """
CREATE TRIGGER search_word_trigram_removed AFTER DELETE ON search_word
BEGIN
  INSERT INTO search_word_trigram (search_word_trigram, rowid, text) VALUES ('delete', old.id, old.text);
END""",
)

POSTGRESQL_LEARN = """
CREATE FUNCTION search_word_of_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO search_word (kind, text)
  SELECT word.kind, word.text FROM (VALUES {values}) AS word (kind, text)
  WHERE word.text IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM search_word known WHERE known.kind = word.kind AND known.text = word.text)
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$"""

POSTGRESQL_TRIGGER = """
CREATE TRIGGER search_word_{event} AFTER {when} ON {table}
FOR EACH ROW WHEN ({some}) EXECUTE FUNCTION search_word_of_{table}()"""

# A server without the extension, or a role that may not create it, searches parts of words by reading all words.
POSTGRESQL_TRIGRAMS = """
DO $$
BEGIN
  BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
  EXCEPTION WHEN OTHERS THEN
    RETURN;
  END;
  CREATE INDEX search_word_trigram ON search_word USING gin (text gin_trgm_ops);
END $$"""


def upgrade() -> None:
    """Apply."""
    connection = op.get_bind()
    for statement in _sqlite() if connection.dialect.name == "sqlite" else _postgresql():
        connection.exec_driver_sql(statement)


def _sqlite() -> list[str]:
    made = list(SQLITE_TRIGRAMS)
    for table, columns in SOURCES.items():
        for kind, column in columns:
            for event, when in (("added", "INSERT"), ("changed", f"UPDATE OF {column}")):
                made.append(SQLITE_LEARN.format(kind=kind, table=table, column=column, event=event, when=when))
    return made


def _postgresql() -> list[str]:
    made = [POSTGRESQL_TRIGRAMS]
    for table, columns in SOURCES.items():
        values = ", ".join(f"('{kind}', NEW.{column})" for kind, column in columns)
        some = " OR ".join(f"NEW.{column} IS NOT NULL" for _, column in columns)
        changed = ", ".join(column for _, column in columns)
        made.append(POSTGRESQL_LEARN.format(table=table, values=values))
        made.append(POSTGRESQL_TRIGGER.format(table=table, event="added", when="INSERT", some=some))
        made.append(POSTGRESQL_TRIGGER.format(table=table, event="changed", when=f"UPDATE OF {changed}", some=some))
    return made


def downgrade() -> None:
    """Undo."""
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        for columns in SOURCES.values():
            for kind, _ in columns:
                connection.exec_driver_sql(f"DROP TRIGGER search_word_of_{kind}_added")
                connection.exec_driver_sql(f"DROP TRIGGER search_word_of_{kind}_changed")
        connection.exec_driver_sql("DROP TRIGGER search_word_trigram_added")
        connection.exec_driver_sql("DROP TRIGGER search_word_trigram_removed")
        connection.exec_driver_sql("DROP TABLE search_word_trigram")
        return
    for table in SOURCES:
        connection.exec_driver_sql(f"DROP FUNCTION search_word_of_{table}() CASCADE")
    connection.exec_driver_sql("DROP INDEX IF EXISTS search_word_trigram")
