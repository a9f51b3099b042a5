"""Whatever there is: a preview foretells the run, a second run changes nothing, and every count holds (EN-11)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from app.compute.managed import ReportedApplication
from app.compute.observed import keys_by_id
from app.compute.rules import InstanceState, ResourceType
from app.compute.tagging import store_tags
from app.inventory import managed
from app.inventory.automated import managing, previewing, running
from app.inventory.automated.definition import Definition, ExcludedTag, Rule
from app.inventory.automated.survey import rule_with
from app.inventory.reported import Report
from app.inventory.rules import DiscoveryScope
from app.kernel.clock import ManualClock
from app.kernel.database import Database, Transaction
from app.licensing import bulk
from app.licensing.disassociation import disassociate
from app.licensing.rules import CountingType
from tests.inventory.cloud import ACCOUNT, REGION, Cloud, host, instance, on_host, viewer
from tests.support.databases import KINDS, Databases

FILTERS = (
    f"account:{ACCOUNT}",
    "type:INSTANCE",
    "application:oracle",
    "license:none AND NOT state:STOPPED",
    "application:oracle OR state:RUNNING",
    "NOT id:i-00000001",
)


@dataclass(frozen=True)
class Machine:
    """One machine: what tells of it, its figures, and what a person did with it before."""

    by_ec2: bool
    by_agent: bool
    running: bool
    hosted: bool
    cores: int
    tagged: bool
    before: str


machines = st.lists(
    st.builds(
        Machine,
        by_ec2=st.booleans(),
        by_agent=st.booleans(),
        running=st.booleans(),
        hosted=st.booleans(),
        cores=st.integers(1, 4),
        tagged=st.booleans(),
        before=st.sampled_from(["nothing", "nothing", "associated", "taken off"]),
    ),
    min_size=1,
    max_size=6,
)


async def world(cloud: Cloud, made: list[Machine], license_: int) -> None:
    """Bring the machines into the inventory, and do with them what was done before."""
    instances = []
    for number, each in enumerate(made):
        if each.by_ec2:
            state = InstanceState.RUNNING if each.running else InstanceState.STOPPED
            kind = on_host if each.hosted else instance
            instances.append(kind(number, state=state, cores=each.cores, image_id=None))
    await cloud.observe(hosts=[host()], instances=instances)

    def report(tx: Transaction) -> None:
        for number, each in enumerate(made):
            if each.by_agent:
                facts: Mapping[str, object] = {"cores": each.cores, "vcpus": each.cores, "sockets": 1}
                found = [ReportedApplication("Oracle", "19")]
                told = Report(region=REGION, resource_id=f"i-{number:08x}", facts=facts, applications=found)
                managed.put(tx, viewer(), told)

    await cloud.database.write(report)
    await cloud.database.write(lambda tx: _before(tx, made, license_))


def _before(tx: Transaction, made: list[Machine], license_: int) -> None:
    for number, each in enumerate(made):
        kind = ResourceType.INSTANCE if each.by_ec2 else ResourceType.MANAGED_INSTANCE
        keys = list(keys_by_id(tx.connection, REGION, kind, [f"i-{number:08x}"]).values())
        for key in keys:
            if each.tagged:
                store_tags(tx, key, {"Stage": "test"}, ())
            if each.before != "nothing":
                bulk.associate(tx, viewer(), license_, [key])
                tx.flush()
            if each.before == "taken off":
                disassociate(tx, viewer(), license_, [key])
                tx.flush()


async def rule_of(database: Database, license_: int, text: str) -> Rule:
    """An enabled rule."""
    finds = Definition(filter=text, scope=DiscoveryScope.ACCOUNT, excluded_tags=(ExcludedTag("Stage", "test"),))
    command = managing.CreateRule(configuration_key=license_, name="rule", definition=finds)
    key = await database.write(lambda tx: managing.create(tx, viewer(), command))
    await database.write(lambda tx: managing.note_preview(tx, viewer(), key, 1))
    await database.write(lambda tx: managing.enable(tx, viewer(), key))
    held = await database.read(lambda connection: rule_with(connection, key))
    assert held is not None
    return held


def state(connection: Connection) -> list[Any]:
    """What is associated, counted and alerted."""
    tables = ("association", "taken_off", "alert", "consumption_change")
    listed = [sorted(connection.exec_driver_sql(f"SELECT * FROM {name}").all(), key=str) for name in tables]
    return [*listed, connection.exec_driver_sql("SELECT consumed, alerted FROM license_configuration").all()]


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    made=machines,
    counting=st.sampled_from(list(CountingType)),
    count=st.sampled_from([None, 1, 8]),
    hard=st.booleans(),
    text=st.sampled_from(FILTERS),
)
async def test_en_11_a_preview_foretells_the_run_and_a_second_run_changes_nothing(
    all_databases: Databases,
    kind: str,
    made: list[Machine],
    counting: CountingType,
    count: int | None,
    hard: bool,
    text: str,
) -> None:
    database = Database(all_databases.url(kind), clock=ManualClock())
    await database.start()
    try:
        cloud = Cloud(database)
        await cloud.account()
        license_ = await cloud.license(counting=counting, license_count=count, hard_limit=hard)
        await world(cloud, made, license_)
        rule = await rule_of(database, license_, text)
        now = database.clock.now()
        foretold = await database.read(
            lambda connection: previewing.preview(connection, ACCOUNT, rule.key, now, 100), snapshot=True
        )
        assert foretold.consumed_before == await cloud.consumed(license_)
        already = {key for (key,) in await cloud.rows("SELECT resource_id FROM association")}
        await running.run(database, rule)
        associated = {key for (key,) in await cloud.rows("SELECT resource_id FROM association")}
        assert associated - already == set(foretold.new_keys)
        assert foretold.matched == foretold.new + sum(each.number for each in foretold.left_out)
        assert await cloud.consumed(license_) == foretold.consumed_after
        once = await database.read(state)
        await running.run(database, rule)
        assert await database.read(state) == once
        found = await cloud.rows(
            "SELECT r.resource_id FROM association a JOIN resource r ON r.id = a.resource_id "
            "WHERE r.type <> 'DEDICATED_HOST'"
        )
        assert len(found) == len(set(found)), "a machine is counted once"
    finally:
        await database.stop()
