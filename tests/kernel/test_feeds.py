"""Feeds: one read for all who ask the same, told without a task, bounded for the slow, nothing lost by it (AL-2)."""

import asyncio

import pytest

from app.kernel.completed import Completed
from app.kernel.errors import Unauthenticated
from app.kernel.feeds import KEPT, PAGE, Follower, callers
from app.kernel.feeds.group import AT_ONCE
from tests.support.feeds import Shelf


class Ear:
    """A sleeper that writes down what it is told."""

    def __init__(self, caller: str = "ada", *, room: bool = True) -> None:
        self.caller = caller
        self.room = room
        self.welcome = True
        self.asked = 0
        self.told: list[object] = []
        self.woken = asyncio.Event()
        self.heard = asyncio.Event()

    async def revalidate(self) -> None:
        self.asked += 1
        if not self.welcome:
            raise Unauthenticated

    def take(self, news: list[Completed]) -> bool:
        if self.room:
            self.told += [event.value for event in news]
            self.heard.set()
        return self.room

    def wake(self) -> None:
        self.woken.set()

    async def hears(self, *told: object) -> None:
        async with asyncio.timeout(20):
            while self.told != list(told):
                await self.heard.wait()
                self.heard.clear()


async def take(follower: Follower, count: int) -> list[object]:
    async with asyncio.timeout(20):
        return [(await anext(follower)).value for _ in range(count)]


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


async def test_followers_who_ask_the_same_share_one_read_and_one_event(shelf: Shelf) -> None:
    followers = [shelf.follow() for _ in range(100)]
    first = [asyncio.create_task(follower.__anext__()) for follower in followers]
    await asyncio.sleep(0)
    shelf.put()
    events = await asyncio.gather(*first)
    assert len({id(event) for event in events}) == 1
    assert shelf.reads == 1


async def test_one_who_is_too_slow_for_its_group_catches_up_and_misses_nothing(shelf: Shelf) -> None:
    """The group keeps a few hundred; what it kept no more is read again, once, in order."""
    slow, fast = shelf.follow(), shelf.follow()
    begun = asyncio.create_task(take(slow, 1)), asyncio.create_task(take(fast, 1))
    await asyncio.sleep(0)
    shelf.put()
    assert [await each for each in begun] == [[1], [1]]
    total = 2 * KEPT + 7
    for number in range(2, total + 1):
        shelf.put()
        assert await take(fast, 1) == [number]
    assert await take(slow, total - 1) == list(range(2, total + 1))
    shelf.put()
    assert (await take(slow, 1), await take(fast, 1)) == ([total + 1], [total + 1])


async def test_one_who_begins_long_ago_reads_in_pages_and_then_sleeps_with_the_rest(shelf: Shelf) -> None:
    shelf.put(2 * PAGE + 1)
    follower, ear = shelf.follow(7, fresh=False), Ear()
    got = []
    while not await follower.rest(ear):
        got += await take(follower, 1)
    assert got == list(range(8, 2 * PAGE + 2))
    shelf.put()
    await ear.hears(2 * PAGE + 2)


async def test_what_came_before_a_group_was_there_is_told_too(shelf: Shelf) -> None:
    """Its signal may have been heard already."""
    shelf.put()
    ear = Ear()
    assert await shelf.follow(0).rest(ear)
    await ear.hears(1)


async def test_who_sleeps_is_told_without_being_woken(shelf: Shelf) -> None:
    followers = [shelf.follow() for _ in range(2 * AT_ONCE + 1)]
    ears = [Ear() for _ in followers]
    assert all([await follower.rest(ear) for follower, ear in zip(followers, ears, strict=True)])
    for number in (1, 2):
        shelf.put()
        for ear in ears:
            await ear.hears(*range(1, number + 1))
    assert not any(ear.woken.is_set() for ear in ears)
    assert shelf.reads == 2


async def test_a_caller_is_asked_once_for_all_of_its_subscriptions_before_each_event(shelf: Shelf) -> None:
    ears = [Ear("ada") for _ in range(5)] + [Ear("bob") for _ in range(5)]
    for ear in ears:
        assert await shelf.follow().rest(ear)
    for number in (1, 2):
        shelf.put()
        for ear in ears:
            await ear.hears(*range(1, number + 1))
        assert sum(ear.asked for ear in ears if ear.caller == "ada") == number
        assert sum(ear.asked for ear in ears if ear.caller == "bob") == number


async def test_who_is_not_welcome_any_more_is_woken_and_told_nothing(shelf: Shelf) -> None:
    """AL-2: to find out for itself; the others are told."""
    ada, bob = Ear("ada"), Ear("bob")
    for ear in (ada, bob):
        assert await shelf.follow().rest(ear)
    ada.welcome = False
    shelf.put()
    await bob.hears(1)
    await asyncio.wait_for(ada.woken.wait(), 20)
    assert ada.told == []
    shelf.put()
    await bob.hears(1, 2)
    assert ada.told == []


async def test_a_caller_of_whom_nobody_can_say_holds_up_no_other(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stuck(Ear):
        async def revalidate(self) -> None:
            await asyncio.Event().wait()

    stuck, bob = Stuck("ada"), Ear("bob")
    for ear in (stuck, bob):
        assert await shelf.follow().rest(ear)
    monkeypatch.setattr(callers, "PATIENCE_SECONDS", 0.05)
    shelf.put()
    await bob.hears(1)
    await asyncio.wait_for(stuck.woken.wait(), 20)
    assert stuck.told == []


async def test_who_has_no_room_is_woken_and_iterates_over_what_it_did_not_take(shelf: Shelf) -> None:
    follower, ear = shelf.follow(), Ear(room=False)
    assert await follower.rest(ear)
    shelf.put()
    await asyncio.wait_for(ear.woken.wait(), 20)
    shelf.put()
    assert await take(follower, 2) == [1, 2]
    ear.room = True
    assert await follower.rest(ear)
    shelf.put()
    await ear.hears(3)


async def test_what_a_sleeper_does_not_see_leaves_it_asleep(shelf: Shelf) -> None:
    """And does not ask for its caller."""
    ear = Ear()
    assert await shelf.follow().rest(ear)
    shelf.hidden = {1}
    shelf.put()
    while shelf.reads < 1:  # noqa: ASYNC110 - the hub reads on this very loop
        await asyncio.sleep(0)
    assert (ear.asked, ear.woken.is_set()) == (0, False)
    shelf.put()
    await ear.hears(2)


async def test_one_who_leaves_while_others_are_told_is_told_nothing(shelf: Shelf) -> None:
    leaving, ear = shelf.follow(), Ear()
    ahead = Ear()
    ahead.take = lambda news: not leaving.close()  # type: ignore[func-returns-value, method-assign]
    behind = Ear()
    for follower, each in ((shelf.follow(), ahead), (leaving, ear), (shelf.follow(), behind)):
        assert await follower.rest(each)
    shelf.put()
    await behind.hears(1)
    assert (ear.told, ear.woken.is_set()) == ([], False)


async def test_what_breaks_a_read_is_told_to_those_whose_it_is_alone(shelf: Shelf) -> None:
    broken = Shelf()
    broken.bus, broken.hub = shelf.bus, shelf.hub
    good, bad, asleep = shelf.follow(key="good"), broken.follow(key="bad"), broken.follow(key="bad")
    ear = Ear()
    assert await asleep.rest(ear)
    waiting = [asyncio.create_task(take(each, 1)) for each in (good, bad)]
    await asyncio.sleep(0)
    broken.failure = RuntimeError("no")
    shelf.put()
    assert await waiting[0] == [1]
    with pytest.raises(RuntimeError, match="no"):
        await waiting[1]
    await asyncio.wait_for(ear.woken.wait(), 20)
    with pytest.raises(RuntimeError, match="no"):
        await take(asleep, 1)


async def test_the_hub_lets_go_when_the_last_follower_leaves_and_begins_anew(shelf: Shelf) -> None:
    """Nothing listens for nobody."""
    for number in (1, 2):
        follower = shelf.follow(number - 1)
        begun = asyncio.create_task(take(follower, 1))
        await asyncio.sleep(0)
        shelf.put()
        assert await begun == [number]
        await follower.aclose()
        await follower.aclose()
        assert not any(shelf.bus._listeners.values())
        with pytest.raises(StopAsyncIteration):
            await anext(follower)
