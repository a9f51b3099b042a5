"""`tollgate access-key`: JSON for programs, no secret shown twice, each act recorded."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli.root import app

ACCOUNT = "111122223333"


def test_access_keys_are_made_listed_disabled_and_deleted(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOLLGATE_DATABASE_URL", database_url)
    monkeypatch.setenv("TOLLGATE_DATA_DIRECTORY", str(tmp_path / "data"))

    def tollgate(*arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == code, result.output
        return result.stdout

    tollgate("account", "create", ACCOUNT, "--name", "Master")
    made = json.loads(tollgate("access-key", "create", "--account", ACCOUNT, "--permission", "auditor"))
    assert set(made) == {"accessKeyId", "secretAccessKey"}
    key_id, secret = made["accessKeyId"], made["secretAccessKey"]
    listed = tollgate("access-key", "list", "--account", ACCOUNT)
    assert key_id in listed
    assert "auditor" in listed
    assert secret not in listed
    assert tollgate("access-key", "disable", key_id) == f"{key_id} is disabled.\n"
    assert "disabled" in tollgate("access-key", "list")
    assert tollgate("access-key", "enable", key_id) == f"{key_id} is active.\n"
    assert tollgate("access-key", "delete", key_id) == f"{key_id} is deleted.\n"
    assert key_id not in tollgate("access-key", "list")
    tollgate("access-key", "delete", key_id, code=1)
    tollgate("access-key", "create", "--account", "999988887777", code=1)
    monkeypatch.setenv("TOLLGATE_SECRET_KEYS", "none")
    tollgate("access-key", "create", "--account", ACCOUNT, code=2)
