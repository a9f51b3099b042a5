"""What runs beside the requests is there because the settings ask for it."""

from pathlib import Path

from pydantic import SecretStr

from app.background import Background
from app.kernel.database import Database
from app.settings import Settings


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
