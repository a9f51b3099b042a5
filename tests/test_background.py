"""What runs beside the requests is there because the settings ask for it."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from app.background import Background
from app.inventory.aws.buckets import BucketSource
from app.inventory.sources import registered
from app.kernel.database import Database
from app.settings import Settings, SettingsError


def test_a_trail_is_delivered_where_a_destination_is_set(database_url: str, tmp_path: Path) -> None:
    plain = Settings(database_url=SecretStr(database_url), _env_file=None)
    trailed = plain.model_copy(update={"trail_destination": str(tmp_path / "trail"), "data_directory": tmp_path})
    assert "deliver the trail" not in Background(Database(database_url), plain)._tasks
    assert "deliver the trail" in Background(Database(database_url), trailed)._tasks


def test_inventory_and_old_records_are_kept_up_on_every_server(database_url: str) -> None:
    settings = Settings(database_url=SecretStr(database_url), _env_file=None)
    assert {"keep the inventory", "purge old records", "deliver alerts"} <= Background(
        Database(database_url), settings
    )._tasks.keys()


async def test_folders_and_buckets_of_inventory_are_sources_while_the_server_runs(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    settings = Settings(
        database_url=SecretStr(database_url), inventory_sources=(str(tmp_path), "s3://bucket/some"), _env_file=None
    )
    background = Background(database, settings)
    await background.start()
    try:
        assert [source.destination for source in registered().values() if isinstance(source, BucketSource)] == [
            str(tmp_path),
            "s3://bucket/some",
        ]
    finally:
        await background.stop()
    assert registered() == {}


def test_a_source_that_is_neither_a_folder_nor_a_bucket_stops_the_server(database_url: str) -> None:
    settings = Settings(database_url=SecretStr(database_url), inventory_sources=("ftp://x",), _env_file=None)
    with pytest.raises(SettingsError, match="TOLLGATE_INVENTORY_SOURCES: “ftp://x” is neither"):
        Background(Database(database_url), settings)
