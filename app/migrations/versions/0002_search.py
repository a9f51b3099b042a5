"""The trigrams of the words that the inventory is searched by: FTS5 on SQLite, pg_trgm where PostgreSQL has it."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SQLITE = (
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

# A server without the extension, or a role that may not create it, searches parts of words by reading all words.
POSTGRESQL = (
    """
DO $$
BEGIN
  BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
  EXCEPTION WHEN OTHERS THEN
    RETURN;
  END;
  CREATE INDEX search_word_trigram ON search_word USING gin (text gin_trgm_ops) WITH (fastupdate = off);
END $$""",
)


def upgrade() -> None:
    """Apply."""
    connection = op.get_bind()
    for statement in SQLITE if connection.dialect.name == "sqlite" else POSTGRESQL:
        connection.exec_driver_sql(statement)


def downgrade() -> None:
    """Undo."""
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("DROP TRIGGER search_word_trigram_added")
        connection.exec_driver_sql("DROP TRIGGER search_word_trigram_removed")
        connection.exec_driver_sql("DROP TABLE search_word_trigram")
    else:
        connection.exec_driver_sql("DROP INDEX IF EXISTS search_word_trigram")
