"""Delivery: every alert at least once to each channel under one id, retried, and put aside where it can't be (AL-3)."""

import asyncio
from datetime import timedelta

import pytest
import time_machine
from pydantic import SecretStr
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from app.alerts import channels
from app.alerts.delivery.addresses import Resolve
from app.alerts.delivery.deliverer import LONGEST_WAIT, Deliverer
from app.alerts.delivery.failures import Undelivered
from app.alerts.rules import FIRST_PAUSE, pause, share_of_one
from app.kernel.clock import ManualClock
from app.kernel.database import Database
from app.kernel.ids import node_id
from tests.alerts.raising import OTHER, OWNER, raise_alerts
from tests.alerts.receivers import KEY, Request, channel, deliveries, endpoint, last_error, private, run_out, viewer


async def test_a_webhook_is_signed_by_the_standard(database: Database, clock: ManualClock) -> None:
    """AL-3: the library that receivers use verifies it, and refuses a changed body."""
    async with endpoint() as hook:
        made = await channel(database, f"http://127.0.0.1:{hook.port}/alerts?x=1")
        await raise_alerts(database, "over")
        assert await Deliverer(database, private()).run_due() == 1
    (request,) = hook.requests
    assert request.line == "POST /alerts?x=1 HTTP/1.1"
    assert request.alert["message"] == "over"
    assert made.secret is not None
    with time_machine.travel(clock.now(), tick=False):
        assert Webhook(made.secret).verify(request.body, request.headers)["type"] == "alert.raised"
        with pytest.raises(WebhookVerificationError):
            Webhook(made.secret).verify(request.body.replace("over", "under"), request.headers)


async def test_each_channel_gets_each_alert_of_its_account_and_region(database: Database) -> None:
    """AL-3: and nothing twice, however often the deliverer looks."""
    async with endpoint() as hook:
        for path, region in (("all", None), ("here", "us-east-1"), ("there", "eu-west-1")):
            await channel(database, f"http://127.0.0.1:{hook.port}/{path}", region=region)
        await channel(database, f"http://127.0.0.1:{hook.port}/other", account_id=OTHER)
        await raise_alerts(database, "one", "two")
        deliverer = Deliverer(database, private())
        await deliverer.run_due()
        assert await deliverer.run_due() == 0
    got = sorted((each.line.split()[1], each.alert["message"]) for each in hook.requests)
    assert got == [("/all", "one"), ("/all", "two"), ("/here", "one"), ("/here", "two")]
    assert len(hook.delivered()) == 4


async def test_each_account_s_channels_get_its_own_alerts_alone(database: Database) -> None:
    """AL-3, PM-2: also where alerts of several accounts go out together."""
    async with endpoint() as hook:
        for account_id in (OWNER, OTHER):
            await channel(database, f"http://127.0.0.1:{hook.port}/{account_id}", account_id=account_id)
        await raise_alerts(database, OWNER)
        await raise_alerts(database, OTHER, owner_account_id=OTHER, account_id=OTHER)
        await Deliverer(database, private()).run_due()
    got = sorted((each.line.split()[1], each.alert["message"]) for each in hook.requests)
    assert got == [(f"/{OWNER}", OWNER), (f"/{OTHER}", OTHER)]


async def never(host: str, port: int) -> list[str]:
    await asyncio.Event().wait()
    return [host]


async def broken(host: str, port: int) -> list[str]:
    raise RuntimeError("the database password is hunter2")


@pytest.mark.parametrize(
    ("resolver", "error"),
    [
        (never, "The receiver took longer than 0.01 s."),
        (broken, "The service could not send it; its log says why."),
    ],
)
async def test_an_attempt_that_ends_in_no_way_foreseen_is_a_failure_like_another(
    database: Database, resolver: Resolve, error: str
) -> None:
    """AL-3: it takes no other with it, holds no slot, and is tried again."""
    await channel(database, "http://127.0.0.1:9/")
    await raise_alerts(database, "one", "two")
    assert await Deliverer(database, private(delivery_seconds=0.01), resolver=resolver).run_due() == 2
    assert [(each.state, each.last_error) for each in await deliveries(database)] == [("PENDING", error)] * 2


async def test_a_secret_whose_key_is_gone_is_a_failure_that_says_so(database: Database) -> None:
    """AL-3."""
    async with endpoint() as hook:
        await channel(database, f"http://127.0.0.1:{hook.port}/")
        await raise_alerts(database, "over")
        await Deliverer(database, private(secret_keys=(SecretStr(KEY[::-1].strip("=") + "="),))).run_due()
    (waiting,) = await deliveries(database)
    assert (waiting.state, "Make the channel anew" in waiting.last_error, hook.requests) == ("PENDING", True, [])


async def test_no_more_are_under_way_than_the_setting_lets(database: Database) -> None:
    """AL-3: however many channels there are, and however long some of them take."""
    begun, under_way, most = 0, 0, 0
    held = asyncio.Event()

    async def counting(host: str, port: int) -> list[str]:
        nonlocal begun, under_way, most
        begun, under_way = begun + 1, under_way + 1
        most = max(most, under_way)
        if begun <= 3:
            await held.wait()
        elif begun >= 20:
            held.set()
        # Those that are begun together are under way together.
        await asyncio.sleep(0)
        under_way -= 1
        raise Undelivered("no")

    for number in range(12):
        await channel(database, f"http://127.0.0.1:9/{number}")
    await raise_alerts(database, *(str(number) for number in range(3)))
    assert await Deliverer(database, private(delivery_concurrency=4), resolver=counting).run_due() == 36
    assert most == 4


async def test_it_looks_again_when_the_next_is_due(database: Database) -> None:
    """AL-3: and now and then where nothing is, as another server may make something due."""
    deliverer = Deliverer(database, private(), resolver=broken)
    assert await deliverer._until_due() == LONGEST_WAIT
    await channel(database, "http://127.0.0.1:9/")
    await raise_alerts(database, "over")
    await deliverer.run_due()
    assert 5 <= await deliverer._until_due() <= 7.5


async def test_a_failure_is_tried_again_later_under_the_same_id(database: Database, clock: ManualClock) -> None:
    """AL-3: not before its time, with longer pauses."""
    statuses = iter([500, 500, 204])
    async with endpoint(lambda request: next(statuses)) as hook:
        await channel(database, f"http://127.0.0.1:{hook.port}/")
        await raise_alerts(database, "over")
        deliverer = Deliverer(database, private())
        await deliverer.run_due()
        clock.advance(FIRST_PAUSE - timedelta(seconds=1))
        assert await deliverer.run_due() == 0
        (waiting,) = await deliveries(database)
        assert (waiting.state, waiting.last_error) == ("PENDING", "The endpoint answered 500.")
        await run_out([deliverer], clock, database)
    assert len(hook.requests) == 3
    assert len({each.headers["webhook-id"] for each in hook.requests}) == 1
    (done,) = await deliveries(database)
    assert (done.state, done.attempts, done.last_error) == ("DELIVERED", 3, None)


@pytest.mark.parametrize(("attempts", "seconds"), [(1, 5), (2, 10), (5, 80), (10, 2560), (11, 3600), (100, 3600)])
def test_pauses_double_up_to_an_hour_and_are_spread(attempts: int, seconds: int) -> None:
    """AL-3."""
    assert pause(attempts, 0) == timedelta(seconds=seconds)
    assert pause(attempts, 1) == timedelta(seconds=seconds * 1.5)


@pytest.mark.parametrize("status", [302, 404, None])
async def test_what_fails_too_often_is_a_dead_letter_that_can_be_replayed(
    database: Database, clock: ManualClock, status: int | None
) -> None:
    """AL-3: a redirect is not followed, and a connection that is broken off is a failure like another."""
    answers = {"now": status}
    async with endpoint(lambda request: answers["now"]) as hook:
        await channel(database, f"http://127.0.0.1:{hook.port}/")
        await raise_alerts(database, "over")
        deliverer = Deliverer(database, private())
        await deliverer.run_due()
        await run_out([deliverer], clock, database)
        (dead,) = await deliveries(database)
        assert (dead.state, dead.attempts, len(hook.requests)) == ("DEAD", 4, 4)
        answers["now"] = 204
        await database.write(lambda tx: channels.replay(tx, viewer(), node_id("delivery", dead.id)))
        await deliverer.run_due()
    assert list(hook.delivered()) == [node_id("delivery", dead.id)]


async def test_an_endpoint_that_is_gone_is_not_asked_again(database: Database, clock: ManualClock) -> None:
    """AL-3: 410 makes a dead letter at once and disables the channel, as the specification has it."""
    async with endpoint(lambda request: 410) as hook:
        await channel(database, f"http://127.0.0.1:{hook.port}/")
        await raise_alerts(database, "one")
        deliverer = Deliverer(database, private())
        await deliverer.run_due()
        await raise_alerts(database, "two")
        await deliverer.run_due()
    assert len(hook.requests) == 1
    assert [each.state for each in await deliveries(database)] == ["DEAD"]


async def test_a_channel_that_is_off_keeps_what_waits(database: Database, clock: ManualClock) -> None:
    """AL-3: what was raised before goes once it is on again, what was raised meanwhile passes it by."""
    answers = {"now": 500}
    async with endpoint(lambda request: answers["now"]) as hook:
        made = await channel(database, f"http://127.0.0.1:{hook.port}/")
        id_ = node_id("channel", made.key)
        deliverer = Deliverer(database, private())
        await raise_alerts(database, "before")
        await deliverer.run_due()
        await database.write(lambda tx: channels.enable(tx, viewer(), id_, False))
        await raise_alerts(database, "meanwhile")
        clock.advance(hours=1)
        assert await deliverer.run_due() == 0
        answers["now"] = 204
        await database.write(lambda tx: channels.enable(tx, viewer(), id_, True))
        await deliverer.run_due()
    assert [each.alert["message"] for each in hook.requests if each.status == 204] == ["before"]


async def test_several_servers_share_the_deliveries_and_send_none_twice(
    database: Database, clock: ManualClock, database_url: str
) -> None:
    """AL-3: while nothing fails, at least once is once."""
    other = Database(database_url, clock=clock)
    await other.start()
    try:
        async with endpoint() as hook:
            await channel(database, f"http://127.0.0.1:{hook.port}/")
            await raise_alerts(database, *(str(n) for n in range(60)))
            both = [Deliverer(each, private(delivery_concurrency=4)) for each in (database, other)]
            counts = await asyncio.gather(*(each.run_due() for each in both))
    finally:
        await other.stop()
    assert sum(counts) == 60
    assert set(hook.delivered().values()) == {1}
    assert {each.alert["message"] for each in hook.requests} == {str(n) for n in range(60)}


async def test_what_a_server_that_died_had_begun_is_sent_by_another(database: Database, clock: ManualClock) -> None:
    """AL-3: at least once, under the same id; and not while the first may still be at it."""
    begun, held = asyncio.Event(), asyncio.Event()

    async def silent(host: str, port: int) -> list[str]:
        begun.set()
        await held.wait()
        return [host]

    async with endpoint() as hook:
        await channel(database, f"http://127.0.0.1:{hook.port}/")
        await raise_alerts(database, "over")
        dying = asyncio.create_task(Deliverer(database, private(), resolver=silent).run_due())
        await begun.wait()
        heir = Deliverer(database, private())
        assert await heir.run_due() == 0
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
        clock.advance(minutes=2)
        assert await heir.run_due() == 1
    (done,) = await deliveries(database)
    assert (done.state, done.attempts) == ("DELIVERED", 2)
    assert list(hook.delivered()) == [node_id("delivery", done.id)]


@pytest.mark.parametrize(("slots", "share"), [(1, 1), (4, 1), (7, 1), (8, 2), (16, 4)])
def test_one_channel_may_hold_a_quarter_of_the_slots(slots: int, share: int) -> None:
    """AL-3."""
    assert share_of_one(slots) == share


async def test_a_slow_channel_leaves_slots_to_the_others(database: Database) -> None:
    """AL-3: it holds a quarter of them, however much is due for it, and gets everything in its own time."""
    asked: list[str] = []
    held = asyncio.Event()

    async def slow(host: str, port: int) -> list[str]:
        if host == "slow.example.com":
            asked.append(host)
            await held.wait()
        return ["127.0.0.1"]

    quick = asyncio.Event()

    def answer(request: Request) -> int:
        if sum(each.line.startswith("POST /quick") for each in hook.requests) == 20:
            quick.set()
        return 204

    async with endpoint(answer) as hook:
        await channel(database, f"http://slow.example.com:{hook.port}/slow")
        await channel(database, f"http://127.0.0.1:{hook.port}/quick")
        await raise_alerts(database, *(str(number) for number in range(20)))
        delivering = asyncio.create_task(Deliverer(database, private(delivery_concurrency=8), resolver=slow).run_due())
        await asyncio.wait_for(quick.wait(), 60)
        assert len(asked) == 2
        held.set()
        assert await delivering == 40
    assert set(hook.delivered().values()) == {1}
    assert len(hook.delivered()) == 40


async def test_an_attempt_that_another_server_took_over_changes_nothing_any_more(
    database: Database, clock: ManualClock
) -> None:
    """AL-3: one that was thought lost and ends after all."""
    begun, held = asyncio.Event(), asyncio.Event()

    async def late(host: str, port: int) -> list[str]:
        begun.set()
        await held.wait()
        raise Undelivered("too late")

    async with endpoint() as hook:
        made = await channel(database, f"http://127.0.0.1:{hook.port}/")
        await raise_alerts(database, "over")
        slow = asyncio.create_task(Deliverer(database, private(), resolver=late).run_due())
        await begun.wait()
        clock.advance(minutes=2)
        assert await Deliverer(database, private()).run_due() == 1
        held.set()
        await slow
    (done,) = await deliveries(database)
    assert (done.state, done.attempts, done.last_error) == ("DELIVERED", 2, None)
    assert await last_error(database, made.key) is None


async def test_an_endpoint_that_fails_in_three_of_ten_gets_everything_or_it_is_put_aside(
    database: Database, clock: ManualClock
) -> None:
    """AL-3: with 30 % failures each of 300 alerts is delivered once by id, or a dead letter."""
    clockwork = iter(range(10_000))
    async with endpoint(
        lambda request: (500, 204, 503, 204, 204, 204, 204, None, 204, 204)[next(clockwork) * 7 % 10]
    ) as hook:
        await channel(database, f"http://127.0.0.1:{hook.port}/")
        messages = {f"alert {n}" for n in range(300)}
        await raise_alerts(database, *sorted(messages))
        deliverers = [Deliverer(database, private(delivery_attempts=3)) for _ in range(2)]
        await asyncio.gather(*(each.run_due() for each in deliverers))
        await run_out(deliverers, clock, database)
    rows = await deliveries(database)
    delivered = {node_id("delivery", each.id) for each in rows if each.state == "DELIVERED"}
    dead = {node_id("delivery", each.id) for each in rows if each.state == "DEAD"}
    assert hook.delivered() == dict.fromkeys(delivered, 1)
    assert {each.payload["data"]["message"] for each in rows} == messages
    assert len(delivered) + len(dead) == 300
    assert len(hook.requests) > 400


async def test_an_alert_wakes_the_deliverer(database: Database) -> None:
    """AL-3: nobody asks it to look."""
    taken = asyncio.Event()

    def answer(_: object) -> int:
        taken.set()
        return 204

    async with endpoint(answer) as hook:
        await channel(database, f"http://127.0.0.1:{hook.port}/")
        running = asyncio.create_task(Deliverer(database, private()).run_forever())
        async with asyncio.timeout(60):
            while not any(each._wake._waiters for each in database.bus._listeners["alerts"]):  # noqa: ASYNC110
                await asyncio.sleep(0)
            await raise_alerts(database, "over")
            await taken.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_what_was_delivered_is_forgotten_after_a_week(database: Database, clock: ManualClock) -> None:
    """AL-3: the queue does not grow without end; dead letters stay."""
    statuses = iter([204, 410])
    async with endpoint(lambda request: next(statuses)) as hook:
        await channel(database, f"http://127.0.0.1:{hook.port}/")
        deliverer = Deliverer(database, private())
        for message in ("one", "two"):
            await raise_alerts(database, message)
            await deliverer.run_due()
        clock.advance(days=8)
        await deliverer.run_due()
    assert [each.state for each in await deliveries(database)] == ["DEAD"]
