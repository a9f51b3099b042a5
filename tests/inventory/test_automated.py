"""Automated discovery: what a filter finds is put under a license, dry-run first, counted and never stopped (EN-10)."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import Connection, text

from app.compute.rules import InstanceState
from app.inventory.automated import running
from app.inventory.automated.definition import Rule
from app.inventory.automated.survey import Survey, rule_with, survey
from app.kernel.clock import ManualClock
from tests.inventory import cloud as observed
from tests.inventory import discovery
from tests.inventory.discovery import (
    FILTER,
    OTHER,
    OWNER,
    SYNC,
    created,
    enabled,
    figures,
    on,
    oracle,
    previewed,
    reasons,
    run,
    unlicense,
)
from tests.inventory.search_world import report, tag
from tests.support import licenses as made
from tests.support.api import Api
from tests.support.twin import twin

# ------------------------------------------------------------ what a rule does


async def test_en_10_what_a_rule_finds_is_counted_past_a_hard_limit_and_alerts(api: Api) -> None:
    """It runs already: nothing is stopped or refused, and one alert tells that the limit is passed."""
    owner = await api.account(OWNER)
    license_ = await made.configuration(owner, countingType="CORE", licenseCount=10, hardLimit=True)
    for number in range(3):
        await oracle(owner, f"mi-{number}")
    await report(owner, "mi-other", ("Office", "16", "Microsoft"), cores=4)
    rule = await enabled(owner, license_, FILTER)
    assert await made.consumed(owner, license_) == 0
    last = await run(owner, rule)
    assert figures(last) == (3, 3, 0, 0)
    assert last["skipped"] == []
    assert last["startedAt"] == last["finishedAt"]
    assert await on(owner, license_) == {f"MANAGED_INSTANCE mi-{number}" for number in range(3)}
    assert await made.consumed(owner, license_) == 12
    assert await made.alert_kinds(owner) == ["LIMIT_EXCEEDED"]
    assert await made.consistent(owner)


async def test_in_3_a_rule_is_evaluated_at_the_end_of_each_synchronisation(api: Api, clock: ManualClock) -> None:
    owner = await api.account(OWNER)
    license_ = await made.configuration(owner)
    rule = await enabled(owner, license_, FILTER)
    await oracle(owner, "mi-1")
    await owner.done(SYNC)
    assert await on(owner, license_) == {"MANAGED_INSTANCE mi-1"}
    clock.advance(hours=1)
    await oracle(owner, "mi-2")
    assert await on(owner, license_) == {"MANAGED_INSTANCE mi-1"}
    await owner.done(SYNC)
    assert await on(owner, license_) == {"MANAGED_INSTANCE mi-1", "MANAGED_INSTANCE mi-2"}
    (edge,) = (await owner.field(discovery.RULES))["edges"]
    assert edge["node"]["id"] == rule
    assert figures(edge["node"]["lastRun"]) == (2, 1, 1, 0)
    assert edge["node"]["lastRun"]["finishedAt"] == "2026-01-05T10:00:00.000000Z"


async def test_a_synchronisation_elsewhere_or_of_another_account_evaluates_no_rule(api: Api) -> None:
    """RG-3: a rule is of its configuration's Region, and of its own account."""
    owner, other = await api.account(OWNER), await api.account(OTHER)
    license_ = await made.configuration(owner)
    await enabled(owner, license_, FILTER)
    await oracle(owner, "mi-1", region="eu-west-1")
    await oracle(owner, "mi-2")
    await owner.done(SYNC.replace("us-east-1", "eu-west-1"))
    await other.done(SYNC)
    assert await on(owner, license_) == set()
    await owner.done(SYNC)
    assert await on(owner, license_) == {"MANAGED_INSTANCE mi-2"}


async def test_what_stays_is_what_a_rule_has_associated_once(api: Api) -> None:
    """A resource that the filter does not find any more, or whose rule is gone, stays until it is disassociated."""
    owner = await api.account(OWNER)
    license_ = await made.configuration(owner)
    await oracle(owner, "mi-1")
    rule = await enabled(owner, license_, FILTER)
    await run(owner, rule)
    await report(owner, "mi-1", ("Office", "16", "Microsoft"))
    assert figures(await run(owner, rule)) == (0, 0, 0, 0)
    assert (await owner.done(discovery.DELETE, id=rule))["deletedId"] == rule
    assert await on(owner, license_) == {"MANAGED_INSTANCE mi-1"}
    assert (await owner.field(discovery.RULES))["totalCount"] == 0


async def test_a_resource_that_carries_another_license_carries_both(api: Api) -> None:
    owner = await api.account(OWNER)
    first, second = await made.configuration(owner, "first"), await made.configuration(owner, "second")
    server = await oracle(owner, "mi-1")
    await made.associate(owner, first, server)
    await run(owner, await enabled(owner, second, "license:first"))
    assert await on(owner, first) == await on(owner, second) == {"MANAGED_INSTANCE mi-1"}


async def test_what_runs_is_counted_and_what_is_stopped_carries_and_waits(api: Api) -> None:
    """EN-5: of instances; Dedicated Hosts are found too, images and what is terminated are not."""
    owner = await api.account(OWNER)
    license_ = await made.configuration(owner)
    image = await made.image(owner)
    _, stopped, ended = [(await made.launched(owner, image))[0] for _ in range(3)]
    await made.change(owner, "stopInstances", stopped)
    await made.change(owner, "terminateInstances", ended)
    await made.host(owner)
    last = await run(owner, await enabled(owner, license_, f"account:{OWNER}"))
    assert figures(last) == (3, 3, 0, 0)
    assert {each.split()[0] for each in await on(owner, license_)} == {"INSTANCE", "DEDICATED_HOST"}
    assert await made.consumed(owner, license_) == 2
    await made.change(owner, "startInstances", stopped)
    assert await made.consumed(owner, license_) == 3
    assert await made.consistent(owner)


async def test_en_4_sockets_of_a_host_and_what_runs_on_it_are_counted_once(api: Api) -> None:
    """The preview tells the very figure that the run then comes to, whichever is found first."""
    owner = await api.account(OWNER)
    license_ = await made.configuration(owner, countingType="SOCKET")
    image = await made.image(owner)
    host = await made.host(owner)
    for _ in range(2):
        await made.launched(owner, image, tenancy="DEDICATED_HOST", hostId=host)
    sockets = (await owner.field("query($id: ID!) { node(id: $id) { ... on DedicatedHost { sockets } } }", id=host))[
        "sockets"
    ]
    instances = await created(owner, license_, "type:INSTANCE", "instances")
    all_ = await created(owner, license_, f"account:{OWNER}", "all")
    assert (await previewed(owner, instances))["consumedAfter"] == sockets
    assert (await previewed(owner, all_))["consumedAfter"] == sockets
    for rule in (instances, all_):
        assert (await previewed(owner, rule))["consumedAfter"] == sockets
        await owner.done(discovery.ENABLE, id=rule)
        await run(owner, rule)
        assert await made.consumed(owner, license_) == sockets
        assert await made.consistent(owner)


async def test_rules_that_are_broken_are_alerted_once_and_named_beforehand(api: Api) -> None:
    """EN-3: hard or soft, what runs is counted all the same."""
    owner = await api.account(OWNER)
    license_ = await made.configuration(owner, countingType="CORE", hardLimit=True, rules={"minimumCores": 8})
    servers = [await oracle(owner, f"mi-{number}", cores=2) for number in range(3)]
    rule = await created(owner, license_, FILTER)
    preview = await previewed(owner, rule)
    assert (preview["wouldAssociate"], preview["consumedAfter"]) == (3, 6)
    assert [each["nodeIds"] for each in preview["violations"]] == [[each] for each in servers]
    assert {each["code"] for each in preview["violations"]} == {"RULE_VIOLATION"}
    await owner.done(discovery.ENABLE, id=rule)
    await run(owner, rule)
    alerts = (await owner.field(made.ALERTS))["edges"]
    assert [each["node"]["kind"] for each in alerts] == ["RULE_VIOLATED"]
    assert "3 resources that discovery found in account 111122223333 break the rules" in alerts[0]["node"]["message"]


# ------------------------------------------------------------ what is left out


async def test_exclusions_by_tag_are_of_a_key_or_of_a_key_and_value(api: Api) -> None:
    owner = await api.account(OWNER)
    license_ = await made.configuration(owner)
    tags: list[dict[str, str]] = [{}, {"Stage": "test"}, {"Stage": "live"}, {"Owner": "ann"}, {"owner": "bob"}]
    for number, given in enumerate(tags):
        server = await oracle(owner, f"mi-{number}")
        if given:
            await tag(owner, server, **given)
    excluded = [{"key": "Stage", "value": "test"}, {"key": "Owner"}]
    rule = await enabled(owner, license_, FILTER, excludedTags=excluded)
    assert figures(await run(owner, rule)) == (5, 3, 0, 2)
    assert await on(owner, license_) == {f"MANAGED_INSTANCE mi-{number}" for number in (0, 2, 4)}


async def test_what_a_person_took_off_stays_off(api: Api, clock: ManualClock) -> None:
    """It does not come back by a synchronisation; it is listed, with who did it and when."""
    owner = await api.account(OWNER)
    license_ = await made.configuration(owner)
    servers = [await oracle(owner, f"mi-{number}") for number in range(2)]
    rule = await enabled(owner, license_, FILTER)
    await run(owner, rule)
    clock.advance(hours=1)
    await unlicense(owner, license_, servers[0])
    await owner.done(SYNC)
    assert figures(await run(owner, rule)) == (2, 0, 1, 1)
    assert await on(owner, license_) == {"MANAGED_INSTANCE mi-1"}
    assert reasons(await previewed(owner, rule)) == {"ALREADY_ASSOCIATED": 1, "TAKEN_OFF": 1}
    found = await owner.field(discovery.TAKEN_OFF, id=license_)
    assert found["discoveryRules"] == [{"id": rule}]
    (edge,) = found["takenOff"]["edges"]
    assert edge["node"]["resource"] == {"id": servers[0]}
    assert edge["node"]["takenOffAt"] == "2026-01-05T10:00:00.000000Z"
    assert edge["node"]["takenOffBy"].startswith(f"arn:aws:iam::{OWNER}:")


@pytest.mark.parametrize("by_hand", [True, False])
async def test_what_was_taken_off_comes_back_by_hand_or_by_a_run_that_says_so(api: Api, by_hand: bool) -> None:
    """From then on it is like anything else: another rule, or the same, may find it."""
    owner = await api.account(OWNER)
    license_ = await made.configuration(owner)
    server = await oracle(owner, "mi-1")
    rule = await enabled(owner, license_, FILTER)
    await run(owner, rule)
    await unlicense(owner, license_, server)
    if by_hand:
        await made.associate(owner, license_, server)
    else:
        assert figures(await run(owner, rule, includeTakenOff=True)) == (1, 1, 0, 0)
    assert await on(owner, license_) == {"MANAGED_INSTANCE mi-1"}
    assert (await owner.field(discovery.TAKEN_OFF, id=license_))["takenOff"]["totalCount"] == 0
    await unlicense(owner, license_, server)
    await run(owner, rule)
    assert await on(owner, license_) == set()


async def test_a_machine_that_an_agent_reports_too_is_counted_once(api: Api) -> None:
    """As the instance where the filter finds both; else as what the filter finds, and never as both one after other."""
    owner = await api.account(OWNER)
    both, first, second = [await made.configuration(owner, name) for name in ("both", "first", "second")]
    image = await made.image(owner)
    (instance,) = await made.launched(owner, image)
    node = "query($id: ID!) { node(id: $id) { ... on Instance { resourceId } } }"
    name = (await owner.field(node, id=instance))["resourceId"]
    agent = await oracle(owner, name)
    rule = await enabled(owner, both, f"id:{name}")
    assert reasons(await previewed(owner, rule)) == {"SAME_MACHINE": 1}
    assert figures(await run(owner, rule)) == (2, 1, 0, 1)
    assert await on(owner, both) == {f"INSTANCE {name}"}
    await run(owner, await enabled(owner, first, FILTER, "by application"))
    await run(owner, await enabled(owner, first, f"id:{name}", "by id"))
    assert await on(owner, first) == {f"MANAGED_INSTANCE {name}"}
    await made.associate(owner, second, instance)
    await unlicense(owner, second, instance)
    await run(owner, await enabled(owner, second, FILTER, "second"))
    assert await on(owner, second) == set(), "what was taken off as an instance does not come back as the agent's"
    await unlicense(owner, both, instance)
    await tag(owner, agent, Stage="test")
    await run(owner, await enabled(owner, both, f"id:{name}", "tagged", excludedTags=[{"key": "Stage"}]))
    assert await on(owner, both) == set()
    assert await made.consistent(owner)


@pytest.mark.parametrize("agent_first", [True, False])
@pytest.mark.parametrize("state", [InstanceState.RUNNING, InstanceState.STOPPED])
async def test_en_11_a_machine_that_its_image_licenses_is_counted_once_whichever_came_first(
    api: Api, agent_first: bool, state: InstanceState
) -> None:
    """Once as the agent's and then as the instance is one machine, and no new use that would alert again."""
    owner = await api.account(OWNER)
    license_ = await made.configuration(owner, countingType="CORE", licenseCount=4)
    image = await made.image(owner, license_)
    rule = await enabled(owner, license_, FILTER)
    asked = "query($id: ID!) { node(id: $id) { ... on MachineImage { resourceId } } }"
    image_id = (await owner.field(asked, id=image))["resourceId"]
    found = observed.instance(image_id=image_id, state=state, instance_type="m5.2xlarge", cores=4)

    async def agent() -> None:
        await oracle(owner, found.resource_id, cores=4)
        await run(owner, rule)

    async def aws() -> None:
        await observed.Cloud(api.database).observe(instances=[found])

    for arrive in (agent, aws) if agent_first else (aws, agent):
        await arrive()
    for _ in range(2):
        assert await on(owner, license_) == {f"IMAGE {image_id}", f"INSTANCE {found.resource_id}"}
        assert await made.consumed(owner, license_) == (4 if state is InstanceState.RUNNING else 0)
        await agent()
        await aws()
    assert await made.alert_kinds(owner) == ["LIMIT_APPROACHING"] * (agent_first or state is InstanceState.RUNNING)
    assert await made.consistent(owner)


async def test_lc_10_an_inactive_license_finds_nothing_and_says_so(api: Api) -> None:
    owner = await api.account(OWNER)
    license_ = await made.configuration(owner)
    rule = await enabled(owner, license_, FILTER)
    await oracle(owner, "mi-1")
    update = """mutation($input: UpdateLicenseConfigurationInput!) {
      updateLicenseConfiguration(input: $input) { errors { code } } }"""
    await owner.done(update, input={"id": license_, "status": "INACTIVE"})
    last = await run(owner, rule)
    assert figures(last) == (0, 0, 0, 0)
    assert [each["code"] for each in last["skipped"]] == ["LICENSE_CONFIGURATION_INACTIVE"]
    assert last["skipped"][0]["remedy"]
    (error,) = await owner.errors(discovery.PREVIEW, input={"id": rule})
    assert error["code"] == "LICENSE_CONFIGURATION_INACTIVE"
    await owner.done(update, input={"id": license_, "status": "ACTIVE"})
    await owner.done(SYNC)
    assert await on(owner, license_) == {"MANAGED_INSTANCE mi-1"}


# ------------------------------------------------------------ twice, and by two servers


async def test_a_part_of_a_run_does_nothing_once_the_rule_is_disabled_or_changed(api: Api) -> None:
    """What an administrator stops is stopped in the middle of a run."""
    owner = await api.account(OWNER)
    license_ = await made.configuration(owner)
    server = await oracle(owner, "mi-1")
    rule = await enabled(owner, license_, FILTER)
    key = int(rule.partition("_")[2])
    held = await api.database.read(lambda connection: rule_with(connection, key))
    assert held is not None
    keys = [int(server.partition("_")[2])]
    await owner.done(discovery.DISABLE, id=rule)
    assert await api.database.write(lambda tx: running.associate(tx, held, keys)) is None
    await owner.done(discovery.UPDATE, input={"id": rule, "filter": f"{FILTER} OR id:x"})
    await previewed(owner, rule)
    await owner.done(discovery.ENABLE, id=rule)
    assert await api.database.write(lambda tx: running.associate(tx, held, keys)) is None
    assert await on(owner, license_) == set()


async def test_what_is_found_is_asked_again_before_it_is_associated(api: Api) -> None:
    """What changed, was taken off or associated between the reading and the writing is seen."""
    owner = await api.account(OWNER)
    license_ = await made.configuration(owner)
    servers = [await oracle(owner, f"mi-{number}") for number in range(5)]
    rule = await enabled(owner, license_, FILTER, excludedTags=[{"key": "Stage"}])
    keys = [int(each.partition("_")[2]) for each in servers]
    held = await api.database.read(lambda connection: rule_with(connection, int(rule.partition("_")[2])))
    assert held is not None
    await report(owner, "mi-0", ("Office", "16", "Microsoft"))
    await tag(owner, servers[1], Stage="test")
    await made.associate(owner, license_, servers[2], servers[3])
    await unlicense(owner, license_, servers[3])
    part = await api.database.write(lambda tx: running.associate(tx, held, keys))
    assert part is not None
    assert part.associated == 1
    assert await on(owner, license_) == {"MANAGED_INSTANCE mi-2", "MANAGED_INSTANCE mi-4"}


async def test_evaluating_twice_is_evaluating_once(api: Api) -> None:
    owner = await api.account(OWNER)
    license_ = await made.configuration(owner, countingType="VCPU")
    for number in range(3):
        await oracle(owner, f"mi-{number}")
    rule = await enabled(owner, license_, FILTER)
    assert figures(await run(owner, rule)) == (3, 3, 0, 0)
    used = await made.consumed(owner, license_)
    assert figures(await run(owner, rule)) == (3, 0, 3, 0)
    assert await made.consumed(owner, license_) == used == 24


async def test_en_11_two_servers_that_evaluate_at_once_associate_each_resource_once(
    api: Api, database_url: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "WRITTEN_AT_ONCE", 3)
    monkeypatch.setattr(running, "READ_AT_ONCE", 7)
    owner = await api.account(OWNER)
    license_ = await made.configuration(owner, countingType="CORE")
    servers = [await oracle(owner, f"mi-{number:02}") for number in range(20)]
    rule = await enabled(owner, license_, FILTER)
    async with twin(database_url, owner, clock) as other:
        await asyncio.gather(
            *(run(client, rule) for client in (owner, other) for _ in range(2)),
            *(made.associate(client, license_, *servers[5:15]) for client in (owner, other)),
            other.done(SYNC),
        )
    assert len(await on(owner, license_)) == 20
    assert await made.consumed(owner, license_) == 80
    assert await made.consistent(owner)


@pytest.mark.parametrize("by_hand", [True, False])
@pytest.mark.parametrize(
    ("broken", "told"),
    [("filter", "Column 3 of the filter: "), ("survey", "The rule “broken” could not be evaluated to its end")],
)
async def test_in_3_a_rule_that_cant_be_evaluated_says_so_and_stops_no_other(
    api: Api, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, broken: str, told: str, by_hand: bool
) -> None:
    owner = await api.account(OWNER)
    license_ = await made.configuration(owner)
    rule = await enabled(owner, license_, "id:mi-other", "broken")
    await enabled(owner, license_, FILTER, "works")
    await oracle(owner, "mi-1")
    clock.advance(minutes=1)
    if broken == "filter":
        spoilt = text("UPDATE discovery_rule SET filter = '((' WHERE name = 'broken'")
        await api.database.write(lambda tx: tx.execute(spoilt))
    else:

        def fails(connection: Connection, rule: Rule, *given: Any, **more: Any) -> Survey:
            if rule.name == "broken":
                raise RuntimeError("geheim")
            return survey(connection, rule, *given, **more)

        monkeypatch.setattr(running, "survey", fails)
    if by_hand:
        last = await run(owner, rule)
    else:
        await owner.done(SYNC)
        (last,) = [
            edge["node"]["lastRun"]
            for edge in (await owner.field(discovery.RULES))["edges"]
            if edge["node"]["name"] == "broken"
        ]
        assert await on(owner, license_) == {"MANAGED_INSTANCE mi-1"}
    assert last["finishedAt"] == "2026-01-05T09:01:00.000000Z"
    (why,) = last["skipped"]
    assert told in why["message"]
    assert why["remedy"]
    assert "geheim" not in str(why)


async def test_a_run_of_many_parts_finds_all(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "WRITTEN_AT_ONCE", 2)
    monkeypatch.setattr(running, "READ_AT_ONCE", 3)
    owner = await api.account(OWNER)
    license_ = await made.configuration(owner)
    for number in range(8):
        await oracle(owner, f"mi-{number}")
    rule = await enabled(owner, license_, "license:none AND type:MANAGED_INSTANCE")
    assert figures(await run(owner, rule)) == (8, 8, 0, 0)
    assert await made.consumed(owner, license_) == 8


# ------------------------------------------------------------ the trail


async def test_au_1_each_act_leaves_its_record_and_what_discovery_did_another(api: Api) -> None:
    owner = await api.account(OWNER)
    license_ = await made.configuration(owner)
    await oracle(owner, "mi-1")
    rule = await enabled(owner, license_, FILTER)
    await run(owner, rule)
    await run(owner, rule)
    events = await owner.field("{ auditEvents(first: 100) { edges { node { eventName record } } } }")
    names = [edge["node"]["eventName"] for edge in events["edges"]]
    for name in ("CreateDiscoveryRule", "PreviewDiscoveryRule", "EnableDiscoveryRule", "EvaluateDiscoveryRule"):
        assert names.count(name) == 1, name
    assert names.count("RunDiscoveryRule") == 2
    (evaluated,) = [edge["node"] for edge in events["edges"] if edge["node"]["eventName"] == "EvaluateDiscoveryRule"]
    record = evaluated["record"]
    assert record["userIdentity"]["arn"].endswith("AWSServiceRoleForAWSLicenseManagerRole")
    assert record["requestParameters"]["id"] == rule
    assert any("managed-instance/mi-1" in each["ARN"] for each in record["resources"])
