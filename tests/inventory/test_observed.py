"""What AWS told of an account's Region is a difference: new judged and counted, gone released (IN-3, IN-5, EN-10)."""

import asyncio
import random
from dataclasses import replace
from typing import Any

import pytest

from app.compute.rules import InstanceState, ResourceType, Tenancy
from app.inventory.observation import Observation, ObservedTemplate, TemplateContents
from app.inventory.observed import apply
from app.kernel.clock import ManualClock
from app.kernel.database import Database
from app.kernel.errors import DomainError, ErrorCode
from app.licensing import configurations
from app.licensing.configurations import UpdateConfiguration
from app.licensing.rules import CountingType, Status
from tests.inventory.cloud import (
    ACCOUNT,
    AMI,
    REGION,
    Cloud,
    host,
    image,
    instance,
    on_host,
    told,
    viewer,
)
from tests.support.contents import contents

OTHER = "222233334444"
AMAZON = "801119661308"
STOPPED, TERMINATED = InstanceState.STOPPED, InstanceState.TERMINATED


@pytest.fixture
async def cloud(database: Database) -> Cloud:
    made = Cloud(database)
    await made.account()
    return made


def template(**given: object) -> ObservedTemplate:
    usual = ObservedTemplate(
        resource_id="lt-0000000a", name="web", launches=TemplateContents(image_id=AMI, instance_type="m5.large")
    )
    return replace(usual, **given)  # type: ignore[arg-type]


# ------------------------------------------------------------ a difference


async def test_the_same_observation_taken_again_writes_nothing(cloud: Cloud, clock: ManualClock) -> None:
    key = await cloud.licensed_image()
    seen: dict[str, Any] = {
        "images": [image(tags={"Name": "golden"}), image("ami-0000000b", owner=AMAZON, public=True)],
        "templates": [template()],
        "hosts": [host()],
        "instances": [instance(1, tags={"Name": "web-1"}), on_host(2), instance(3, image_id="ami-0000000b")],
    }
    assert await cloud.observe(**seen) == {
        "images changed": 1,
        "images added": 1,
        "shared images added": 1,
        "launch templates added": 1,
        "Dedicated Hosts added": 1,
        "instances added": 3,
    }
    before = await contents(cloud.database)
    clock.advance(days=1)
    assert await cloud.observe(**seen) == {}
    assert await contents(cloud.database) == before
    assert await cloud.consumed(key) == 2


async def test_what_is_found_is_written_as_aws_tells_it(cloud: Cloud) -> None:
    await cloud.observe(
        images=[image(platform="Windows", product_code="4abc")],
        templates=[template()],
        hosts=[host()],
        instances=[on_host(1, template_id="lt-0000000a", platform="Windows", cores=4, tags={"Name": "db", "a": "b"})],
    )
    assert await cloud.rows(
        "SELECT i.mechanism, i.state, i.tenancy, i.vcpus, i.cores, i.name, i.platform, i.arn, m.resource_id,"
        " t.resource_id, h.resource_id FROM resource i JOIN resource m ON m.id = i.image_id"
        " JOIN resource t ON t.id = i.launch_template_id JOIN resource h ON h.id = i.host_id"
    ) == [
        (
            "DISCOVERED",
            "RUNNING",
            "DEDICATED_HOST",
            8,
            4,
            "db",
            "Windows",
            f"arn:aws:ec2:us-east-1:{ACCOUNT}:instance/i-00000001",
            AMI,
            "lt-0000000a",
            "h-00000001",
        )
    ]
    assert await cloud.rows("SELECT key, value FROM resource_tag ORDER BY key") == [("Name", "db"), ("a", "b")]


async def test_tags_and_types_that_changed_are_written(cloud: Cloud) -> None:
    await cloud.observe(instances=[instance(1, tags={"Name": "old", "kept": "1"}), instance(2)])
    changed = instance(1, tags={"Name": "new", "kept": "1"}, instance_type="m5.xlarge", cores=2)
    assert await cloud.observe(instances=[changed, instance(2)]) == {"instances changed": 1}
    assert await cloud.rows("SELECT name, instance_type, vcpus FROM resource WHERE resource_id = 'i-00000001'") == [
        ("new", "m5.xlarge", 4)
    ]
    assert await cloud.rows("SELECT key, value FROM resource_tag ORDER BY key") == [("Name", "new"), ("kept", "1")]


async def test_a_kind_that_was_not_asked_for_is_not_taken_for_gone(cloud: Cloud) -> None:
    await cloud.observe(images=[image()], templates=[template()], hosts=[host()], instances=[instance()])
    before = await contents(cloud.database)
    assert await cloud.observe() == {}
    assert await contents(cloud.database) == before
    assert await cloud.observe(images=[], templates=[], hosts=[], instances=[]) == {
        "images gone": 1,
        "launch templates gone": 1,
        "Dedicated Hosts gone": 1,
        "instances gone": 1,
    }


async def test_an_observation_of_one_region_leaves_the_others_and_other_accounts_alone(cloud: Cloud) -> None:
    await cloud.account(OTHER)
    await cloud.observe(instances=[instance(1)])
    await cloud.observe(OTHER, instances=[instance(2)])
    elsewhere = Observation(account_id=ACCOUNT, region="eu-west-1", instances=[])
    assert told(await cloud.database.write(lambda tx: apply(tx, elsewhere))) == {}
    assert await cloud.rows("SELECT count(*) FROM resource WHERE gone_at IS NULL AND state = 'RUNNING'") == [(2,)]


async def test_what_was_made_here_alone_never_vanishes(cloud: Cloud) -> None:
    """AWS can't tell of what it never had."""
    await cloud.observe(images=[image()])
    await cloud.launch(await cloud.key(AMI, ResourceType.IMAGE))
    assert await cloud.observe(instances=[]) == {}
    assert await cloud.rows("SELECT state, mechanism FROM resource WHERE type = 'INSTANCE'") == [("RUNNING", "IMAGE")]


@pytest.mark.parametrize(
    ("account_id", "region", "code"),
    [
        ("999999999999", REGION, ErrorCode.NOT_FOUND),
        ("12", REGION, ErrorCode.INVALID_INPUT),
        (ACCOUNT, "us-east-9", ErrorCode.INVALID_INPUT),
    ],
)
async def test_an_account_or_region_that_is_none_is_refused(
    cloud: Cloud, account_id: str, region: str, code: ErrorCode
) -> None:
    with pytest.raises(DomainError) as refused:
        await cloud.database.write(lambda tx: apply(tx, Observation(account_id=account_id, region=region)))
    assert [each.code for each in refused.value.refusals] == [code]


# ------------------------------------------------------------ what is new is judged and counted


async def test_en_10_what_was_found_running_counts_past_a_hard_limit_and_is_one_alert(cloud: Cloud) -> None:
    key = await cloud.licensed_image(license_count=2, hard_limit=True)
    await cloud.observe(instances=[instance(number) for number in range(1, 6)])
    assert await cloud.consumed(key) == 5
    assert await cloud.alerts() == ["LIMIT_EXCEEDED"]
    assert await cloud.rows("SELECT state, count(*) FROM resource WHERE type = 'INSTANCE' GROUP BY state") == [
        ("RUNNING", 5)
    ]


async def test_en_3_many_that_break_a_rule_are_one_alert_for_each_configuration(cloud: Cloud) -> None:
    key = await cloud.licensed_image(
        CountingType.CORE, rules=[("minimumCores", 2), ("allowedTenancy", ["DEDICATED_HOST"])], hard_limit=True
    )
    await cloud.observe(instances=[instance(1), instance(2), instance(3, instance_type="m5.xlarge", cores=2)])
    assert await cloud.alerts() == ["RULE_VIOLATED"]
    ((message,),) = await cloud.rows("SELECT message FROM alert")
    assert message.startswith("3 instances found running in us-east-1 break the rules of “licenses”.")
    assert "at least 2 are required" in message
    assert "allowed is DEDICATED_HOST" in message
    assert await cloud.consumed(key) == 4


async def test_en_1_image_and_launch_template_count_together_each_configuration_once(cloud: Cloud) -> None:
    on_image = await cloud.licensed_image()
    await cloud.observe(templates=[template()])
    on_template = await cloud.license("on the template")
    for key in (on_image, on_template):
        await cloud.attach(key, "lt-0000000a", ResourceType.LAUNCH_TEMPLATE)
    await cloud.observe(instances=[instance(1, template_id="lt-0000000a"), instance(2)])
    assert await cloud.consumed(on_image) == 2
    assert await cloud.consumed(on_template) == 1


async def test_en_8_only_what_the_account_can_see_counts(cloud: Cloud) -> None:
    await cloud.account(OTHER)
    mine = await cloud.licensed_image()
    await cloud.observe(OTHER, images=[image()])
    theirs = await cloud.license("theirs", owner=OTHER)
    await cloud.attach(theirs, AMI, ResourceType.IMAGE, by=OTHER)
    await cloud.observe(OTHER, instances=[instance(1)])
    assert (await cloud.consumed(mine), await cloud.consumed(theirs)) == (0, 1)


async def test_ro_2_nothing_counts_in_an_account_without_its_core_role(cloud: Cloud) -> None:
    await cloud.account(OTHER, core_role=False)
    await cloud.observe(OTHER, images=[image("ami-0000000c", owner=OTHER)], instances=[instance(1)])
    assert await cloud.rows("SELECT count(*) FROM association") == [(0,)]
    assert await cloud.rows("SELECT count(*) FROM resource WHERE type = 'INSTANCE'") == [(1,)]


async def test_lc_10_an_inactive_configuration_does_not_track_what_is_found(cloud: Cloud) -> None:
    key = await cloud.licensed_image()
    inactive = UpdateConfiguration(key=key, status=Status.INACTIVE)
    await cloud.database.write(lambda tx: configurations.edit(tx, viewer(), inactive))
    await cloud.observe(instances=[instance()])
    assert await cloud.rows("SELECT count(*) FROM association WHERE resource_type = 'INSTANCE'") == [(0,)]


async def test_en_7_an_instance_that_is_known_does_not_come_under_what_its_image_carries_later(cloud: Cloud) -> None:
    await cloud.observe(images=[image()], instances=[instance(1)])
    key = await cloud.license()
    await cloud.attach(key, AMI, ResourceType.IMAGE)
    await cloud.observe(instances=[instance(1, tags={"a": "b"}), instance(2)])
    assert await cloud.consumed(key) == 1


async def test_an_image_that_went_still_judges_what_was_launched_from_it_before(cloud: Cloud) -> None:
    """IN-5: its own association is purged at once."""
    key = await cloud.licensed_image()
    await cloud.observe(images=[], instances=[instance()])
    assert await cloud.consumed(key) == 1
    assert await cloud.rows("SELECT resource_type FROM association") == [("INSTANCE",)]


# ------------------------------------------------------------ what changed is counted anew


async def test_en_5_stopping_releases_and_starting_counts_again(cloud: Cloud) -> None:
    key = await cloud.licensed_image(license_count=1, hard_limit=True)
    await cloud.observe(instances=[instance(1), instance(2)])
    await cloud.observe(instances=[instance(1), instance(2, state=STOPPED)])
    assert await cloud.consumed(key) == 1
    assert await cloud.observe(instances=[instance(1), instance(2)]) == {"instances changed": 1}
    assert await cloud.consumed(key) == 2
    assert await cloud.alerts() == ["LIMIT_EXCEEDED", "LIMIT_EXCEEDED"]


async def test_en_5_what_is_found_stopped_carries_its_licenses_and_counts_when_it_starts(cloud: Cloud) -> None:
    key = await cloud.licensed_image()
    await cloud.observe(instances=[instance(state=STOPPED)])
    assert await cloud.consumed(key) == 0
    await cloud.observe(instances=[instance()])
    assert await cloud.consumed(key) == 1


@pytest.mark.parametrize("seen", [[], [instance(state=TERMINATED)]], ids=["vanished", "terminated"])
async def test_what_ended_is_released_and_carries_nothing(cloud: Cloud, seen: list[object]) -> None:
    key = await cloud.licensed_image()
    await cloud.observe(instances=[instance()])
    assert await cloud.observe(instances=seen) == {"instances gone": 1}
    assert await cloud.consumed(key) == 0
    assert await cloud.rows("SELECT count(*) FROM association WHERE resource_type = 'INSTANCE'") == [(0,)]
    assert await cloud.rows("SELECT state FROM resource WHERE type = 'INSTANCE'") == [("TERMINATED",)]


async def test_what_was_never_known_and_has_ended_is_not_written(cloud: Cloud) -> None:
    assert await cloud.observe(instances=[instance(state=TERMINATED)]) == {}
    assert await cloud.rows("SELECT count(*) FROM resource") == [(0,)]


async def test_an_instance_that_is_there_again_is_judged_anew(cloud: Cloud) -> None:
    """A listing may have been incomplete."""
    key = await cloud.licensed_image()
    await cloud.observe(instances=[instance()])
    await cloud.observe(instances=[])
    assert await cloud.observe(instances=[instance()]) == {"instances added": 1}
    assert await cloud.consumed(key) == 1
    await cloud.observe(instances=[instance(state=TERMINATED)])
    assert await cloud.observe(instances=[instance()]) == {"instances changed": 1}
    assert await cloud.consumed(key) == 1


async def test_consumption_follows_the_instance_type(cloud: Cloud) -> None:
    key = await cloud.licensed_image(CountingType.VCPU)
    await cloud.observe(instances=[instance()])
    await cloud.observe(instances=[instance(instance_type="m5.4xlarge", cores=8)])
    assert await cloud.consumed(key) == 16


async def test_lc_3_customised_figures_count_where_they_are_honoured(cloud: Cloud) -> None:
    key = await cloud.licensed_image(CountingType.VCPU, rules=[("honorVcpuOptimization", True)])
    await cloud.observe(instances=[instance(instance_type="m5.4xlarge", cores=2, threads_per_core=1)])
    assert await cloud.consumed(key) == 2


async def test_a_type_that_is_not_in_the_catalogue_counts_by_its_own_figures(cloud: Cloud) -> None:
    key = await cloud.licensed_image(CountingType.CORE)
    await cloud.observe(instances=[instance(instance_type="z99.mega", cores=12)])
    assert await cloud.consumed(key) == 12


# ------------------------------------------------------------ Dedicated Hosts


async def test_en_4_sockets_count_once_a_host_wherever_its_instances_move(cloud: Cloud) -> None:
    key = await cloud.licensed_image(CountingType.SOCKET)
    hosts = [host(1), host(2)]
    await cloud.observe(hosts=hosts, instances=[on_host(1), on_host(2)])
    assert await cloud.consumed(key) == 2
    await cloud.observe(hosts=hosts, instances=[on_host(1, 2), on_host(2)])
    assert await cloud.consumed(key) == 4
    await cloud.observe(hosts=hosts, instances=[on_host(1, 2), on_host(2, 2)])
    assert await cloud.consumed(key) == 2
    await cloud.observe(hosts=[host(2)], instances=[on_host(1, 2, state=STOPPED), on_host(2, 2)])
    assert await cloud.consumed(key) == 2
    await cloud.observe(hosts=[], instances=[])
    assert await cloud.consumed(key) == 0


async def test_what_a_host_and_its_instances_consume_follows_its_figures(cloud: Cloud) -> None:
    by_socket = await cloud.licensed_image(CountingType.SOCKET)
    await cloud.observe(hosts=[host()], instances=[on_host(1), on_host(2)])
    by_core = await cloud.license("hosts", CountingType.CORE)
    await cloud.attach(by_core, "h-00000001", ResourceType.DEDICATED_HOST)
    assert (await cloud.consumed(by_socket), await cloud.consumed(by_core)) == (2, 48)
    assert await cloud.observe(hosts=[host(sockets=4, cores=96)]) == {"Dedicated Hosts changed": 1}
    assert (await cloud.consumed(by_socket), await cloud.consumed(by_core)) == (4, 96)


async def test_a_host_that_nothing_runs_on_follows_its_figures_too(cloud: Cloud) -> None:
    await cloud.observe(hosts=[host()])
    key = await cloud.license("hosts", CountingType.CORE)
    await cloud.attach(key, "h-00000001", ResourceType.DEDICATED_HOST)
    await cloud.observe(hosts=[host(cores=24)])
    assert await cloud.consumed(key) == 24


async def test_a_host_that_went_is_released_with_what_it_carries(cloud: Cloud) -> None:
    await cloud.observe(hosts=[host()])
    key = await cloud.license("hosts", CountingType.CORE)
    await cloud.attach(key, "h-00000001", ResourceType.DEDICATED_HOST)
    await cloud.observe(hosts=[])
    assert await cloud.consumed(key) == 0
    assert await cloud.rows("SELECT count(*) FROM association") == [(0,)]


# ------------------------------------------------------------ images, launch templates and names


async def test_en_8_images_of_others_are_written_once_and_seen_by_who_lists_them(cloud: Cloud) -> None:
    await cloud.account(OTHER)
    private, public = image("ami-0000000b", owner=OTHER), image("ami-0000000c", owner=AMAZON, public=True)
    await cloud.observe(OTHER, images=[replace(private, tags={"Owner": "other"})])
    await cloud.observe(images=[private, public], instances=[instance(image_id="ami-0000000c")])
    assert await cloud.rows(
        "SELECT account_id, resource_id FROM resource WHERE type = 'IMAGE' ORDER BY resource_id"
    ) == [
        (OTHER, "ami-0000000b"),
        (AMAZON, "ami-0000000c"),
    ]
    assert await cloud.rows("SELECT DISTINCT account_id FROM image_share") == [(ACCOUNT,)]
    assert await cloud.rows("SELECT key, value FROM resource_tag") == [("Owner", "other")]


async def test_public_images_that_nothing_uses_are_left_out(cloud: Cloud) -> None:
    """There are tens of thousands."""
    assert await cloud.observe(images=[image("ami-0000000c", owner=AMAZON, public=True)], instances=[instance()]) == {
        "instances added": 1
    }


async def test_an_image_whose_name_is_taken_here_has_its_id_behind_it(cloud: Cloud) -> None:
    from app.compute.images import register

    await cloud.database.write(lambda tx: register(tx, viewer(), REGION, "golden", platform=None, product_code=None))
    for _ in range(2):
        await cloud.observe(images=[image(name="golden")])
        assert await cloud.rows("SELECT name FROM resource WHERE seen_at IS NOT NULL") == [(f"golden ({AMI})",)]


async def test_an_image_may_have_the_name_of_one_that_went(cloud: Cloud) -> None:
    await cloud.observe(images=[image(name="golden")])
    await cloud.observe(images=[image("ami-0000000b", name="golden")])
    assert await cloud.rows("SELECT resource_id, name FROM resource WHERE gone_at IS NULL") == [
        ("ami-0000000b", "golden")
    ]


async def test_what_a_template_launches_stays_where_its_versions_were_not_asked_for(cloud: Cloud) -> None:
    await cloud.observe(images=[image()], templates=[template()])
    assert await cloud.observe(templates=[template(launches=None)]) == {}
    other = template(launches=TemplateContents(image_id=None, instance_type="c5.large"))
    assert await cloud.observe(templates=[other]) == {"launch templates changed": 1}
    assert await cloud.rows("SELECT image_id, instance_type FROM resource WHERE type = 'LAUNCH_TEMPLATE'") == [
        (None, "c5.large")
    ]


# ------------------------------------------------------------ all together


async def test_en_11_whatever_comes_and_goes_what_is_consumed_is_the_sum_of_what_is_there(cloud: Cloud) -> None:
    """A walk of forty observations, each unlike the one before; after each, all figures are recounted."""
    chance = random.Random(7)
    key = await cloud.licensed_image(CountingType.SOCKET, license_count=4, hard_limit=True)
    others = [await cloud.license(kind.value, kind, license_count=9) for kind in CountingType]
    for other in others:
        await cloud.attach(other, AMI, ResourceType.IMAGE)
    types = [("m5.large", 1), ("m5.4xlarge", 8), ("z99.mega", 3)]
    states = [InstanceState.RUNNING] * 3 + [STOPPED, TERMINATED]
    for _ in range(40):
        hosts = [host(number, sockets=chance.choice((1, 2))) for number in range(1, 4) if chance.random() < 0.8]
        places = [each.resource_id for each in hosts]
        instances = []
        for number in range(1, 9):
            kind, cores = chance.choice(types)
            place = chance.choice([*places, None])
            there = instance(
                number,
                instance_type=kind,
                cores=cores,
                host_id=place,
                tenancy=Tenancy.DEDICATED_HOST if place else Tenancy.SHARED,
                state=chance.choice(states),
            )
            if chance.random() < 0.8:
                instances.append(there)
        await cloud.observe(hosts=hosts, instances=instances)
        await cloud.consumed(key)


async def test_en_11_two_servers_that_observe_the_same_count_it_once(
    cloud: Cloud, database_url: str, clock: ManualClock
) -> None:
    key = await cloud.licensed_image()
    second = Database(database_url, clock=clock)
    await second.start()
    try:
        seen = [instance(number) for number in range(1, 30)]
        await asyncio.gather(cloud.observe(instances=seen), Cloud(second).observe(instances=seen))
        assert await cloud.consumed(key) == 29
        less = [replace(each, state=STOPPED) for each in seen[:15]]
        await asyncio.gather(cloud.observe(instances=less), Cloud(second).observe(instances=less))
        assert await cloud.consumed(key) == 0
        await asyncio.gather(cloud.observe(instances=seen), Cloud(second).observe(instances=less))
        assert await cloud.consumed(key) in {0, 29}
    finally:
        await second.stop()
