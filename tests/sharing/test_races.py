"""What two servers do at the same time ends as if one after the other, on both databases (SH-2, SH-5, OR-4)."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from app.kernel.clock import ManualClock
from app.kernel.database import Database
from app.kernel.errors import DomainError
from app.kernel.ids import node_id
from app.kernel.tables import table_of
from app.organizations import accounts
from app.sharing import invitations, shares
from app.sharing.managed import share_with_members
from app.sharing.models import ResourceShareRow, ShareInvitationRow, ShareReachRow
from tests.sharing.stage import ANN, BOB, MASTER, OTHER_REGION, OUTSIDER, Stage

reaches = table_of(ShareReachRow)
rows = table_of(ResourceShareRow)


@pytest.fixture
async def other(database_url: str, clock: ManualClock) -> AsyncIterator[Stage]:
    """The same accounts, on another server of the same database."""
    database = Database(database_url, clock=clock)
    await database.start()
    yield Stage(database)
    await database.stop()


async def _together(*works: Coroutine[Any, Any, Any]) -> list[str]:
    """Run at once; for each, whether it was done or the code of its refusal."""
    outcomes = await asyncio.gather(*works, return_exceptions=True)
    told = []
    for outcome in outcomes:
        if isinstance(outcome, DomainError):
            told.append(outcome.refusals[0].code.value)
        elif isinstance(outcome, BaseException):
            raise outcome
        else:
            told.append("done")
    return told


def _in_force(connection: Connection, account_id: str) -> int:
    held = select(func.count()).where(reaches.c.account_id == account_id, reaches.c.ended.is_(None))
    return int(connection.execute(held).scalar_one())


async def test_an_invitation_is_accepted_once(stage: Stage, other: Stage) -> None:
    """SH-2: of many answers at once one is taken, the others find it closed."""
    await stage.exist(MASTER, OUTSIDER)
    key = await stage.configuration(MASTER)
    await stage.share(MASTER, [key], [OUTSIDER], allow_external_principals=True)
    invitation, _ = await stage.invitation(OUTSIDER)
    told = await _together(*[each.act(OUTSIDER, invitations.accept, invitation) for each in (stage, other) * 4])
    assert sorted(told) == ["CONFLICT"] * 7 + ["done"]
    assert await stage.read(_in_force, OUTSIDER) == 1


async def test_accepting_a_share_that_is_being_deleted_leaves_nothing_in_force(stage: Stage, other: Stage) -> None:
    """SH-5: whichever comes first."""
    await stage.exist(MASTER, OUTSIDER)
    key = await stage.configuration(MASTER)
    for number in range(6):
        share = await stage.share(MASTER, [key], [OUTSIDER], allow_external_principals=True, name=f"share {number}")
        invitation = await stage.read(_invitation_of, share)
        told = await _together(
            stage.act(OUTSIDER, invitations.accept, invitation), other.act(MASTER, shares.delete, share)
        )
        assert told[1] == "done"
        assert await stage.read(_in_force, OUTSIDER) == 0


async def test_an_account_that_joins_while_a_share_is_made_sees_it(stage: Stage, other: Stage) -> None:
    """ST-3: nothing falls between the two."""
    await stage.organization(ANN)
    newcomers = [f"70000000000{number}" for number in range(6)]
    await stage.exist(*newcomers)
    organization_id = await stage.organization_id()
    keys = [await stage.configuration(MASTER, f"number {number}") for number in range(6)]
    await _together(
        *[stage.join(account_id) for account_id in newcomers],
        *[other.share(MASTER, [key], [organization_id], name=f"share {key}") for key in keys],
    )
    for account_id in newcomers:
        assert await stage.shared(account_id) == set(keys)


async def test_an_account_that_leaves_while_it_is_shared_with_sees_nothing(stage: Stage, other: Stage) -> None:
    """OR-4."""
    await stage.organization(ANN, BOB)
    key = await stage.configuration(MASTER)
    for number in range(6):
        told = await _together(
            stage.act(ANN, accounts.leave),
            other.share(MASTER, [key], [await stage.organization_id()], name=f"share {number}"),
        )
        assert told == ["done", "done"]
        assert await stage.shared(ANN) == set()
        await stage.join(ANN)
        assert await stage.shared(ANN) == {key}


async def test_two_first_uses_make_one_share_of_a_region(stage: Stage, other: Stage) -> None:
    """ST-3, IN-6."""
    await stage.organization(ANN)
    keys = [await stage.configuration(MASTER, f"number {number}", OTHER_REGION) for number in range(6)]
    servers = (stage, other) * 3
    await _together(*[server.act(MASTER, share_with_members, key) for server, key in zip(servers, keys, strict=True)])
    made = select(func.count()).where(rows.c.region == OTHER_REGION)
    assert await stage.read(lambda connection: connection.execute(made).scalar_one()) == 1
    assert await stage.shared(ANN) == set(keys)


def _invitation_of(connection: Connection, share_id: str) -> str:
    sent = table_of(ShareInvitationRow)
    key = int(share_id.removeprefix("share_"))
    return node_id("sinv", connection.execute(select(sent.c.id).where(sent.c.share_id == key)).scalar_one())
