"""Webhooks reach public addresses alone, whatever their names resolve to and whenever (AL-3)."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.alerts.delivery.addresses import NOT_PUBLIC, is_public, resolve
from app.alerts.delivery.failures import Undelivered
from app.alerts.delivery.webhooks import Webhooks
from tests.alerts.receivers import certified, endpoint

NOW = datetime(2026, 1, 5, tzinfo=UTC)
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


class Names:
    """A resolver that gives one answer after the other, and keeps to the last."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


async def send(url: str, names: Names, *, allow_private: bool = False) -> None:
    webhooks = Webhooks(allow_private=allow_private, seconds=20, resolver=names)
    await webhooks.send(url, SECRET, "delivery_1", "{}", NOW)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "255.255.255.255", "240.0.0.1", "198.18.0.1", "192.0.2.1", "::1", "::", "fe80::1", "fe80::1%eth0",
        "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::7f00:1",
        "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:808:808::80ff:fffe", "2001:db8::1",
    ],
)  # fmt: skip
def test_addresses_of_this_machine_and_of_private_networks_are_not_public(address: str) -> None:
    """Also where IPv6 carries them."""
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("answer", [["127.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["::ffff:127.0.0.1"]])
async def test_a_name_with_an_address_that_is_not_public_is_not_connected_to(answer: list[str]) -> None:
    """One such address among others is enough."""
    async with endpoint() as hook:
        with pytest.raises(Undelivered, match="not public"):
            await send(f"https://hooks.example.com:{hook.port}/", Names(answer))
    assert hook.requests == []


async def test_a_name_is_resolved_once_so_that_it_can_not_change_after_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the connection goes to what was resolved and checked, with the name in TLS and in Host."""
    async with endpoint(tls=certified("hooks.example.com", tmp_path, monkeypatch)) as hook:
        names = Names(["127.0.0.1"], ["127.0.0.2"])
        await send(f"https://hooks.example.com:{hook.port}/a?b=c", names, allow_private=True)
    assert names.asked == [("hooks.example.com", hook.port)]
    (request,) = hook.requests
    assert request.line == "POST /a?b=c HTTP/1.1"
    assert request.headers["host"] == f"hooks.example.com:{hook.port}"


async def test_a_certificate_must_be_of_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is checked against the host of the URL, not against the address."""
    async with endpoint(tls=certified("other.example.com", tmp_path, monkeypatch)) as hook:
        with pytest.raises(Undelivered, match="certificate"):
            await send(f"https://hooks.example.com:{hook.port}/", Names(["127.0.0.1"]), allow_private=True)
    assert hook.requests == []


async def test_the_next_address_is_tried_where_one_takes_no_connection() -> None:
    async with endpoint() as hook:
        await send(f"http://hooks.example.com:{hook.port}/", Names(["::1", "127.0.0.1"]), allow_private=True)
    assert len(hook.requests) == 1


async def test_no_more_than_four_addresses_are_tried() -> None:
    """So that a name with many that are dead does not take the time of all."""
    async with endpoint() as hook:
        dead = [f"127.0.0.{number}" for number in range(2, 6)]
        with pytest.raises(Undelivered, match="takes no connection"):
            await send(f"http://hooks.example.com:{hook.port}/", Names([*dead, "127.0.0.1"]), allow_private=True)
        await send(f"http://hooks.example.com:{hook.port}/", Names([*dead[1:], "127.0.0.1"]), allow_private=True)
    assert len(hook.requests) == 1


async def test_no_proxy_stands_between(monkeypatch: pytest.MonkeyPatch) -> None:
    """One would connect to what it resolves itself."""
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with endpoint() as hook:
        await send(f"http://hooks.example.com:{hook.port}/", Names(["127.0.0.1"]), allow_private=True)
    assert len(hook.requests) == 1


async def test_a_connection_is_used_for_one_delivery() -> None:
    """It was opened for a name; another at the same address has proved nothing."""
    ended = asyncio.Semaphore(0)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(2)
                writer.write(b"HTTP/1.1 204 X\r\nconnection: keep-alive\r\n\r\n")
        writer.close()
        await writer.wait_closed()
        ended.release()

    webhooks = Webhooks(allow_private=True, seconds=20, resolver=Names(["127.0.0.1"]))
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        for host in ("hooks.example.com", "hooks.example.org"):
            await webhooks.send(f"http://{host}:{port}/", SECRET, "delivery_1", "{}", NOW)
            async with asyncio.timeout(20):
                await ended.acquire()


async def test_nothing_is_sent_in_the_clear() -> None:
    """Not even where a URL of a time with other settings says so."""
    async with endpoint() as hook:
        with pytest.raises(Undelivered, match="https"):
            await send(f"http://hooks.example.com:{hook.port}/", Names(["93.184.216.34"]))
    assert hook.requests == []


async def test_a_redirect_is_not_followed() -> None:
    async with endpoint(lambda request: 307) as hook:
        with pytest.raises(Undelivered, match="redirects are not followed"):
            await send(f"http://127.0.0.1:{hook.port}/", Names(["127.0.0.1"]), allow_private=True)
    assert len(hook.requests) == 1


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "localhost"])
async def test_this_machine_by_any_other_name_is_not_public(host: str) -> None:
    """What a resolver makes of unusual spellings is what is checked."""
    webhooks = Webhooks(allow_private=False, seconds=20, resolver=resolve)
    with pytest.raises(Undelivered, match=NOT_PUBLIC):
        await webhooks.send(f"https://{host}/", SECRET, "delivery_1", "{}", NOW)
