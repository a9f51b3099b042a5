"""What must come one after the other does so on several servers: the second sees what the first has done."""

from typing import Any

import pytest

from app.kernel.clock import ManualClock
from app.kernel.database import Database, Transaction
from app.kernel.errors import DomainError
from app.kernel.viewer import Viewer
from app.organizations import accounts, founding, invitations, units
from app.organizations.rules import FeatureSet
from app.organizations.service import mark_linked, members, membership
from tests.organizations.interleaving import Work, interleaved
from tests.organizations.world import MASTER, MEMBER, OUTSIDER, viewer_of
from tests.support.databases import Databases


def founded(tx: Transaction) -> int:
    """An organization of MASTER and MEMBER; returns its key."""
    for account_id in (MASTER, MEMBER, OUTSIDER):
        accounts.create_standalone(tx, account_id, "An account")
    key = founding.found(tx, MASTER, FeatureSet.ALL)
    accounts.enter(tx, key, units.unit_in(tx, key, None), MEMBER)
    return key


async def prepared(all_databases: Databases, prepare: Work) -> tuple[str, Any]:
    url = all_databases.url("postgresql")
    database = Database(url, clock=ManualClock())
    await database.start()
    outcome = await database.write(prepare)
    await database.stop()
    return url, outcome


def linked(key: int) -> Work:
    """Link, and return whom the link found."""

    def work(tx: Transaction) -> set[str]:
        assert mark_linked(tx, key)
        return {each.account_id for each in members(tx.connection, key)}

    return work


def joins(viewer: Viewer, invitation: int) -> Work:
    """Accept, and return whether the organization was linked by then."""

    def work(tx: Transaction) -> bool:
        invitations.accept(tx, viewer, f"ainv_{invitation}")
        own = membership(tx.connection, viewer.account_id)
        assert own is not None
        return own.organization.linked

    return work


async def test_or_2_an_account_is_invited_once_by_two_servers(all_databases: Databases, clock: ManualClock) -> None:
    url, _ = await prepared(all_databases, founded)

    def invite(tx: Transaction) -> int:
        return invitations.invite(tx, viewer_of(MASTER), OUTSIDER)

    first, second = await interleaved(url, clock, invite, invite)
    assert isinstance(first, int)
    assert isinstance(second, DomainError)


@pytest.mark.parametrize("joins_first", [True, False])
async def test_st_3_an_account_that_joins_while_the_organization_is_linked_is_found_by_one_of_the_two(
    all_databases: Databases, clock: ManualClock, joins_first: bool
) -> None:
    def prepare(tx: Transaction) -> tuple[int, int]:
        key = founded(tx)
        return key, invitations.invite(tx, viewer_of(MASTER), OUTSIDER)

    url, (key, invitation) = await prepared(all_databases, prepare)
    link, join = linked(key), joins(viewer_of(OUTSIDER), invitation)
    if joins_first:
        was_linked, found = await interleaved(url, clock, join, link)
        assert (was_linked, found) == (False, {MASTER, MEMBER, OUTSIDER})
    else:
        found, was_linked = await interleaved(url, clock, link, join)
        assert (found, was_linked) == ({MASTER, MEMBER}, True)


async def test_or_2_an_account_that_leaves_while_the_organization_is_linked_is_not_found_by_the_link(
    all_databases: Databases, clock: ManualClock
) -> None:
    url, key = await prepared(all_databases, founded)
    _, found = await interleaved(url, clock, lambda tx: accounts.leave(tx, viewer_of(MEMBER)), linked(key))
    assert found == {MASTER}


async def test_or_2_one_account_founds_one_organization_on_two_servers(
    all_databases: Databases, clock: ManualClock
) -> None:
    url, _ = await prepared(all_databases, founded)

    def found(tx: Transaction) -> int:
        return founding.create_organization(tx, viewer_of(OUTSIDER), FeatureSet.ALL)

    first, second = await interleaved(url, clock, found, found)
    assert isinstance(first, int)
    assert isinstance(second, DomainError)
