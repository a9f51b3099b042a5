"""What runs in AWS is found, counted and let go, account by account (IN-2, IN-3, EN-8, EN-10)."""

from app.compute.rules import ResourceType
from app.roles.rules import ServiceLinkedRoleKind, definitions
from tests.collecting.amazon import MASTER, OTHER_REGION, REGION
from tests.collecting.stage import Stage, messages, told
from tests.support.statements import executions


async def licensed(stage: Stage, image: str, count: int = 100, *, hard: bool = False) -> int:
    """The key of a license configuration of the master on an image that was collected."""
    key = await stage.cloud.license(owner=MASTER, license_count=count, hard_limit=hard)
    await stage.cloud.attach(key, image, ResourceType.IMAGE, by=MASTER)
    return key


async def test_in_3_what_runs_in_every_account_is_found(stage: Stage) -> None:
    await stage.open("ann", "bob")
    image = stage.amazon.image()
    running = [*stage.amazon.run(image), *stage.amazon.run(stage.amazon.image(stage.members[0]), stage.members[0], 3)]
    synced = await stage.synchronise()
    assert messages(synced.failures) == []
    assert told(synced.changes) == {"images added": 2, "instances added": 4}
    assert await stage.instances() == dict.fromkeys(running, "RUNNING")


async def test_every_region_that_is_asked_for_is_visited(stage: Stage) -> None:
    await stage.open("ann")
    (ann,) = stage.members
    for region in (REGION, OTHER_REGION, "us-west-2"):
        stage.amazon.run(stage.amazon.image(ann, region=region), ann, region=region)
    synced = await stage.synchronise(aws_regions=(REGION, OTHER_REGION))
    found = await stage.cloud.rows("SELECT region FROM resource WHERE type = 'INSTANCE' ORDER BY region")
    assert [region for (region,) in found] == [OTHER_REGION, REGION]
    assert {each.region for each in synced.targets} == {REGION, OTHER_REGION}


async def test_en_10_a_discovered_instance_is_counted_by_its_image_and_released_when_it_ends(stage: Stage) -> None:
    await stage.open()
    image = stage.amazon.image()
    await stage.synchronise()
    key = await licensed(stage, image)
    stays, stops, ends = stage.amazon.run(image, count=3)
    await stage.synchronise()
    assert await stage.cloud.consumed(key) == 3
    stage.amazon.ec2().stop_instances(InstanceIds=[stops])
    stage.amazon.ec2().terminate_instances(InstanceIds=[ends])
    assert told((await stage.synchronise()).changes) == {"instances changed": 1, "instances gone": 1}
    assert await stage.cloud.consumed(key) == 1
    states = await stage.instances()
    assert (states[stays], states[stops], states[ends]) == ("RUNNING", "STOPPED", "TERMINATED")


async def test_en_10_a_hard_limit_that_is_passed_already_is_an_alert_and_nothing_is_stopped(stage: Stage) -> None:
    await stage.open()
    image = stage.amazon.image()
    await stage.synchronise()
    key = await licensed(stage, image, count=1, hard=True)
    running = stage.amazon.run(image, count=3)
    await stage.synchronise()
    assert await stage.cloud.consumed(key) == 3
    assert await stage.cloud.alerts() == ["LIMIT_EXCEEDED"]
    described = stage.amazon.ec2().describe_instances(InstanceIds=running)["Reservations"][0]["Instances"]
    assert {each["State"]["Name"] for each in described} == {"running"}


async def test_en_8_images_are_the_account_s_own_those_given_to_it_and_of_others_those_in_use(stage: Stage) -> None:
    """Of public images there are far too many: they are asked for by the ids that instances name."""
    await stage.open("ann", "bob")
    ann, bob = stage.members
    own = stage.amazon.image(ann, "own")
    given, used, unused = (stage.amazon.image(bob, name) for name in ("given", "used", "unused"))
    stage.amazon.show_image(bob, given, ann, listed=True)
    for each in (used, unused):
        stage.amazon.show_image(bob, each, ann, listed=False)
    stage.amazon.run(used, ann)
    synced = await stage.synchronise((ann,))
    assert messages(synced.failures) == []
    rows = await stage.cloud.rows("SELECT resource_id, account_id FROM resource WHERE type = 'IMAGE'")
    assert dict(rows) == {own: ann, given: bob, used: bob}


async def test_a_second_collection_with_nothing_new_writes_nothing(stage: Stage) -> None:
    await stage.open("ann", "bob")
    for each in (MASTER, *stage.members):
        stage.amazon.run(stage.amazon.image(each), each, 2)
        stage.amazon.ec2(each).allocate_hosts(AvailabilityZone=f"{REGION}a", InstanceFamily="m5", Quantity=1)
    first = await stage.collect()
    assert told(first.changes) == {"images added": 3, "Dedicated Hosts added": 3, "instances added": 6}
    with executions() as statements:
        second = await stage.collect()
    assert (told(second.changes), second.failures) == ({}, {})
    assert len(statements) > 10
    assert [each for each in statements if each.split()[0] in ("INSERT", "UPDATE", "DELETE")] == []


async def test_a_dry_run_tells_what_would_change_and_keeps_nothing(stage: Stage) -> None:
    await stage.open("ann")
    stage.amazon.run(stage.amazon.image())
    before = await stage.cloud.rows("SELECT count(*), max(finished_at) FROM inventory_sync")
    synced = await stage.synchronise(dry_run=True)
    assert told(synced.changes) == {"images added": 1, "instances added": 1}
    assert await stage.instances() == {}
    assert await stage.cloud.rows("SELECT count(*), max(finished_at) FROM inventory_sync") == before


async def test_au_1_what_was_changed_is_recorded_in_each_account_and_a_look_that_changed_nothing_is_not(
    stage: Stage,
) -> None:
    await stage.open("ann", "bob")
    ann, _ = stage.members
    stage.amazon.run(stage.amazon.image(ann), ann)
    await stage.synchronise()
    records = "SELECT account_id, principal_arn FROM audit_event WHERE event_name = 'SyncInventory'"
    role = definitions()[ServiceLinkedRoleKind.CORE].arn(ann)
    assert await stage.cloud.rows(records) == [(ann, role)]
    await stage.synchronise()
    assert await stage.cloud.rows(records) == [(ann, role)]


# ------------------------------------------------------------ launch templates


async def test_launch_templates_are_asked_for_only_where_the_operator_allows_it(stage: Stage) -> None:
    """No role's policy grants it; TOLLGATE_AWS_ADDITIONAL_ACTIONS does."""
    await stage.open()
    image = stage.amazon.image()
    made = stage.amazon.ec2().create_launch_template(
        LaunchTemplateName="template", LaunchTemplateData={"ImageId": image, "InstanceType": "m5.large"}
    )
    await stage.synchronise()
    rows = "SELECT resource_id, image_id FROM resource WHERE type = 'LAUNCH_TEMPLATE'"
    assert await stage.cloud.rows(rows) == []
    allowed = ("ec2:DescribeLaunchTemplates", "ec2:DescribeLaunchTemplateVersions")
    synced = await stage.synchronise(aws_additional_actions=allowed)
    assert told(synced.changes) == {"launch templates added": 1}
    key = await stage.cloud.key(image, ResourceType.IMAGE)
    assert await stage.cloud.rows(rows) == [(made["LaunchTemplate"]["LaunchTemplateId"], key)]
    await stage.synchronise()
    assert len(await stage.cloud.rows(rows + " AND gone_at IS NULL")) == 1


# ------------------------------------------------------------ the organization


async def test_or_2_accounts_join_leave_and_move_as_they_do_in_aws(stage: Stage) -> None:
    """Who joins a linked organization gets its roles at once (ST-3), and is collected in the same run."""
    await stage.open("ann", "bob")
    ann, bob = stage.members
    carol = stage.amazon.join("carol")
    stage.amazon.run(stage.amazon.image(carol), carol)
    client = stage.amazon.client("organizations", MASTER, REGION)
    root = client.list_roots()["Roots"][0]["Id"]
    unit = client.create_organizational_unit(ParentId=root, Name="Factory")["OrganizationalUnit"]["Id"]
    client.move_account(AccountId=ann, SourceParentId=root, DestinationParentId=unit)
    client.remove_account_from_organization(AccountId=bob)
    synced = await stage.synchronise()
    assert messages(synced.failures) == []
    assert told(synced.changes) == {
        "units added": 1,
        "accounts added": 1,
        "accounts changed": 1,
        "accounts gone": 1,
        "images added": 1,
        "instances added": 1,
    }
    assert {each.account_id for each in synced.targets} == {MASTER, ann, carol}
    place = "SELECT a.account_id, u.name FROM account a JOIN organizational_unit u ON u.id = a.unit_id"
    assert dict(await stage.cloud.rows(place))[ann] == unit
    named = await stage.synchronise(aws_additional_actions=("organizations:ListOrganizationalUnitsForParent",))
    assert told(named.changes) == {"units changed": 1}
    assert dict(await stage.cloud.rows(place))[ann] == "Factory"
    assert told((await stage.synchronise()).changes) == {}
    assert dict(await stage.cloud.rows(place))[ann] == "Factory"


async def test_an_account_outside_any_organization_collects_its_own(stage: Stage) -> None:
    await stage.cloud.account(MASTER)
    stage.amazon.run(stage.amazon.image())
    synced = await stage.synchronise()
    assert (messages(synced.failures), synced.organization) == ([], [])
    assert told(synced.changes) == {"images added": 1, "instances added": 1}
