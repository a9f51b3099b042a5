"""`tollgate audit`, and the key that signs: made once, for its user alone, or given (AU-3)."""

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pydantic import SecretStr
from typer.testing import CliRunner

from app.audit.cli import app
from app.audit.trail.delivery import TrailDeliverer
from app.audit.trail.signing import KEY_FILE, PUBLIC_KEYS_FILE, PublicKeys, load_signer
from app.kernel.clock import ManualClock
from app.kernel.database import Database
from app.kernel.stores import FolderStore, S3Store, open_store
from app.settings import Settings, SettingsError
from tests.audit.stage import act_everywhere
from tests.support.databases import Databases

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command; its exit code and what it said."""
    monkeypatch.setenv("TOLLGATE_DATA_DIRECTORY", str(tmp_path / "data"))

    def command(*arguments: str | Path) -> tuple[int, str]:
        result = CliRunner().invoke(app, [str(each) for each in arguments])
        return result.exit_code, result.output

    return command


@pytest.fixture
async def folder(tmp_path: Path, all_databases: Databases) -> Path:
    """A trail of two hours in a folder, delivered as the settings say."""
    clock = ManualClock()
    database = Database(all_databases.url("sqlite"), clock=clock)
    await database.start()
    server = TrailDeliverer.of(settings(tmp_path, trail_destination=str(tmp_path / "trail")), database)
    assert server is not None
    for _ in range(5):
        await act_everywhere(database)
        await server.run_once()
        clock.advance(minutes=30)
    await database.stop()
    return tmp_path / "trail"


def settings(tmp_path: Path, **given: str) -> Settings:
    url = SecretStr("sqlite+aiosqlite:///unused.db")
    return Settings(database_url=url, data_directory=tmp_path / "data", _env_file=None, **given)  # type: ignore[arg-type]


def test_a_whole_trail_exits_0_and_says_what_was_checked(run: Run, folder: Path) -> None:
    code, said = run("verify", folder)
    assert code == 0
    assert "20 log files with 20 records and 8 digests, up to 2026-01-05T11:00:00" in said
    assert said.endswith("The trail is whole.\n")
    assert not list((folder / ".partial").iterdir())


def test_an_edited_trail_exits_1_and_names_what_was_edited(run: Run, folder: Path) -> None:
    log = sorted(folder.rglob("*_CloudTrail_*.gz"))[3]
    log.write_bytes(log.read_bytes()[:-1])
    (folder / "AWSLogs" / "more").write_text("added")
    code, said = run("verify", folder)
    assert code == 1
    assert f"edited: {log.relative_to(folder)}: A log file is not as it was delivered." in said
    assert "added: AWSLogs/more: No digest knows this object." in said
    assert said.endswith("The trail is not whole; findings: 2.\n")


def test_a_trail_is_verified_elsewhere_by_its_public_key(run: Run, folder: Path, tmp_path: Path) -> None:
    code, keys = run("public-key")
    assert code == 0
    (tmp_path / "keys.pem").write_text(keys)
    (tmp_path / "data").rename(tmp_path / "gone")
    folder.rename(tmp_path / "copy")
    assert run("verify", tmp_path / "copy", "--public-key", tmp_path / "keys.pem")[0] == 0
    code, said = run("verify", tmp_path / "copy")
    assert code == 2
    assert "No key has been made yet" in said


def test_a_trail_that_must_reach_a_time_is_cut_short_before_it(run: Run, folder: Path) -> None:
    assert run("verify", folder, "--covers", "2026-01-05T11:00:00Z")[0] == 0
    code, said = run("verify", folder, "--covers", "2026-01-05T11:00:01")
    assert code == 1
    assert "before the time that it must reach" in said


def test_what_can_not_be_verified_exits_2_and_says_why(run: Run, folder: Path, tmp_path: Path) -> None:
    for arguments, reason in (
        ((tmp_path / "nothing",), "There is no folder"),
        (("ftp://bucket",), "neither a folder nor s3://"),
        ((folder, "--covers", "noon"), "is not an instant"),
        ((folder, "--public-key", folder / "tollgate" / "trail-head.json"), "not a PEM file"),
        ((folder, "--public-key", tmp_path / "none.pem"), "No such file"),
    ):
        code, said = run("verify", *arguments)
        assert (code, reason in said) == (2, True), said


def test_the_signing_key_is_made_once_and_readable_for_its_user_alone(tmp_path: Path) -> None:
    first = load_signer(tmp_path / "data", None)
    assert stat.S_IMODE((tmp_path / "data" / KEY_FILE).stat().st_mode) == 0o600
    assert load_signer(tmp_path / "data", None).fingerprint == first.fingerprint
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == [PUBLIC_KEYS_FILE, KEY_FILE]


def test_a_key_that_is_given_signs_and_the_public_keys_of_both_are_kept(tmp_path: Path) -> None:
    made = load_signer(tmp_path, None)
    given = tmp_path / "given.pem"
    given.write_bytes(pem(rsa.generate_private_key(public_exponent=65537, key_size=3072)))
    signer = load_signer(tmp_path, given)
    assert signer.fingerprint != made.fingerprint
    keys = PublicKeys.parse((tmp_path / PUBLIC_KEYS_FILE).read_bytes())
    for each in (made, signer):
        assert keys.verifies(each.fingerprint, "text", each.sign("text"))
        assert not keys.verifies(each.fingerprint, "other text", each.sign("text"))


UNFIT: dict[str, Callable[[], bytes]] = {
    "elliptic": lambda: pem(ec.generate_private_key(ec.SECP256R1())),
    "short": lambda: pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)),
    "text": lambda: b"not a key",
    "public": lambda: b"-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----",
}


@pytest.mark.parametrize("kind", UNFIT)
def test_a_key_that_can_not_sign_is_refused_by_name(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "given.pem"
    path.write_bytes(UNFIT[kind]())
    with pytest.raises(ValueError, match=r"given\.pem"):
        load_signer(tmp_path, path)


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def test_a_destination_is_a_folder_or_a_bucket_with_a_prefix() -> None:
    assert isinstance(open_store("trail/here"), FolderStore)
    bucket = open_store("s3://bucket/some/prefix/")
    assert isinstance(bucket, S3Store)
    assert (bucket.bucket, bucket.prefix) == ("bucket", "some/prefix/")
    assert open_store("s3://bucket").prefix == ""
    for destination in ("s3://", "https://bucket/x", "s3://bucket?x=1"):
        with pytest.raises(ValueError, match="neither a folder nor"):
            open_store(destination)


def test_a_server_without_a_destination_delivers_nothing(tmp_path: Path) -> None:
    assert TrailDeliverer.of(settings(tmp_path), Database("sqlite+aiosqlite:///unused.db")) is None
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("given", "variable"),
    [
        ({"trail_destination": "ftp://bucket"}, "TOLLGATE_TRAIL_DESTINATION"),
        ({"trail_destination": "x", "trail_signing_key_file": Path("none.pem")}, "TOLLGATE_TRAIL_SIGNING_KEY_FILE"),
        ({"trail_destination": "x", "data_directory": Path("/dev/null/data")}, "TOLLGATE_DATA_DIRECTORY"),
    ],
)
def test_a_setting_that_can_not_be_used_is_named(tmp_path: Path, given: dict[str, Any], variable: str) -> None:
    chosen = settings(tmp_path).model_copy(update=given)
    with pytest.raises(SettingsError, match=f"^{variable}: "):
        TrailDeliverer.of(chosen, Database("sqlite+aiosqlite:///unused.db"))


def test_a_name_that_leads_out_of_the_folder_is_no_object(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    store = FolderStore(tmp_path / "trail")
    assert store.get("AWSLogs/../../secret") is None
