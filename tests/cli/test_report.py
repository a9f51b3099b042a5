"""`tollgate report` tells a served application of its machine, without settings or a database (IN-4)."""

import json
import os
import re
import socket
import subprocess
from pathlib import Path
from typing import Any

import httpx2
import pytest
from typer.main import get_command

from app.cli.root import app
from app.reporting import gather
from tests.cli.conftest import SCRIPT, Run, Serve, Served

ACCOUNT = "111122223333"
DOCS = Path(__file__).parents[2] / "docs"
GRANT = """mutation { createServiceLinkedRole(input: {serviceName: "license-manager.amazonaws.com"}) {
  errors { message } } }"""
SEARCH = """{ resourceInventory(filter: "type:MANAGED_INSTANCE") { edges { node { ... on ManagedInstance {
  resourceId name vcpus active applications { name } } } } } }"""


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of 8 cores with one package, so that the tests are the same on every machine."""

    def run(command: tuple[str, ...]) -> str | None:
        if command[0] == "lscpu":
            fields = {"CPU(s):": "16", "Core(s) per socket:": "8", "Socket(s):": "1"}
            return json.dumps({"lscpu": [{"field": name, "data": data} for name, data in fields.items()]})
        return "oracle-database\t19c\tOracle <x@oracle.com>\tinstalled\n" if command[0] == "dpkg-query" else None

    monkeypatch.setattr(gather.gather, "__kwdefaults__", {**(gather.gather.__kwdefaults__ or {}), "runner": run})


@pytest.fixture
def served(serve: Serve, tollgate: Run) -> Served:
    """A server with one account."""
    server = serve()
    assert tollgate("account", "create", ACCOUNT, "--name", "Own").exit_code == 0
    return server


def token(tollgate: Run, permission: str) -> str:
    return str(tollgate("token", "create", "--account", ACCOUNT, "--permission", permission).stdout).strip()


def ask(url: str, secret: str, document: str) -> Any:
    answer = httpx2.post(f"{url}/graphql", json={"query": document}, headers={"Authorization": f"Bearer {secret}"})
    return answer.json()["data"]


def test_a_server_reports_itself_and_is_in_the_inventory(
    served: Served, tollgate: Run, printed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    administrator = token(tollgate, "administrator")
    monkeypatch.setenv("TOLLGATE_TOKEN", token(tollgate, "user"))
    refused = tollgate("report", "--url", served.url, "--id", "mi-own")
    assert (refused.exit_code, "createServiceLinkedRole" in refused.stderr) == (1, True)
    assert ask(served.url, administrator, GRANT) is not None
    for _ in range(2):
        done = tollgate("report", "--url", served.url, "--id", "mi-own")
        assert (done.exit_code, done.stdout) == (0, "Reported mi-own with 1 packages.\n")
    (edge,) = ask(served.url, administrator, SEARCH)["resourceInventory"]["edges"]
    assert edge["node"] == {
        "resourceId": "mi-own",
        "name": socket.gethostname(),
        "vcpus": 16,
        "active": True,
        "applications": [{"name": "oracle-database"}],
    }


def test_pm_1_a_token_that_may_not_report_is_told_so_and_one_that_is_none_is_too(
    served: Served, tollgate: Run, printed: None, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(token(tollgate, "auditor") + "\n")
    file.chmod(0o600)
    done = tollgate("report", "--url", served.url, "--token-file", file)
    assert done.exit_code == 1
    assert done.stderr.strip()
    file.write_text("tg_no-such-token")
    file.chmod(0o644)
    done = tollgate("report", "--url", served.url, "--token-file", file)
    assert (done.exit_code, "The service does not know the token." in done.stderr) == (4, True)
    assert f"chmod 600 {file}" in done.stderr
    assert "tg_no-such-token" not in done.stderr


def test_a_report_needs_no_settings_and_no_database(tmp_path: Path) -> None:
    """It may run where the server's settings are wrong, or those of something else."""
    environment = {**os.environ, "TOLLGATE_DATABASE_URL": "nonsense", "TOLLGATE_PORT": "x"}
    done = subprocess.run(
        [SCRIPT, "report", "--dry-run", "--id", "mi-own", "--region", "eu-west-1"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    given = json.loads(done.stdout)
    assert (done.returncode, given["region"], given["resourceId"]) == (0, "eu-west-1", "mi-own")
    assert given["name"] == socket.gethostname()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Where to?"),
        (["--url", "t.example"], "--url: not an address such as https://tollgate.example.com"),
        (["--url", "https://t.example"], "There is no token."),
        (["--url", "https://t.example", "--token-file", "/no/such/file"], "/no/such/file can't be read: No such file"),
    ],
)
def test_what_is_missing_is_named(
    tollgate: Run, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.delenv("TOLLGATE_TOKEN", raising=False)
    done = tollgate("report", *arguments)
    assert (done.exit_code, said in done.stderr, done.stdout) == (2, True, "")


def test_a_file_that_holds_no_certificates_is_named(
    tollgate: Run, monkeypatch: pytest.MonkeyPatch, printed: None
) -> None:
    monkeypatch.setenv("TOLLGATE_TOKEN", "tg_any")
    done = tollgate("report", "--url", "https://t.example", "--id", "mi-own", "--ca-file", __file__)
    assert (done.exit_code, f"{__file__} can't be read as certificates" in done.stderr) == (2, True)


def test_a_service_that_is_not_there_is_told_and_the_token_is_not(
    tollgate: Run, printed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOLLGATE_TOKEN", "tg_very-secret")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        done = tollgate("report", "--url", url, "--id", "mi-own", "--attempts", "1")
    assert (done.exit_code, done.stderr.startswith(f"{url} can't be reached")) == (3, True)
    assert "tg_very-secret" not in done.stderr + done.stdout


def test_the_documented_options_and_variables_are_the_command_s() -> None:
    """docs/reporting.md and the systemd units name what the command takes."""
    command = get_command(app).commands["report"]  # type: ignore[attr-defined]
    options = {name for each in command.params for name in each.opts}
    variables = {str(each.envvar) for each in command.params if each.envvar} | {"TOLLGATE_TOKEN"}
    page = (DOCS / "reporting.md").read_text()
    assert set(re.findall(r"^\| `(--[a-z-]+)`", page, re.MULTILINE)) | {"--dry-run"} == options
    units = "".join(path.read_text() for path in (DOCS / "systemd").iterdir())
    elsewhere = {"TOLLGATE_INVENTORY_RETENTION_DAYS"}
    assert set(re.findall(r"TOLLGATE_[A-Z_]+", page + units)) - elsewhere == variables
    assert "tollgate report\n" in units
