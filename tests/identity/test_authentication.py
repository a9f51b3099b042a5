"""Callers by API token: valid at each call or not at all, looked up together, last use kept behind their backs."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from app.identity.authentication import Authenticator
from app.identity.rules import mint
from app.identity.service import NewToken, create_token, keep_last_use, list_tokens, revoke_token
from app.kernel.clock import ManualClock
from app.kernel.database import Database, Transaction
from app.kernel.errors import Unauthenticated
from app.kernel.viewer import Permission, Viewer
from app.organizations.accounts import create_standalone

ACCOUNT = "111122223333"


@pytest.fixture
async def authenticator(database: Database) -> AsyncIterator[Authenticator]:
    await database.write(lambda tx: create_standalone(tx, ACCOUNT, "An account"))
    made = Authenticator(database)
    yield made
    await made.settle()


async def token(database: Database, name: str = "ada", lifetime: timedelta | None = None) -> NewToken:
    def make(tx: Any) -> NewToken:
        return create_token(tx, ACCOUNT, Permission.USER, name, tx.now + lifetime if lifetime else None)

    return await database.write(make)


async def test_a_token_names_its_caller(database: Database, authenticator: Authenticator) -> None:
    made = await token(database)
    assert await authenticator.authenticate(f"Bearer {made.secret}") == Viewer(
        account_id=ACCOUNT,
        principal_arn=f"arn:aws:iam::{ACCOUNT}:user/ada",
        permission=Permission.USER,
        principal_name="ada",
        credential_id=f"token_{made.key}",
    )


async def test_whatever_is_no_valid_token_is_refused_alike(database: Database, authenticator: Authenticator) -> None:
    made = await token(database)
    prefix = made.secret[:11]
    for header in (
        None,
        "",
        made.secret,
        f"Basic {made.secret}",
        "Bearer tg_",
        f"Bearer {prefix}",
        f"Bearer {made.secret}x",
        f"Bearer {made.secret[:-1]}",
        f"Bearer {mint().secret}",
        "Bearer eyJhbGciOiJub25lIn0.e30.",
    ):
        with pytest.raises(Unauthenticated) as refused:
            await authenticator.authenticate(header)
        assert str(refused.value) == ""


async def test_an_expired_token_is_refused_from_its_instant_on(
    database: Database, authenticator: Authenticator, clock: ManualClock
) -> None:
    made = await token(database, lifetime=timedelta(hours=1))
    clock.advance(minutes=59, seconds=59)
    await authenticator.authenticate(f"Bearer {made.secret}")
    clock.advance(seconds=1)
    with pytest.raises(Unauthenticated):
        await authenticator.authenticate(f"Bearer {made.secret}")


async def test_a_revoked_token_is_refused_at_once_also_when_another_process_revoked_it(
    database: Database, database_url: str, authenticator: Authenticator
) -> None:
    made = [await token(database, name) for name in ("one", "two")]
    for each in made:
        await authenticator.authenticate(f"Bearer {each.secret}")
    other = Database(database_url, clock=database.clock)
    await other.start()
    for process, each in ((database, made[0]), (other, made[1])):
        await process.write(partial(_revoke, each.key))
        with pytest.raises(Unauthenticated):
            await authenticator.authenticate(f"Bearer {each.secret}")
    await other.stop()


def _revoke(key: int, tx: Transaction) -> None:
    revoke_token(tx, ACCOUNT, key)


async def test_callers_who_come_together_are_looked_up_together(
    database: Database, authenticator: Authenticator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One look-up for all that ask before it begins, for several tokens too; each gets its own answer."""
    made = [await token(database, name) for name in ("one", "two")]
    reads = 0
    read = database.read

    async def counted(*arguments: Any, **named: Any) -> Any:
        nonlocal reads
        reads += 1
        return await read(*arguments, **named)

    monkeypatch.setattr(database, "read", counted)
    headers = [f"Bearer {each.secret}" for each in (*made, *made, *made)] + [f"Bearer {mint().secret}"]
    answers = await asyncio.gather(*map(authenticator.authenticate, headers), return_exceptions=True)
    assert [each.principal_name for each in answers if isinstance(each, Viewer)] == ["one", "two"] * 3
    assert isinstance(answers[-1], Unauthenticated)
    assert reads == 1


async def test_a_look_up_that_has_begun_is_not_joined(database: Database, authenticator: Authenticator) -> None:
    """Who asks after a revocation must not be answered by what was read before it."""
    made = await token(database)
    begun, go_on = asyncio.Event(), asyncio.Event()
    read = database.read

    async def slow(work: Any, **named: Any) -> Any:
        found = await read(work, **named)
        begun.set()
        await go_on.wait()
        return found

    database.read = slow  # type: ignore[method-assign]
    first = asyncio.create_task(authenticator.authenticate(f"Bearer {made.secret}"))
    await begun.wait()
    await database.write(lambda tx: revoke_token(tx, ACCOUNT, made.key))
    second = asyncio.create_task(authenticator.authenticate(f"Bearer {made.secret}"))
    go_on.set()
    assert isinstance(await first, Viewer)
    with pytest.raises(Unauthenticated):
        await second


async def test_a_caller_who_gives_up_takes_no_other_with_it(database: Database, authenticator: Authenticator) -> None:
    made = await token(database)
    header = f"Bearer {made.secret}"
    leaving, staying = (asyncio.create_task(authenticator.authenticate(header)) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await staying).principal_name == "ada"


async def uses(database: Database) -> list[Any]:
    found = await database.read(lambda connection: list_tokens(connection, ACCOUNT))
    return [each.last_used_at for each in found]


async def test_the_last_use_is_kept_to_the_minute(
    database: Database, authenticator: Authenticator, clock: ManualClock
) -> None:
    made = await token(database)
    start = clock.now()
    for seconds, expected in ((0, start), (59, start), (1, start + timedelta(seconds=60))):
        clock.advance(seconds=seconds)
        await authenticator.authenticate(f"Bearer {made.secret}")
        await authenticator.settle()
        assert await uses(database) == [expected]


async def test_two_servers_keep_one_use_of_a_minute(
    database: Database, authenticator: Authenticator, clock: ManualClock
) -> None:
    made = await token(database)
    start = clock.now()
    for seconds, expected in ((0, start), (59, start), (1, start + timedelta(seconds=60))):
        clock.advance(seconds=seconds)
        await database.write_batched(keep_last_use, made.key)
        assert await uses(database) == [expected]


async def test_many_uses_within_a_minute_are_one_write(
    database: Database, authenticator: Authenticator, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await token(database)
    writes = 0
    write_batched = database.write_batched

    async def counted(*arguments: Any) -> Any:
        nonlocal writes
        writes += 1
        return await write_batched(*arguments)

    monkeypatch.setattr(database, "write_batched", counted)
    for _ in range(20):
        await authenticator.authenticate(f"Bearer {made.secret}")
    await authenticator.settle()
    assert writes == 1


async def test_a_caller_is_answered_though_its_use_can_not_be_written(
    database: Database, authenticator: Authenticator, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.kernel.errors import Unavailable

    made = await token(database)
    write_batched = database.write_batched

    async def fails(*_: Any) -> Any:
        raise Unavailable("the disk is full")

    monkeypatch.setattr(database, "write_batched", fails)
    await authenticator.authenticate(f"Bearer {made.secret}")
    await authenticator.settle()
    assert await uses(database) == [None]
    monkeypatch.setattr(database, "write_batched", write_batched)
    await authenticator.authenticate(f"Bearer {made.secret}")
    await authenticator.settle()
    assert await uses(database) == [database.clock.now()]
