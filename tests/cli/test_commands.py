"""Each command does its one thing, and says in words and by its exit code what is in the way."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest

from tests.cli.conftest import SCRIPT, Run

if TYPE_CHECKING:
    from app.kernel.database import Transaction

T = TypeVar("T")

SAMPLE = Path(__file__).parents[2] / "seed" / "sample"
ACCOUNT = "111122223333"


def test_help_waits_for_nothing_that_it_does_not_need() -> None:
    """Each command imports what it needs itself."""
    heavy = ("sqlalchemy", "strawberry", "boto3", "pydantic", "uvicorn", "yaml", "alembic", "rich")
    code = f"import sys, app.cli; print([each for each in {heavy} if each in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
    told = subprocess.run([SCRIPT, "--help"], capture_output=True, text=True, check=True).stdout
    for command in ("serve", "seed", "import", "demo", "migrate", "verify", "account", "token", "access-key", "audit"):
        assert f"\n  {command} " in told


def test_an_account_is_made_once(tollgate: Run) -> None:
    made = tollgate("account", "create", ACCOUNT, "--name", "Example")
    assert made.exit_code == 0
    again = tollgate("account", "create", ACCOUNT, "--name", "Example")
    assert (again.exit_code, again.stdout) == (1, "")
    assert again.stderr == f"Account {ACCOUNT} exists already.\n"
    listed = tollgate("account", "list").stdout.splitlines()
    assert listed[1].split()[:4] == [ACCOUNT, "Example", "-", "standalone"]


def test_a_name_of_several_lines_or_that_moves_the_cursor_is_listed_in_one(tollgate: Run) -> None:
    tollgate("account", "create", ACCOUNT, "--name", "one\ntwo\x9b2J \u202eeman")
    (_, line) = tollgate("account", "list").stdout.splitlines()
    assert line.split()[:5] == [ACCOUNT, "one", "two", "2J", "eman"]


def test_an_account_id_that_is_none_is_refused_with_the_remedy(tollgate: Run) -> None:
    refused = tollgate("account", "create", "12", "--name", "Example")
    assert refused.exit_code == 1
    assert refused.stderr == "“12” is not an account id.\n  An account id is twelve digits.\n"


def test_a_token_is_all_that_is_printed_and_is_listed_without_its_secret(tollgate: Run) -> None:
    tollgate("account", "create", ACCOUNT, "--name", "Example")
    made = tollgate("token", "create", "--account", ACCOUNT, "--permission", "auditor", "--expires-days", 3)
    assert re.fullmatch(r"tg_[A-Za-z0-9_-]{43}\n", made.stdout)
    listed = tollgate("token", "list").stdout
    assert made.stdout.strip() not in listed
    assert [each.split()[1:7] for each in listed.splitlines()[1:]] == [
        [ACCOUNT, f"{made.stdout[:11]}…", "auditor", "auditor", "valid", listed.splitlines()[1].split()[6]]
    ]
    other = tollgate("token", "list", "--account", "222233334444").stdout
    assert len(other.splitlines()) == 1


def test_a_token_is_revoked_once(tollgate: Run) -> None:
    tollgate("account", "create", ACCOUNT, "--name", "Example")
    tollgate("token", "create", "--account", ACCOUNT, "--name", "ci")
    token_id = tollgate("token", "list").stdout.splitlines()[1].split()[0]
    assert tollgate("token", "revoke", token_id).stdout == f"{token_id} is revoked.\n"
    assert " revoked " in tollgate("token", "list").stdout
    again = tollgate("token", "revoke", token_id)
    assert (again.exit_code, again.stderr.splitlines()[0]) == (1, "The API token is revoked already.")
    absent = tollgate("token", "revoke", "token_1")
    assert (absent.exit_code, absent.stderr) == (1, "The API token was not found.\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--account", "999999999999"),
        ("--account", ACCOUNT, "--name", "with space"),
        ("--account", "12"),
    ],
)
def test_a_token_of_no_account_or_by_no_name_is_refused(tollgate: Run, arguments: tuple[str, ...]) -> None:
    tollgate("account", "create", ACCOUNT, "--name", "Example")
    refused = tollgate("token", "create", *arguments)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr


def test_seed_import_demo_and_verify_say_what_they_did(tollgate: Run, tmp_path: Path) -> None:
    file = tmp_path / "seed.yaml"
    file.write_text(f'accounts: [{{id: "{ACCOUNT}", name: Example, roles: [CORE]}}]\n')
    assert tollgate("seed", file).stdout == "accounts: 1 added\nroles: 1 added\n"
    assert tollgate("seed", file).stdout == "Nothing changed: it is all there already.\n"
    imported = tollgate("import", SAMPLE)
    assert imported.exit_code == 0
    assert "instances: 200 added" in imported.stdout
    assert tollgate("import", SAMPLE).stdout == "Nothing changed: it is all there already.\n"
    refused = tollgate("demo")
    assert (refused.exit_code, refused.stderr.splitlines()[0]) == (
        1,
        "The database holds other accounts; the demo organization fills an empty one.",
    )
    assert tollgate("verify").stdout == "0 license configurations are consistent.\n"


def test_what_is_wrong_with_a_file_is_told_with_its_place(tollgate: Run, tmp_path: Path) -> None:
    file = tmp_path / "seed.yaml"
    file.write_text("accounts:\n  - id: 12\n    name: Example\nwhat: 1\n")
    refused = tollgate("seed", file)
    assert refused.exit_code == 1
    assert refused.stderr.splitlines() == [
        f"{file}:2: accounts[0].id: string should match pattern '^[0-9]{{12}}$'",
        f"{file}:4: what: is not known here",
        "  The format is in docs/seeding.md.",
    ]
    broken = tmp_path / ACCOUNT / "us-east-1" / "describe-hosts.json"
    broken.parent.mkdir(parents=True)
    broken.write_text(json.dumps({"Hosts": [{}]}))
    refused = tollgate("import", broken)
    assert (refused.exit_code, refused.stderr) == (1, f"{broken}: Hosts[0].HostId: field required\n")
    assert tollgate("account", "list").stdout.splitlines()[1:] == []


def test_the_demo_is_there_once(tollgate: Run) -> None:
    first = tollgate("demo")
    assert first.exit_code == 0
    assert "instances: 34 added" in first.stdout
    assert tollgate("demo").stdout.startswith("The demo organization is there already.")
    assert tollgate("verify").stdout == "6 license configurations are consistent.\n"


def test_al_1_what_is_seeded_takes_the_operators_thresholds(
    tollgate: Run, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "seed.yaml"
    file.write_text(
        f"accounts: [{{id: '{ACCOUNT}', name: Example, roles: [CORE]}}]\n"
        f"licenseConfigurations: [{{account: '{ACCOUNT}', region: us-east-1, name: L, countingType: CORE}}]\n"
    )
    monkeypatch.setenv("TOLLGATE_ALERT_THRESHOLDS", "50,90")
    assert tollgate("seed", file).exit_code == 0
    assert on_database(database_url, _thresholds) == (50, 90)


def _thresholds(tx: "Transaction") -> tuple[int, ...]:
    from app.licensing.named import configuration_named
    from app.licensing.service import facts

    key = configuration_named(tx.connection, ACCOUNT, "us-east-1", "L")
    assert key is not None
    return facts(tx.connection, [key])[key].alert_thresholds


def test_verify_exits_with_1_on_a_difference_and_prints_it(tollgate: Run, database_url: str) -> None:
    """EN-11"""
    tollgate("demo")
    spoil(database_url, "UPDATE license_configuration SET consumed = consumed + 1 WHERE name LIKE 'Windows%'")
    found = tollgate("verify")
    assert found.exit_code == 1
    assert "65 licenses are kept as consumed, its associations consume 64" in found.stdout
    assert found.stderr == "1 of 6 license configurations are not consistent.\n"


def test_migrate_brings_an_empty_database_up(tollgate: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOLLGATE_DATABASE_URL", f"sqlite+aiosqlite:///{tmp_path / 'new.db'}")
    assert tollgate("migrate").stdout.startswith("The database has this release's tables (SQLite ")
    assert (tmp_path / "new.db").stat().st_size > 0


def test_a_command_that_waits_in_vain_for_another_that_writes_says_so(
    tollgate: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for a large import, which is one transaction."""
    from pysqlite3.dbapi2 import connect

    monkeypatch.setattr("app.kernel.database.sqlite.BUSY_SECONDS", 0.01)
    monkeypatch.setenv("TOLLGATE_DATABASE_URL", f"sqlite+aiosqlite:///{tmp_path / 'busy.db'}")
    tollgate("migrate")
    with closing(connect(str(tmp_path / "busy.db"), isolation_level=None)) as importing:
        importing.execute("BEGIN IMMEDIATE")
        refused = tollgate("account", "create", ACCOUNT, "--name", "Example")
    assert refused.exit_code == 3
    assert refused.stderr == (
        "Another process is writing to the database: database is locked.\n"
        "  Run it again when that has ended, such as a large import; nothing was changed.\n"
    )


@pytest.mark.parametrize(
    ("url", "code", "said"),
    [
        ("mysql://x", 2, "TOLLGATE_DATABASE_URL names mysql; Tollgate keeps its data in SQLite or PostgreSQL\n"),
        ("x", 2, "TOLLGATE_DATABASE_URL: not the URL of a database\n"),
        ("sqlite+aiosqlite://", 2, "TOLLGATE_DATABASE_URL must name a file"),
        ("postgresql+asyncpg://me:geheim@[::1/x", 2, "TOLLGATE_DATABASE_URL: not the URL of a database\n"),
        ("postgresql+asyncpg://me:geheim@host:port/x", 2, "TOLLGATE_DATABASE_URL: not the URL of a database\n"),
        ("sqlite+aiosqlite:////dev/null", 3, "The database does not take writes: disk I/O error.\n  Is"),
        (f"sqlite+aiosqlite:///{__file__}", 3, "The database does not answer: file is not a database.\n  Is"),
        ("sqlite+aiosqlite:////nowhere/x.db", 3, "The database does not answer: unable to open database file.\n  Is"),
        ("postgresql+asyncpg://me:geheim@127.0.0.1:1/x", 3, "The database does not answer: "),
    ],
)
def test_a_database_that_is_none_or_does_not_answer_is_told_without_its_password(
    tollgate: Run, monkeypatch: pytest.MonkeyPatch, url: str, code: int, said: str
) -> None:
    monkeypatch.setenv("TOLLGATE_DATABASE_URL", url)
    refused = tollgate("account", "list")
    assert refused.exit_code == code
    assert refused.stderr.startswith(said)
    assert "geheim" not in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_database_of_another_release_is_told_with_the_remedy(tollgate: Run, database_url: str) -> None:
    spoil(database_url, "UPDATE alembic_version SET version_num = '9999'")
    refused = tollgate("account", "list")
    assert refused.exit_code == 3
    first, second = refused.stderr.splitlines()
    assert first.startswith("The database has the tables of another release (9999); this one knows those up to 0")
    assert second == "  Run the release that served it last, or a newer one."


def test_a_database_without_its_tables_is_told_in_words(tollgate: Run, database_url: str) -> None:
    spoil(database_url, "ALTER TABLE account RENAME TO elsewhere")
    refused = tollgate("account", "list")
    assert refused.exit_code == 3
    first, second = refused.stderr.splitlines()
    assert first.startswith("The database can't be worked on: ")
    assert "account" in first
    assert second.startswith("  It holds other tables than this release's")


@pytest.mark.parametrize("command", ["--help", "account list"])
def test_what_can_not_be_written_ends_in_words(command: str, tmp_path: Path) -> None:
    told = subprocess.run(
        f"{SCRIPT} {command} > /dev/full",
        shell=True,
        env={"TOLLGATE_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path / 'new.db'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (told.returncode, told.stderr) == (1, "tollgate: No space left on device\n")


def test_a_setting_that_can_t_be_used_is_named(tollgate: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOLLGATE_PORT", "many")
    for command in (("serve",), ("account", "list")):
        refused = tollgate(*command)
        assert refused.exit_code == 2
        assert refused.stderr.startswith("TOLLGATE_PORT: ")


def spoil(database_url: str, statement: str) -> None:
    """Change something behind the service's back."""
    from sqlalchemy import text

    on_database(database_url, lambda tx: tx.execute(text(statement)))


def on_database(database_url: str, work: "Callable[[Transaction], T]") -> T:
    """Look or change without a command, in a process that has no server."""
    import asyncio

    from app.kernel.database import Database

    async def run() -> T:
        database = Database(database_url)
        await database.start()
        try:
            return await database.write(work)
        finally:
            await database.stop()

    return asyncio.run(run())
