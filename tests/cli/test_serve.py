"""`tollgate serve` answers, takes accounts and tokens that are made meanwhile, and ends when it is asked to."""

import asyncio
import http.client
import json
import signal
import socket
import subprocess
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.cli.conftest import PATIENCE_SECONDS, SCRIPT, Run, Serve

ACCOUNT = "111122223333"


def ask(url: str, token: str, query: str) -> Any:
    response = httpx2.post(f"{url}/graphql", json={"query": query}, headers={"Authorization": f"Bearer {token}"})
    return response.json()["data"] if response.status_code == 200 else response.status_code


def test_what_the_command_line_makes_while_a_server_runs_is_there_at_once(tollgate: Run, serve: Serve) -> None:
    served = serve()
    assert httpx2.get(f"{served.url}/health/live").status_code == 200
    assert httpx2.get(f"{served.url}/health/ready").json()["status"] == "ready"
    tollgate("account", "create", ACCOUNT, "--name", "Example")
    token = tollgate("token", "create", "--account", ACCOUNT).stdout.strip()
    assert ask(served.url, token, "{ viewer { account { name } } }") == {"viewer": {"account": {"name": "Example"}}}
    assert ask(served.url, f"{token}x", "{ viewer { account { name } } }") == 401
    token_id = tollgate("token", "list").stdout.splitlines()[1].split()[0]
    tollgate("token", "revoke", token_id)
    assert ask(served.url, token, "{ viewer { account { name } } }") == 401
    assert served.stop() == 0


def test_an_open_event_stream_does_not_hold_up_the_end(tollgate: Run, serve: Serve) -> None:
    """They end with the signal; here open requests are given more time than this test waits."""
    served = serve(TOLLGATE_SHUTDOWN_SECONDS=str(int(PATIENCE_SECONDS * 10)))
    tollgate("account", "create", ACCOUNT, "--name", "Example")
    token = tollgate("token", "create", "--account", ACCOUNT).stdout.strip()
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
    query = {"query": "subscription { licenseConfigurationUsage { name } }"}
    with httpx2.stream("POST", f"{served.url}/graphql", json=query, headers=headers) as stream:
        assert stream.status_code == 200
        assert served.stop() == 0


def test_a_demo_server_prints_its_address_and_a_new_token_each_time(serve: Serve) -> None:
    query = "{ organization { accounts { totalCount } } licenseConfigurations { totalCount } }"
    tokens = []
    for _ in range(2):
        served = serve("--demo")
        assert served.process.stdout is not None
        assert served.process.stdout.readline().strip() == f"{served.url}/graphql"
        tokens.append(served.process.stdout.readline().strip())
        assert ask(served.url, tokens[-1], query) == {
            "organization": {"accounts": {"totalCount": 7}},
            "licenseConfigurations": {"totalCount": 6},
        }
        page = httpx2.get(f"{served.url}/graphql", headers={"Accept": "text/html"}).text
        assert tokens[-1] in page
        if len(tokens) == 2:
            assert ask(served.url, tokens[0], query) == 401
        assert served.stop() == 0


def test_a_demo_is_refused_on_a_database_that_holds_something_else(tollgate: Run, database_url: str) -> None:
    tollgate("account", "create", "999988887777", "--name", "Mine")
    ended = end(database_url, "--demo")
    assert ended.returncode == 1
    assert "The database holds other accounts" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_messages_are_bounded_and_not_compressed(serve: Serve) -> None:
    served = serve(TOLLGATE_MAX_BODY_BYTES="2048")

    async def send() -> int | None:
        address = f"{served.url.replace('http', 'ws')}/graphql"
        async with connect(address, subprotocols=[Subprotocol("graphql-transport-ws")]) as connection:
            assert connection.protocol.extensions == []
            await connection.send("x" * 4096)
            with pytest.raises(ConnectionClosed):
                await connection.recv()
            return connection.close_code

    assert asyncio.run(send()) == 1009
    assert served.stop() == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_port_that_is_taken_ends_the_server_without_a_traceback(database_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = end(database_url, "--port", port)
    assert ended.returncode == 3
    assert "address already in use" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("url", "variables", "said"),
    [
        ("x", {}, "TOLLGATE_DATABASE_URL: not the URL of a database\n"),
        (
            "sqlite+aiosqlite:///never.db",
            {
                "TOLLGATE_OIDC_ISSUER": "https://issuer",
                "TOLLGATE_OIDC_AUDIENCE": "tollgate",
                "TOLLGATE_OIDC_JWKS_FILE": __file__,
            },
            f"TOLLGATE_OIDC_JWKS_FILE: {__file__}: the keys are not JSON\n",
        ),
    ],
)
def test_a_server_is_told_which_setting_it_can_not_use(url: str, variables: dict[str, str], said: str) -> None:
    ended = end(url, **variables)
    assert (ended.returncode, ended.stderr) == (2, said)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_misspelt_variable_and_the_database_are_told_and_an_interrupt_ends_it(serve: Serve) -> None:
    served = serve(TOLLGATE_PROT="1")
    assert [each["variable"] for each in served.said if "variable" in each] == ["TOLLGATE_PROT"]
    assert served.said[-1]["database"].startswith("SQLite 3.")
    served.process.send_signal(signal.SIGINT)
    assert served.process.wait(PATIENCE_SECONDS) == 0


def end(database_url: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A server that does not come to serve."""
    return subprocess.run(
        [SCRIPT, "serve", *arguments],
        env={"TOLLGATE_DATABASE_URL": database_url, **variables},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_request_that_offers_http_2_besides_is_answered_whole(tollgate: Run, serve: Serve) -> None:
    """As Java's HttpClient sends every request: the offer is declined, the body is read, the connection goes on."""
    served = serve()
    tollgate("account", "create", ACCOUNT, "--name", "Example")
    token = tollgate("token", "create", "--account", ACCOUNT).stdout.strip()
    body = b'{"query": "{ viewer { permission } }"}'
    offer = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ"
    request = f"POST /graphql HTTP/1.1\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
    framed = (
        f"Content-Length: {len(body)}\r\n\r\n".encode() + body,
        f"Transfer-Encoding: chunked\r\n\r\n{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n",
    )
    connection = http.client.HTTPConnection(served.url.removeprefix("http://"), timeout=PATIENCE_SECONDS)
    connection.connect()
    for rest in framed:
        whole = f"{request}{offer}\r\n".encode() + rest
        for parts in ((whole,), (whole[:60], whole[60:]), (whole[: -len(rest)], rest[:40], rest[40:])):
            for part in parts:
                connection.sock.sendall(part)
            answer = http.client.HTTPResponse(connection.sock)
            answer.begin()
            assert (answer.status, json.load(answer)["data"]) == (200, {"viewer": {"permission": "ADMINISTRATOR"}})
    connection.close()
    assert served.stop() == 0
