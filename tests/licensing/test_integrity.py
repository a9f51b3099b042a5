"""Everything consumed is counted anew and held against what is kept (EN-11): each way to differ is found."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Update, delete, update

from app.compute.models import ResourceRow
from app.kernel.database import Database, Transaction
from app.kernel.tables import table_of
from app.licensing import integrity
from app.licensing.models import AssociationRow, LicenseConfigurationRow
from tests.licensing import configurations as of
from tests.licensing.test_status import managed
from tests.support import licenses as made
from tests.support.api import Api, Client

OWNER, SHAREE, STRANGER = "111122223333", "444455556666", "777788889999"
REPORT = "{ integrity { consistent licenseConfigurationsChecked discrepancies checkedAt } }"
associations = table_of(AssociationRow)
kept = table_of(LicenseConfigurationRow)
resources = table_of(ResourceRow)


async def world(owner: Client) -> dict[str, str]:
    """One of everything that consumes, or could: the ids by name, of each configuration the metric's."""
    ids = {
        metric: (await of.create(owner, metric, countingType=metric))["id"]
        for metric in ("VCPU", "CORE", "SOCKET", "INSTANCE")
    }
    every = [ids[metric] for metric in ("VCPU", "CORE", "SOCKET", "INSTANCE")]
    ids["image"] = await made.image(owner, *every)
    ids["host"], ids["counted host"] = await made.host(owner), await made.host(owner)
    ids["server"] = await managed(owner, vcpus=8, cores=4, sockets=2)
    for each in every:
        await made.associate(owner, each, ids["counted host"], ids["server"])
    options = {"coreCount": 2, "threadsPerCore": 1}
    (ids["instance"],) = await made.launched(owner, ids["image"], "m5.2xlarge", cpuOptions=options)
    on_host: dict[str, Any] = {"tenancy": "DEDICATED_HOST", "count": 2}
    ids["first"], ids["second"] = await made.launched(owner, ids["image"], hostId=ids["host"], **on_host)
    ids["third"], ids["fourth"] = await made.launched(owner, ids["image"], hostId=ids["counted host"], **on_host)
    ids["unsold"] = (await of.create(owner, "unsold"))["id"]
    await made.change(owner, "stopInstances", ids["fourth"])
    return ids


async def test_en_11_what_the_gate_keeps_is_what_counting_anew_comes_to(api: Api) -> None:
    owner = await api.account(OWNER)
    ids = await world(owner)
    report = await owner.field(REPORT)
    assert report == {
        "consistent": True,
        "licenseConfigurationsChecked": 5,
        "discrepancies": [],
        "checkedAt": "2026-01-05T09:00:00.000000Z",
    }
    assert [await made.consumed(owner, ids[metric]) for metric in ("SOCKET", "INSTANCE")] == [6, 6]


def _key(id: str) -> int:
    return int(id.partition("_")[2])


def _association(ids: dict[str, str], metric: str, resource: str, consumed: int) -> Update:
    return (
        update(associations)
        .where(associations.c.configuration_id == _key(ids[metric]), associations.c.resource_id == _key(ids[resource]))
        .values(consumed=consumed)
    )


def _resource(ids: dict[str, str], resource: str, **values: Any) -> Update:
    return update(resources).where(resources.c.id == _key(ids[resource])).values(values)


Damage = Callable[[dict[str, str]], list[Any]]
DAMAGES: dict[str, tuple[Damage, set[str]]] = {
    "what is kept was raised": (
        lambda ids: [update(kept).where(kept.c.id == _key(ids["VCPU"])).values(consumed=kept.c.consumed + 1)],
        {"VCPU"},
    ),
    "a configuration on nothing keeps consumption": (
        lambda ids: [update(kept).where(kept.c.id == _key(ids["unsold"])).values(consumed=3)],
        {"unsold"},
    ),
    "an association consumes other than its resource": (
        lambda ids: [_association(ids, "CORE", "instance", 1)],
        {"CORE"},
    ),
    "two associations make up for each other": (
        lambda ids: [_association(ids, "INSTANCE", "instance", 2), _association(ids, "INSTANCE", "first", 0)],
        {"INSTANCE"},
    ),
    "a stopped instance consumes": (lambda ids: [_association(ids, "INSTANCE", "fourth", 1)], {"INSTANCE"}),
    "an image consumes": (lambda ids: [_association(ids, "VCPU", "image", 4)], {"VCPU"}),
    "two instances carry one host's sockets": (lambda ids: [_association(ids, "SOCKET", "second", 2)], {"SOCKET"}),
    "two instances halve one host's sockets": (
        lambda ids: [_association(ids, "SOCKET", "first", 1), _association(ids, "SOCKET", "second", 1)],
        {"SOCKET"},
    ),
    "no instance carries a host's sockets": (lambda ids: [_association(ids, "SOCKET", "first", 0)], {"SOCKET"}),
    "an instance counts sockets on a host that counts its own": (
        lambda ids: [_association(ids, "SOCKET", "third", 2)],
        {"SOCKET"},
    ),
    "a stopped instance carries sockets": (lambda ids: [_association(ids, "SOCKET", "fourth", 2)], {"SOCKET"}),
    "an instance counts sockets off a host": (lambda ids: [_association(ids, "SOCKET", "instance", 2)], {"SOCKET"}),
    "a server reports more than is counted": (
        lambda ids: [_resource(ids, "server", vcpus=16, cores=8, sockets=4)],
        {"VCPU", "CORE", "SOCKET"},
    ),
    "a server is inactive and consumes": (
        lambda ids: [_resource(ids, "server", active=False)],
        {"VCPU", "CORE", "SOCKET", "INSTANCE"},
    ),
    "an instance stopped unnoticed": (
        lambda ids: [_resource(ids, "instance", state="STOPPED")],
        {"VCPU", "CORE", "INSTANCE"},
    ),
    "an instance that carries sockets stopped unnoticed": (
        lambda ids: [_resource(ids, "first", state="STOPPED")],
        {"VCPU", "CORE", "INSTANCE", "SOCKET"},
    ),
    "a resource is not there any more": (
        lambda ids: [delete(resources).where(resources.c.id == _key(ids["instance"]))],
        {"VCPU", "CORE", "INSTANCE"},
    ),
    "an inactive configuration consumes": (
        lambda ids: [update(kept).where(kept.c.id == _key(ids["CORE"])).values(status="INACTIVE")],
        {"CORE"},
    ),
}


async def test_en_11_every_difference_is_found_and_named_once_for_each_configuration(api: Api) -> None:
    owner = await api.account(OWNER)
    ids = await world(owner)
    arns = {name: (await of.read(owner, ids[name]))["arn"] for name in ("VCPU", "CORE", "SOCKET", "INSTANCE", "unsold")}
    for what, (damage, expected) in DAMAGES.items():
        found = await _after(api.database, damage(ids))
        named = [name for line in found.discrepancies for name, arn in arns.items() if line.startswith(f"{arn}: ")]
        assert (found.checked, len(found.discrepancies), set(named)) == (5, len(expected), expected), what
    assert (await owner.field(REPORT))["consistent"]


class _Undone(Exception):
    pass


async def _after(database: Database, damage: list[Any]) -> integrity.Integrity:
    """What is found in the whole database after a damage, which is then taken back."""
    found: list[integrity.Integrity] = []

    def unit(tx: Transaction) -> None:
        for statement in damage:
            assert tx.execute(statement).rowcount == 1
        found.append(integrity.check(tx.connection))
        raise _Undone

    with pytest.raises(_Undone):
        await database.write(unit)
    return found[0]


async def test_en_11_the_report_names_what_differs(api: Api) -> None:
    owner = await api.account(OWNER)
    created = await of.create(owner)
    await made.launched(owner, await made.image(owner, created["id"]), count=2)
    await api.database.write(lambda tx: tx.execute(update(kept).values(consumed=5)).rowcount)
    report = await owner.field(REPORT)
    assert (report["consistent"], report["licenseConfigurationsChecked"]) == (False, 1)
    (line,) = report["discrepancies"]
    assert line == (
        f"{created['arn']}: 5 licenses are kept as consumed, its associations consume 2, "
        "and by the counting rules they should consume 2."
    )


async def test_pm_2_an_account_is_told_of_its_own_configurations_alone(api: Api) -> None:
    """What a sharee uses counts to the owner's pool, and is checked with it."""
    owner, sharee, stranger = [await api.account(each) for each in (OWNER, SHAREE, STRANGER)]
    shared = await of.create(owner)
    await of.share(owner, sharee, shared["id"])
    (instance,) = await made.launched(sharee, await made.image(sharee), licenseConfigurationIds=[shared["id"]])
    await api.database.write(lambda tx: tx.execute(_resource({"it": instance}, "it", state="STOPPED")))
    checked = {}
    for client in (owner, sharee, stranger):
        report = await client.field(REPORT)
        checked[client.account_id] = (report["licenseConfigurationsChecked"], report["consistent"])
    assert checked == {OWNER: (1, False), SHAREE: (0, True), STRANGER: (0, True)}
