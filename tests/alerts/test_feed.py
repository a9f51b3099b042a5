"""The feed: each alert once, in order, to whoever may see it, whatever breaks in between (AL-1, AL-2)."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed

from app.kernel.clock import ManualClock
from app.kernel.database import Database
from app.kernel.ids import key_of
from tests.alerts.raising import OTHER, OWNER, SHAREE, raise_alerts
from tests.alerts.served import FEED, serving, subscribed
from tests.support.api import Client
from tests.support.licenses import REGION, configuration

SHARE = """
mutation($input: CreateResourceShareInput!) {
  createResourceShare(input: $input) { resourceShare { id } errors { code message } }
}"""
INVITATIONS = "{ resourceShareInvitations { id } }"
ACCEPT = "mutation($id: ID!) { acceptResourceShareInvitation(id: $id) { errors { code message } } }"
UNSHARE = "mutation($id: ID!) { deleteResourceShare(id: $id) { errors { code message } } }"
REVOKE = "mutation($id: ID!) { revokeApiToken(id: $id) { errors { code message } } }"
TOKENS = "{ apiTokens(last: 1) { edges { node { id } } } }"


async def share(owner: Client, sharee: Client, configuration_id: str) -> str:
    """The id of a share of a license configuration that the other account has accepted."""
    wanted = {
        "region": REGION,
        "name": "ours",
        "licenseConfigurationIds": [configuration_id],
        "principals": [sharee.account_id],
        "allowExternalPrincipals": True,
    }
    payload = await owner.done(SHARE, input=wanted)
    (invitation,) = await sharee.field(INVITATIONS)
    await sharee.done(ACCEPT, id=invitation["id"])
    id_: str = payload["resourceShare"]["id"]
    return id_


@asynccontextmanager
async def streamed(address: str, client: Client) -> AsyncIterator[AsyncIterator[str]]:
    """The feed as an event stream: its lines that are not empty."""
    headers = {"accept": "text/event-stream", "authorization": f"Bearer {client.token}"}
    body = {"query": FEED, "variables": {"after": "k0"}}
    async with (
        httpx2.AsyncClient(base_url=f"http://{address}", timeout=30) as http,
        http.stream("POST", "/graphql", json=body, headers=headers) as response,
    ):
        lines = response.aiter_lines()
        yield (line async for line in lines if line)


async def revoke_newest(client: Client) -> None:
    """Revoke the account's newest token."""
    tokens = await client.field(TOKENS.replace("last", "first"))
    await client.done(REVOKE, id=tokens["edges"][0]["node"]["id"])


async def test_alerts_come_as_they_are_raised_and_again_from_a_cursor(database_url: str, clock: ManualClock) -> None:
    """AL-2: what came before the cursor is not repeated, what came after it is not missing."""
    async with serving(database_url, clock) as server:
        owner = await server.api.account(OWNER)
        async with subscribed(server.address, owner) as first:
            await raise_alerts(server.database, "one", "two")
            assert await first.take(2) == ["one", "two"]
        await raise_alerts(server.database, "three")
        assert first.cursor is not None
        async with subscribed(server.address, owner, after=first.cursor) as second:
            await raise_alerts(server.database, "four")
            assert await second.take(2) == ["three", "four"]


async def test_without_a_cursor_it_begins_with_what_is_raised_next(database_url: str, clock: ManualClock) -> None:
    """AL-2: nothing older, and no gap from the first on."""
    async with serving(database_url, clock) as server:
        owner = await server.api.account(OWNER)
        await raise_alerts(server.database, "old")
        async with subscribed(server.address, owner, after=None) as live:  # type: ignore[arg-type]
            first = asyncio.create_task(live.next())
            number = 0
            while not first.done():
                number += 1
                await raise_alerts(server.database, str(number))
                await asyncio.wait({first}, timeout=0.1)
            start = int(first.result())
            assert await live.take(number - start) == [str(each) for each in range(start + 1, number + 1)]


async def test_alerts_come_over_server_sent_events_too(database_url: str, clock: ManualClock) -> None:
    """AL-2."""
    async with serving(database_url, clock) as server:
        owner = await server.api.account(OWNER)
        async with streamed(server.address, owner) as lines:
            await raise_alerts(server.database, "one")
            assert await anext(lines) == "event: next"
            told = json.loads((await anext(lines)).removeprefix("data: "))
            assert told["data"]["limitAlerts"]["node"]["message"] == "one"


async def test_the_streams_of_a_revoked_token_close_before_the_next_alert(
    database_url: str, clock: ManualClock
) -> None:
    """AL-2: the socket with 4403, the event stream with an error and its end."""
    async with serving(database_url, clock) as server:
        owner = await server.api.account(OWNER)
        other_token = await server.api.client(OWNER)
        async with subscribed(server.address, other_token) as feed, streamed(server.address, other_token) as lines:
            await raise_alerts(server.database, "before")
            assert await feed.next() == "before"
            assert (await anext(lines), "before" in await anext(lines)) == ("event: next", True)
            await revoke_newest(owner)
            await raise_alerts(server.database, "after")
            with pytest.raises(ConnectionClosed) as closed:
                await feed.next()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4403
            rest = [line async for line in lines]
            assert "after" not in "".join(rest)
            assert '"code":"UNAUTHENTICATED"' in rest[1]
            assert rest[-2:] == ["event: complete", "data:"]


async def test_after_losing_a_share_the_next_alert_does_not_come(database_url: str, clock: ManualClock) -> None:
    """AL-2, SH-3: a sharee hears of the pool while the share lasts; its own alerts go on."""
    async with serving(database_url, clock) as server:
        owner, sharee = await server.api.account(OWNER), await server.api.account(SHAREE)
        shared = await configuration(owner)
        key = key_of(shared, "lc", "The license configuration")
        share_id = await share(owner, sharee, shared)
        async with subscribed(server.address, sharee) as feed:
            await raise_alerts(server.database, "while it is shared", configuration_key=key)
            assert await feed.next() == "while it is shared"
            await owner.done(UNSHARE, id=share_id)
            await raise_alerts(server.database, "after", configuration_key=key)
            await raise_alerts(server.database, "its own", owner_account_id=SHAREE, account_id=SHAREE)
            assert await feed.next() == "its own"


async def test_accounts_hear_of_their_own_alone(database_url: str, clock: ManualClock) -> None:
    """AL-2, PM-2: subscribers of the same document are told apart by what they may see."""
    async with serving(database_url, clock) as server:
        owner, other = await server.api.account(OWNER), await server.api.account(OTHER)
        async with subscribed(server.address, owner) as one, subscribed(server.address, other) as two:
            await raise_alerts(server.database, "the owner's")
            await raise_alerts(server.database, "the other's", owner_account_id=OTHER, account_id=OTHER)
            assert (await one.next(), await two.next()) == ("the owner's", "the other's")


async def test_a_feed_can_be_of_some_license_configurations(database_url: str, clock: ManualClock) -> None:
    """AL-2: subscribers that name different ones share nothing; an id that names none stands for nothing."""
    async with serving(database_url, clock) as server:
        owner = await server.api.account(OWNER)
        async with (
            subscribed(server.address, owner, ids=["lc_7", "lc_8"]) as both,
            subscribed(server.address, owner, ids=["lc_8", "org_7", "nonsense"]) as one,
        ):
            for key in (9, 7, 8):
                await raise_alerts(server.database, str(key), configuration_key=key)
            assert await both.take(2) == ["7", "8"]
            assert await one.next() == "8"


@pytest.mark.parametrize(
    ("variables", "field"),
    [
        ({"after": "nonsense"}, "after"),
        ({"after": "k1"}, "after"),
        ({"after": "k0", "ids": ["lc_1"] * 101}, "licenseConfigurationIds"),
    ],
)
async def test_what_is_out_of_bounds_is_refused_before_the_stream_begins(
    database_url: str, clock: ManualClock, variables: dict[str, object], field: str
) -> None:
    """API-1, API-3."""
    async with serving(database_url, clock) as server:
        owner = await server.api.account(OWNER)
        async with subscribed(server.address, owner, **variables) as feed:  # type: ignore[arg-type]
            message = json.loads(await feed.connection.recv())
        assert message["type"] == "error"
        assert message["payload"][0]["extensions"]["code"] == "INVALID_INPUT"
        assert field in str(message["payload"][0])


async def test_an_alert_of_one_server_reaches_the_subscribers_of_all(database_url: str, clock: ManualClock) -> None:
    """AL-2: several servers on one database, whoever of them wrote."""
    async with serving(database_url, clock) as one, serving(database_url, clock) as other:
        owner = await one.api.account(OWNER)
        async with subscribed(one.address, owner) as here, subscribed(other.address, owner) as there:
            await raise_alerts(one.database, "from one")
            assert (await here.next(), await there.next()) == ("from one", "from one")
            await raise_alerts(other.database, "from the other")
            assert (await here.next(), await there.next()) == ("from the other", "from the other")


async def test_an_alert_that_a_command_raises_reaches_the_subscribers(database_url: str, clock: ManualClock) -> None:
    """AL-2: a process beside the server writes to the same database, and ends."""
    async with serving(database_url, clock) as server:
        owner = await server.api.account(OWNER)
        async with subscribed(server.address, owner) as feed:
            command = Database(database_url, clock=clock)
            await command.start()
            await raise_alerts(command, "by a command")
            await command.stop()
            assert await feed.next() == "by a command"


async def test_transactions_that_race_leave_no_gap(database_url: str, clock: ManualClock) -> None:
    """AL-2: positions are the order of commits, also over two servers."""
    async with serving(database_url, clock) as one, serving(database_url, clock) as other:
        owner = await one.api.account(OWNER)
        async with subscribed(one.address, owner) as here, subscribed(other.address, owner) as there:
            raised = [raise_alerts(each.database, f"{n}") for n in range(100) for each in (one, other)]
            _, first, second = await asyncio.gather(asyncio.gather(*raised), here.take(200), there.take(200))
        assert first == second
        assert sorted(first, key=int) == [str(n) for n in range(100) for _ in (one, other)]
