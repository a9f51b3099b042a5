"""Access keys and the sealing of their secrets."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from app.identity import access_keys
from app.kernel.database import Database
from app.kernel.errors import DomainError
from app.kernel.sealing import FILE, Sealer, Unreadable
from app.kernel.viewer import Permission
from app.organizations.accounts import create_standalone
from app.settings import SettingsError

ACCOUNT = "111122223333"


def test_a_sealed_text_opens_with_any_key_and_seals_with_the_first() -> None:
    """A key can be replaced: the new one first, the old one after it."""
    old, new, other = (Fernet.generate_key().decode() for _ in range(3))
    sealed = Sealer([old], Path("unused")).seal("secret")
    both = Sealer([new, old], Path("unused"))
    assert both.open(sealed) == "secret"
    assert Sealer([new], Path("unused")).open(both.seal("later")) == "later"
    for text in (sealed, "", "x", "é"):
        with pytest.raises(Unreadable):
            Sealer([other], Path("unused")).open(text)


def test_a_key_is_made_once_for_its_user_alone(tmp_path: Path) -> None:
    """Also where several processes begin at once."""
    folder = tmp_path / "data"
    with ThreadPoolExecutor(8) as pool:
        sealed = list(pool.map(lambda number: Sealer([], folder).seal(str(number)), range(8)))
    assert [Sealer([], folder).open(each) for each in sealed] == [str(number) for number in range(8)]
    assert [path.name for path in folder.iterdir()] == [FILE]
    assert stat.S_IMODE((folder / FILE).stat().st_mode) == 0o600


def test_a_lost_key_is_not_made_anew_by_reading(tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        Sealer([], tmp_path / "data").open("x")
    assert not (tmp_path / "data").exists()


def test_a_key_that_is_none_is_told_without_its_value(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="TOLLGATE_SECRET_KEYS") as caught:
        Sealer(["hunter2"], tmp_path)
    assert "hunter2" not in str(caught.value)
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="TOLLGATE_DATA_DIRECTORY"):
        Sealer([], tmp_path / "file").seal("x")


async def test_access_keys_are_made_listed_disabled_and_deleted(database: Database, tmp_path: Path) -> None:
    sealer = Sealer([], tmp_path)
    await database.write(lambda tx: create_standalone(tx, ACCOUNT, "Account"))
    made = await database.write(lambda tx: access_keys.create(tx, sealer, ACCOUNT, Permission.USER, "ops"))
    assert access_keys.is_access_key_id(made.access_key_id)
    assert len(made.secret) == 40

    async def listed() -> list[tuple[str, bool]]:
        found = await database.read(lambda connection: access_keys.list_keys(connection, ACCOUNT))
        return [(each.access_key_id, each.active) for each in found]

    key_id = made.access_key_id
    assert await listed() == [(key_id, True)]
    assert await database.write(lambda tx: access_keys.set_active(tx, key_id, False)) == ACCOUNT
    assert await listed() == [(key_id, False)]
    assert await database.write(lambda tx: access_keys.remove(tx, key_id)) == ACCOUNT
    assert await listed() == []
    with pytest.raises(DomainError, match="not found"):
        await database.write(lambda tx: access_keys.remove(tx, key_id))
    with pytest.raises(DomainError, match="not found"):
        await database.write(lambda tx: access_keys.set_active(tx, key_id, True))


@pytest.mark.parametrize(("account", "name"), [("999988887777", "ops"), ("x", "ops"), (ACCOUNT, "a b"), (ACCOUNT, "")])
async def test_a_key_needs_an_account_and_a_name(database: Database, tmp_path: Path, account: str, name: str) -> None:
    await database.write(lambda tx: create_standalone(tx, ACCOUNT, "Account"))
    with pytest.raises(DomainError):
        await database.write(lambda tx: access_keys.create(tx, Sealer([], tmp_path), account, Permission.USER, name))
