"""What the dashboard shows of a license configuration, to its owner and to a sharee (DB-1, SH-3)."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from app.kernel.clock import ManualClock
from app.kernel.database import Database
from app.licensing.history import LEDGER
from tests.licensing import configurations as of
from tests.support import licenses as made
from tests.support.api import Api, Client

OWNER, SHAREE, STRANGER = "111122223333", "444455556666", "777788889999"
USE = """
query($id: ID!) {
  licenseConfiguration(id: $id) {
    consumptionByAccount { account { accountId } consumedLicenses resources }
    hostsByTenancy { tenancy hosts }
  }
}"""
HISTORY = """
query($id: ID!, $from: DateTime!, $to: DateTime!, $step: UsageStep!) {
  licenseConfiguration(id: $id) {
    usageHistory(from: $from, to: $to, step: $step) { at consumedLicenses licenseCount }
  }
}"""
ASSOCIATIONS = """
query($id: ID!, $resourceType: ResourceType, $accountId: AccountId) {
  licenseConfiguration(id: $id) {
    associations(resourceType: $resourceType, accountId: $accountId, first: 100) {
      totalCount
      edges { node { id consumedLicenses associatedAt associatedBy licenseConfiguration { id } resource { id } } }
    }
  }
}"""
NODES = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"


async def consumption(client: Client, id: str) -> dict[str, tuple[int, int]]:
    """What each account consumes, and of how many resources."""
    found = await client.field(USE, id=id)
    return {
        each["account"]["accountId"]: (each["consumedLicenses"], each["resources"])
        for each in found["consumptionByAccount"]
    }


async def hosts(client: Client, id: str) -> dict[str, int]:
    """The hosts of each tenancy."""
    found = await client.field(USE, id=id)
    return {each["tenancy"]: each["hosts"] for each in found["hostsByTenancy"]}


async def associated(client: Client, id: str, **given: Any) -> list[str]:
    """The resources of the associations that the client sees, in their order."""
    found = await client.field(ASSOCIATIONS, id=id, **given)
    edges = found["associations"]["edges"]
    assert found["associations"]["totalCount"] == len(edges)
    return [edge["node"]["resource"]["id"] for edge in edges]


async def test_db_1_consumption_is_shown_by_account_and_a_sharee_sees_its_own(api: Api) -> None:
    owner, sharee, stranger = [await api.account(each) for each in (OWNER, SHAREE, STRANGER)]
    shared = await of.create(owner, countingType="VCPU")
    await of.share(owner, sharee, shared["id"])
    await of.share(owner, stranger, shared["id"])
    own = await made.launched(owner, await made.image(owner, shared["id"]), count=3)
    theirs = await made.launched(sharee, await made.image(sharee), licenseConfigurationIds=[shared["id"]])
    await made.change(owner, "stopInstances", own[0])
    assert await consumption(owner, shared["id"]) == {OWNER: (4, 3), SHAREE: (2, 1)}
    assert await consumption(sharee, shared["id"]) == {SHAREE: (2, 1)}
    assert await consumption(stranger, shared["id"]) == {}
    assert await made.consumed(stranger, shared["id"]) == 6, "the pool's remainder concerns every sharee"
    assert await hosts(sharee, shared["id"]) == {"SHARED": 1, "DEDICATED_INSTANCE": 0, "DEDICATED_HOST": 0}
    assert (await associated(owner, shared["id"]))[1:] == [*own, *theirs]
    assert await associated(sharee, shared["id"]) == theirs
    assert await associated(sharee, shared["id"], accountId=OWNER) == []
    assert await associated(stranger, shared["id"]) == []


async def test_db_1_associations_are_narrowed_by_type_and_account(api: Api) -> None:
    owner, sharee = await api.account(OWNER), await api.account(SHAREE)
    shared = await of.create(owner)
    await of.share(owner, sharee, shared["id"])
    image_id, host_id = await made.image(owner, shared["id"]), await made.host(owner)
    await made.associate(owner, shared["id"], host_id)
    own = await made.launched(owner, image_id)
    theirs = await made.launched(sharee, await made.image(sharee), licenseConfigurationIds=[shared["id"]])
    assert await associated(owner, shared["id"], resourceType="IMAGE") == [image_id]
    assert await associated(owner, shared["id"], resourceType="DEDICATED_HOST") == [host_id]
    assert await associated(owner, shared["id"], resourceType="MANAGED_INSTANCE") == []
    assert await associated(owner, shared["id"], resourceType="INSTANCE") == [*own, *theirs]
    assert await associated(owner, shared["id"], resourceType="INSTANCE", accountId=SHAREE) == theirs
    assert await associated(owner, shared["id"], accountId=OWNER) == [image_id, host_id, *own]


async def test_pm_2_sh_3_an_association_is_a_node_to_the_owner_and_to_the_account_whose_it_is(api: Api) -> None:
    owner, sharee, stranger = [await api.account(each) for each in (OWNER, SHAREE, STRANGER)]
    shared = await of.create(owner)
    await of.share(owner, sharee, shared["id"])
    await made.launched(owner, await made.image(owner), licenseConfigurationIds=[shared["id"]])
    await made.launched(sharee, await made.image(sharee), licenseConfigurationIds=[shared["id"]])
    found = await owner.field(ASSOCIATIONS, id=shared["id"])
    own, theirs = [edge["node"]["id"] for edge in found["associations"]["edges"]]
    seen = {client: [] for client in (owner, sharee, stranger)}  # type: dict[Client, list[str]]
    for client, ids in seen.items():
        nodes = await client.field(NODES, ids=[own, theirs])
        ids += [each["id"] for each in nodes if each]
    assert list(seen.values()) == [[own, theirs], [theirs], []]
    node = found["associations"]["edges"][0]["node"]
    assert node["associatedBy"] == f"arn:aws:iam::{OWNER}:user/administrator"
    assert (node["consumedLicenses"], node["licenseConfiguration"]) == (1, {"id": shared["id"]})


async def test_db_1_hosts_are_dedicated_hosts_for_their_tenancy_and_instances_for_the_others(api: Api) -> None:
    owner = await api.account(OWNER)
    counted = await of.create(owner)
    image_id = await made.image(owner, counted["id"])
    first, second, third = [await made.host(owner) for _ in range(3)]
    on_first = await made.launched(owner, image_id, tenancy="DEDICATED_HOST", hostId=first, count=3)
    await made.associate(owner, counted["id"], first, second)
    await made.launched(owner, await made.image(owner, name="bare"), tenancy="DEDICATED_HOST", hostId=third)
    dedicated = await made.launched(owner, image_id, tenancy="DEDICATED_INSTANCE", count=2)
    await made.launched(owner, image_id, count=4)
    assert await hosts(owner, counted["id"]) == {"SHARED": 4, "DEDICATED_INSTANCE": 2, "DEDICATED_HOST": 2}
    await owner.done(made.DISASSOCIATE, input={"licenseConfigurationId": counted["id"], "resourceIds": [first, second]})
    assert (await hosts(owner, counted["id"]))["DEDICATED_HOST"] == 1
    await made.change(owner, "stopInstances", *on_first, dedicated[0])
    assert await hosts(owner, counted["id"]) == {"SHARED": 4, "DEDICATED_INSTANCE": 1, "DEDICATED_HOST": 0}


async def test_what_was_refused_on_its_resources_is_kept_for_who_administers_it(api: Api) -> None:
    owner, sharee = await api.account(OWNER), await api.account(SHAREE)
    limited = await of.create(owner, licenseCount=0, hardLimit=True)
    await of.share(owner, sharee, limited["id"])
    for client in (owner, sharee):
        running = await made.launched(client, await made.image(client))
        wanted = {"licenseConfigurationId": limited["id"], "resourceIds": running}
        assert await client.errors(made.ASSOCIATE, input=wanted) != []
    document = """query($id: ID!) { licenseConfiguration(id: $id) { failures(first: 5) {
        totalCount edges { node { operation accountId resourceType errorCode errorMessage requestedBy failedAt } }
    } } }"""
    found = await owner.field(document, id=limited["id"])
    assert [edge["node"]["accountId"] for edge in found["failures"]["edges"]] == [SHAREE, OWNER]
    found = await sharee.field(document, id=limited["id"])
    (edge,) = found["failures"]["edges"]
    assert edge["node"] == {
        "operation": "AssociateResources",
        "accountId": SHAREE,
        "resourceType": "INSTANCE",
        "errorCode": "LIMIT_EXCEEDED",
        "errorMessage": edge["node"]["errorMessage"],
        "requestedBy": f"arn:aws:iam::{SHAREE}:user/administrator",
        "failedAt": "2026-01-05T09:00:00.000000Z",
    }


# ------------------------------------------------------------ use over time


Figures = tuple[str, int, int | None]


async def history(client: Client, id: str, start: str, end: str, step: str = "HOUR") -> list[Figures]:
    """The points of the graph: their hour or day, the licenses consumed, the count."""
    found = await client.field(HISTORY, id=id, **{"from": start, "to": end, "step": step})
    return [(each["at"][:13], each["consumedLicenses"], each["licenseCount"]) for each in found["usageHistory"]]


async def test_db_1_a_point_is_the_state_at_the_end_of_its_step(api: Api, clock: ManualClock) -> None:
    owner = await api.account(OWNER)
    clock.advance(minutes=20)
    counted = await of.create(owner, licenseCount=10)
    image_id = await made.image(owner, counted["id"])
    running = await made.launched(owner, image_id, count=2)
    clock.advance(minutes=35)
    await made.change(owner, "stopInstances", running[0])
    clock.advance(hours=2)
    await of.update(owner, counted["id"], licenseCount=20)
    clock.advance(minutes=10)
    await made.launched(owner, image_id, count=3)
    expected: list[Figures] = [
        ("2026-01-05T09", 1, 10),
        ("2026-01-05T10", 1, 10),
        ("2026-01-05T11", 1, 20),
        ("2026-01-05T12", 4, 20),
    ]
    everything = ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z")
    assert await history(owner, counted["id"], *everything) == expected
    assert await history(owner, counted["id"], *everything, "DAY") == [("2026-01-05T00", 4, 20)]
    assert await history(owner, counted["id"], "2026-01-05T10:59:59Z", "2026-01-05T11:00:00.000001Z") == expected[1:3]
    assert await history(owner, counted["id"], "2026-01-05T10:00:00Z", "2026-01-05T11:00:00Z") == expected[1:2]
    assert await history(owner, counted["id"], "2026-01-04T00:00:00Z", "2026-01-05T09:00:00Z") == []
    assert await history(owner, counted["id"], "2026-01-05T13:00:00Z", "2026-01-06T00:00:00Z") == []


async def test_db_1_the_graph_is_the_ledger_replayed(api: Api, clock: ManualClock) -> None:
    owner = await api.account(OWNER)
    counted = await of.create(owner, countingType="VCPU", licenseCount=5)
    image_id = await made.image(owner, counted["id"])
    chosen, running = random.Random(7), list[str]()
    for _ in range(40):
        clock.advance(minutes=chosen.randint(1, 300))
        match chosen.randint(0, 3):
            case 0:
                await of.update(owner, counted["id"], licenseCount=chosen.choice([None, 0, 3, 50]))
            case 1 if running:
                await made.change(owner, "terminateInstances", running.pop(chosen.randrange(len(running))))
            case _:
                running += await made.launched(owner, image_id, count=chosen.randint(1, 3))
    ledger = await _ledger(api.database, int(counted["id"][3:]))
    _check_sums(ledger)
    start, now = datetime(2026, 1, 5, 9, tzinfo=UTC), clock.now()
    for step, length in (("HOUR", timedelta(hours=1)), ("DAY", timedelta(days=1))):
        points = await history(owner, counted["id"], start.isoformat(), now.isoformat(), step)
        first = start if step == "HOUR" else start.replace(hour=0)
        replayed = []
        for number in range(len(points)):
            end = first + (number + 1) * length
            last = [row for row in ledger if row.at < end][-1]
            replayed.append(((end - length).isoformat()[:13], last.consumed, last.license_count))
        assert points == replayed
        assert first + len(points) * length >= now
        assert points[-1][1] == await made.consumed(owner, counted["id"])


async def _ledger(database: Database, key: int) -> Sequence[Any]:
    wanted = select(LEDGER).where(LEDGER.c.configuration_id == key).order_by(LEDGER.c.id)
    return await database.read(lambda connection: connection.execute(wanted).all())


def _check_sums(ledger: Sequence[Any]) -> None:
    """Each entry's consumption is the one before it and its change."""
    consumed = 0
    for row in ledger:
        consumed += row.delta
        assert row.consumed == consumed


NOT_A_GRAPH = [
    ("2026-01-05T10:00:00Z", "2026-01-05T10:00:00Z", "HOUR"),
    ("2026-01-05T10:00:00Z", "2026-01-05T09:00:00Z", "HOUR"),
    ("2024-11-01T00:00:00Z", "2026-01-06T00:00:00Z", "HOUR"),
    ("1970-01-01T00:00:00Z", "9998-01-01T00:00:00Z", "DAY"),
]


async def test_db_1_a_time_without_points_or_with_too_many_is_refused(api: Api) -> None:
    owner = await api.account(OWNER)
    counted = await of.create(owner)
    for start, end, step in NOT_A_GRAPH:
        answer = await owner.raw(HISTORY, {"id": counted["id"], "from": start, "to": end, "step": step})
        (error,) = answer["errors"]
        assert (error["extensions"]["code"], error["extensions"]["rule"]) == ("INVALID_INPUT", "DB-1"), start
