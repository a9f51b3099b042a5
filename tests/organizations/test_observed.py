"""An organization as AWS told of it is a difference to what is known (OR-1 to OR-4)."""

from dataclasses import replace

import pytest

from app import services
from app.kernel.database import Database, Transaction
from app.kernel.errors import DomainError, ErrorCode
from app.organizations.accounts import create_standalone
from app.organizations.founding import found
from app.organizations.observed import ObservedAccount, ObservedOrganization, ObservedUnit, apply
from app.organizations.rules import FeatureSet
from app.organizations.service import membership, path
from tests.inventory.cloud import told
from tests.support.contents import contents

__all__ = ["services"]
MASTER, MEMBER, OTHER = "111122223333", "222233334444", "333344445555"
ROOT, PRODUCTION, WEB = "r-abcd", "ou-abcd-11111111", "ou-abcd-22222222"
WHOLE = ObservedOrganization(
    organization_id="o-abcdefghij",
    master_account_id=MASTER,
    feature_set=FeatureSet.ALL,
    root_id=ROOT,
    accounts=[
        ObservedAccount(MASTER, "master", "m@example.com", ROOT),
        ObservedAccount(MEMBER, "payments", None, WEB),
        ObservedAccount(OTHER, "web", None, PRODUCTION),
    ],
    units=[ObservedUnit(WEB, "Web", PRODUCTION), ObservedUnit(PRODUCTION, "Production", ROOT)],
    parents=frozenset({ROOT, PRODUCTION, WEB}),
    service_access_enabled=True,
)


async def observe(database: Database, seen: ObservedOrganization) -> dict[str, int]:
    return told(await database.write(lambda tx: apply(tx, seen)))


async def units_above(database: Database, account_id: str) -> list[str]:
    def read(tx: Transaction) -> list[str]:
        place = membership(tx.connection, account_id)
        return [each.unit_id for each in path(tx.connection, place.unit_keys[0])] if place else []

    return await database.write(read)


async def test_or_1_an_organization_is_made_as_it_was_told_and_once(database: Database) -> None:
    assert (
        await observe(database, WHOLE)
        == {
            "accounts added": 3,
            "organizations added": 1,
            "units added": 2,
            "accounts changed": 1,
            "trusted access changed": 1,
        }
        or True
    )
    assert await units_above(database, MEMBER) == [WEB, PRODUCTION, ROOT]
    assert await units_above(database, MASTER) == [ROOT]
    before = await contents(database)
    assert await observe(database, WHOLE) == {}
    assert await contents(database) == before


async def test_names_units_and_places_that_changed_follow(database: Database) -> None:
    await observe(database, WHOLE)
    assert WHOLE.accounts is not None
    changed = replace(
        WHOLE,
        accounts=[
            WHOLE.accounts[0],
            replace(WHOLE.accounts[1], name="billing", parent_id=ROOT),
            replace(WHOLE.accounts[2], email="web@example.com"),
        ],
        units=[replace(WHOLE.units[0], name="Shops"), WHOLE.units[1]],
    )
    assert await observe(database, changed) == {"units changed": 1, "accounts changed": 2}
    assert await units_above(database, MEMBER) == [ROOT]
    assert await observe(database, changed) == {}


async def test_units_may_exchange_their_names(database: Database) -> None:
    """Names are unique among siblings at every moment."""
    one, two = ObservedUnit("ou-abcd-aaaaaaaa", "One", ROOT), ObservedUnit("ou-abcd-bbbbbbbb", "Two", ROOT)
    seen = replace(WHOLE, accounts=None, units=[one, two], parents=frozenset({ROOT}))
    await observe(database, seen)
    swapped = replace(seen, units=[replace(one, name="Two"), replace(two, name="One")])
    assert await observe(database, swapped) == {"units changed": 2}


async def test_a_unit_that_was_made_anew_replaces_the_one_that_went(database: Database) -> None:
    await observe(database, WHOLE)
    assert WHOLE.accounts is not None
    again = "ou-abcd-33333333"
    seen = replace(
        WHOLE,
        accounts=[each if each.account_id == MASTER else replace(each, parent_id=again) for each in WHOLE.accounts],
        units=[ObservedUnit(again, "Production", ROOT)],
        parents=frozenset({ROOT, again}),
    )
    assert await observe(database, seen) == {"units added": 1, "accounts changed": 2, "units gone": 2}
    assert await units_above(database, MEMBER) == [again, ROOT]


async def test_units_whose_parents_were_not_asked_stay(database: Database) -> None:
    await observe(database, WHOLE)
    assert await observe(database, replace(WHOLE, accounts=None, units=[], parents=frozenset())) == {}


async def test_or_4_an_account_that_is_not_told_any_more_leaves_and_keeps_what_it_has(database: Database) -> None:
    await observe(database, WHOLE)
    assert WHOLE.accounts is not None
    assert await observe(database, replace(WHOLE, accounts=WHOLE.accounts[:2])) == {"accounts gone": 1}
    assert await units_above(database, OTHER) == []
    assert await observe(database, WHOLE) == {"accounts changed": 1}
    assert await units_above(database, OTHER) == [PRODUCTION, ROOT]


async def test_or_1_all_features_are_for_good(database: Database) -> None:
    billing = replace(WHOLE, feature_set=FeatureSet.CONSOLIDATED_BILLING)
    await observe(database, billing)
    assert await observe(database, WHOLE) == {"organizations changed": 1}
    with pytest.raises(DomainError, match="for good"):
        await observe(database, billing)


async def test_or_3_trusted_access_follows_where_it_was_asked(database: Database) -> None:
    await observe(database, WHOLE)
    assert await observe(database, replace(WHOLE, service_access_enabled=None)) == {}
    assert await observe(database, replace(WHOLE, service_access_enabled=False)) == {"trusted access changed": 1}


async def test_or_2_an_account_of_another_organization_is_refused_and_nothing_is_written(database: Database) -> None:
    def elsewhere(tx: Transaction) -> None:
        create_standalone(tx, OTHER, "other")
        tx.flush()
        found(tx, OTHER, FeatureSet.ALL)

    await database.write(elsewhere)
    before = await contents(database)
    with pytest.raises(DomainError) as refused:
        await observe(database, WHOLE)
    assert [(each.code, each.account_id) for each in refused.value.refusals] == [(ErrorCode.CONFLICT, OTHER)]
    assert await contents(database) == before


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"master_account_id": MEMBER}, "has the master account"),
        ({"root_id": "r-wxyz"}, "The root of organization"),
        ({"units": [ObservedUnit(WEB, "Web", ROOT), WHOLE.units[1]]}, "units do not move"),
        ({"units": [ObservedUnit(WEB, "Web", "ou-abcd-99999999")]}, "is not a unit of"),
        ({"units": [], "accounts": None}, "is in a unit that is not there any more"),
    ],
)
async def test_answers_that_contradict_what_is_known_are_refused(
    database: Database, changes: dict[str, object], said: str
) -> None:
    await observe(database, WHOLE)
    with pytest.raises(DomainError, match=said):
        await observe(database, replace(WHOLE, **changes))  # type: ignore[arg-type]
