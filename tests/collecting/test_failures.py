"""What AWS refuses is left out and named with its cure, and stops nothing else (IN-2)."""

from datetime import datetime

import pytest
from botocore.retries.bucket import TokenBucket

from app.inventory.sources import Target
from app.inventory.syncs import begin
from app.kernel.clock import ManualClock
from app.kernel.errors import ErrorCode
from app.linking.settings import settings
from app.roles.rules import ServiceLinkedRoleKind
from app.roles.service import roles
from tests.collecting.amazon import MASTER, OTHER_REGION, REGION
from tests.collecting.stage import Stage, messages, told

EVERY_CALL = ("ec2:DescribeInstances", "ec2:DescribeHosts", "ec2:DescribeImages", "ssm:GetInventory")


async def everywhere(stage: Stage) -> None:
    """An instance in each account."""
    for each in (MASTER, *stage.members):
        stage.amazon.run(stage.amazon.image(each), each)


async def remove_role(stage: Stage, account_id: str, kind: ServiceLinkedRoleKind) -> None:
    await stage.database.write(
        lambda tx: tx.execute(roles.delete().where(roles.c.account_id == account_id, roles.c.kind == kind))
    )


# ------------------------------------------------------------ what AWS refuses


async def test_an_account_whose_role_cant_be_assumed_is_named_and_the_rest_are_in(stage: Stage) -> None:
    await stage.open("ann", "bob", "carol")
    await everywhere(stage)
    ann = stage.members[0]
    stage.amazon.refuse("sts:AssumeRole", ann, "AccessDenied")
    run = await stage.collect()
    assert told(run.changes) == {"images added": 3, "instances added": 3}
    (refusal,) = run.failures.pop(Target(ann, REGION))
    assert (run.failures, run.left_out) == ({}, {})
    assert (refusal.code, refusal.account_id, refusal.rule) == (ErrorCode.ACCESS_DENIED, ann, "IN-2")
    assert refusal.message == (
        f"AWS did not let the collector assume the role TollgateCollector in account {ann}: AccessDenied."
    )
    assert refusal.remedy is not None
    assert f"Create the role TollgateCollector in account {ann}" in refusal.remedy


@pytest.mark.parametrize("state", ["SUSPENDED", "PENDING_CLOSURE", "CLOSED", "PENDING_ACTIVATION"])
async def test_an_account_that_is_closed_in_aws_is_not_asked_and_keeps_what_it_holds(
    stage: Stage, clock: ManualClock, state: str
) -> None:
    """Its state is named, not a role that could not be assumed."""
    await stage.open("ann", "bob")
    await everywhere(stage)
    ann, bob = stage.members
    await stage.synchronise()
    before, last = await stage.instances(), clock.now()
    clock.advance(hours=1)
    stage.amazon.put_in_state(ann, state)
    stage.amazon.asked.clear()
    stage.amazon.refuse("sts:AssumeRole", ann, "AccessDenied")
    for synced in (await stage.synchronise(), await stage.synchronise((ann,))):
        (refusal,) = synced.failures[Target(ann, REGION)]
        assert refusal.message == f"Account {ann} is not asked: its state in AWS is {state}."
        assert refusal.remedy is not None
        assert "goes on consuming" in refusal.remedy
    assert ("sts:AssumeRole", ann) not in stage.amazon.actions()
    assert await stage.instances() == before
    assert [await synced_at(stage, each) for each in (ann, bob)] == [last, clock.now()]


async def test_an_account_that_is_active_again_is_asked_again(stage: Stage) -> None:
    await stage.open("ann")
    (ann,) = stage.members
    stage.amazon.put_in_state(ann, "SUSPENDED")
    assert set((await stage.synchronise()).failures) == {Target(ann, REGION)}
    assert told((await stage.synchronise()).changes) == {}
    stage.amazon.put_in_state(ann, "ACTIVE")
    await everywhere(stage)
    synced = await stage.synchronise()
    assert synced.failures == {}
    assert told(synced.changes) == {"accounts changed": 1, "images added": 2, "instances added": 2}


@pytest.mark.parametrize(("action", "kind"), [("ec2:DescribeHosts", "DEDICATED_HOST"), ("ec2:DescribeImages", "IMAGE")])
async def test_of_a_kind_whose_call_is_denied_nothing_is_taken_for_gone(stage: Stage, action: str, kind: str) -> None:
    await stage.open("ann")
    await everywhere(stage)
    (ann,) = stage.members
    (host,) = stage.amazon.ec2(ann).allocate_hosts(AvailabilityZone=f"{REGION}a", InstanceFamily="m5", Quantity=1)[
        "HostIds"
    ]
    await stage.collect()
    there = f"SELECT resource_id FROM resource WHERE type = '{kind}' AND account_id = '{ann}' AND gone_at IS NULL"
    known = await stage.cloud.rows(there)
    stage.amazon.refuse(action, ann, "UnauthorizedOperation")
    stage.amazon.ec2(ann).release_hosts(HostIds=[host])
    stage.amazon.forget_images(ann)
    run = await stage.collect()
    (refusal,) = run.left_out[Target(ann, REGION)]
    assert refusal.message == f"AWS denied {action} in account {ann}, Region {REGION}: UnauthorizedOperation."
    assert refusal.remedy == (
        f"Grant {action} to the role TollgateCollector of account {ann}; docs/collecting.md has the role's policies."
    )
    assert await stage.cloud.rows(there) == known
    assert len(known) == 1


async def test_what_else_a_region_holds_is_taken_where_one_call_is_denied(stage: Stage) -> None:
    await stage.open("ann")
    (ann,) = stage.members
    stage.amazon.refuse("ec2:DescribeHosts", ann, "UnauthorizedOperation")
    stage.amazon.run(stage.amazon.image(ann), ann)
    run = await stage.collect()
    assert told(run.changes) == {"images added": 1, "instances added": 1}


@pytest.mark.parametrize("action", EVERY_CALL)
async def test_tr_5_what_was_read_counts_as_synchronised_where_another_call_is_denied(
    stage: Stage, clock: ManualClock, action: str
) -> None:
    """What was denied is named with its call and cure, and what is known of its kind goes on consuming."""
    await stage.open("ann")
    await everywhere(stage)
    (ann,) = stage.members
    await stage.synchronise()
    before = await stage.instances()
    clock.advance(hours=1)
    stage.amazon.refuse(action, ann, "UnauthorizedOperation")
    synced = await stage.synchronise()
    assert await synced_at(stage, ann) == clock.now()
    (refusal,) = synced.failures[Target(ann, REGION)]
    assert refusal.message == f"AWS denied {action} in account {ann}, Region {REGION}: UnauthorizedOperation."
    assert refusal.remedy is not None
    assert refusal.remedy.startswith(f"Grant {action} to the role TollgateCollector of account {ann}; ")
    assert await stage.instances() == before
    assert synced.in_part == [Target(ann, REGION)]


async def test_tr_5_where_every_call_is_denied_the_region_is_not_synchronised(stage: Stage, clock: ManualClock) -> None:
    await stage.open("ann")
    (ann,) = stage.members
    await stage.synchronise()
    last = clock.now()
    clock.advance(hours=1)
    for action in EVERY_CALL:
        stage.amazon.refuse(action, ann, "UnauthorizedOperation")
    synced = await stage.synchronise()
    assert await synced_at(stage, ann) == last
    assert await synced_at(stage, MASTER) == clock.now()
    assert len(synced.failures[Target(ann, REGION)]) == len(EVERY_CALL)
    assert synced.in_part == []


async def synced_at(stage: Stage, account_id: str) -> datetime | None:
    """When the settings show that an account was last synchronised."""
    own = await stage.database.read(lambda connection: settings(connection, account_id, REGION))
    assert own is not None
    return own.last_sync_at


async def test_a_region_that_is_not_enabled_is_named_and_the_others_are_in(stage: Stage) -> None:
    await stage.open("ann")
    (ann,) = stage.members
    for region in (REGION, OTHER_REGION):
        stage.amazon.run(stage.amazon.image(ann, region=region), ann, region=region)
        for action in EVERY_CALL:
            stage.amazon.refuse(action, ann, "AuthFailure", region=OTHER_REGION)
    targets = [Target(ann, REGION), Target(ann, OTHER_REGION)]
    run = await stage.collect(*targets, aws_regions=(REGION, OTHER_REGION))
    assert set(run.failures) == {Target(ann, OTHER_REGION)}
    assert run.failures[Target(ann, OTHER_REGION)][0].remedy == (
        f"Enable {OTHER_REGION} in the account, or leave the Region out of TOLLGATE_AWS_REGIONS."
    )
    assert told(run.changes) == {"images added": 1, "instances added": 1}


async def test_a_call_that_is_throttled_is_made_again(stage: Stage, unhurried: None) -> None:
    await stage.open("ann")
    await everywhere(stage)
    (ann,) = stage.members
    stage.amazon.refuse("ec2:DescribeInstances", ann, "RequestLimitExceeded", "RequestLimitExceeded", "")
    run = await stage.collect()
    assert (run.failures, run.left_out) == ({}, {})
    assert len(await stage.instances()) == 2
    assert stage.amazon.actions()["ec2:DescribeInstances", ann] == 3


async def test_a_call_that_stays_throttled_is_given_up_and_says_what_to_turn(stage: Stage, unhurried: None) -> None:
    await stage.open("ann")
    await everywhere(stage)
    (ann,) = stage.members
    stage.amazon.refuse("ec2:DescribeInstances", ann, "RequestLimitExceeded")
    run = await stage.collect()
    (refusal,) = run.left_out[Target(ann, REGION)]
    assert refusal.message.endswith("RequestLimitExceeded.")
    assert refusal.remedy == "Lower TOLLGATE_AWS_CONCURRENCY. It is tried again at the next synchronisation."
    assert list((await stage.instances()).values()) == ["RUNNING"]


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore waits before it tries again, and asks less often; here no time passes."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
    monkeypatch.setattr(TokenBucket, "acquire", lambda self, amount=1, block=True: True)


async def test_an_organization_that_cant_be_read_leaves_the_known_accounts_in(stage: Stage) -> None:
    await stage.open("ann")
    await everywhere(stage)
    stage.amazon.refuse("organizations:ListAccounts", MASTER, "AccessDeniedException")
    run = await stage.collect()
    assert messages(run.failures) == [
        f"AWS denied organizations:ListAccounts in account {MASTER}: AccessDeniedException."
    ]
    assert len(await stage.instances()) == 2


async def test_an_answer_that_cant_be_taken_is_named_by_its_place(stage: Stage) -> None:
    """Nothing of it is taken, and nothing known of that kind is lost."""
    await stage.open()
    running = stage.amazon.run(stage.amazon.image())
    await stage.collect()
    strange = stage.amazon.run(stage.amazon.image(name="another"))
    stage.amazon.change_type(strange[0], "z99.mega")
    run = await stage.collect()
    (message,) = messages(run.left_out)
    assert message.startswith(f"What AWS answered to ec2:DescribeInstances in account {MASTER}, Region {REGION}")
    assert "z99.mega" in message
    assert await stage.instances() == dict.fromkeys(running, "RUNNING")


async def test_without_credentials_every_target_says_so(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    await stage.open("ann")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", "/nonexistent")
    run = await stage.collect()
    assert messages(run.failures) == ["The collector has no credentials for AWS."] * 2


async def test_where_aws_is_not_reached_that_is_said_without_its_address(stage: Stage) -> None:
    await stage.open("ann")
    run = await stage.collect(aws_endpoint_url="http://127.0.0.1:1")
    assert messages(run.failures) == ["AWS could not be asked sts:GetCallerIdentity: EndpointConnectionError."] * 2


# ------------------------------------------------------------ what Tollgate refuses


async def test_in_2_a_member_without_its_roles_here_is_left_out_as_a_search_leaves_it_out(stage: Stage) -> None:
    await stage.open("ann", "bob", "carol")
    await everywhere(stage)
    ann, bob, carol = stage.members
    await remove_role(stage, ann, ServiceLinkedRoleKind.MEMBER_ACCOUNT)
    await remove_role(stage, bob, ServiceLinkedRoleKind.CORE)
    run = await stage.collect()
    assert {target.account_id for target in run.failures} == {ann, bob}
    for account_id, role in ((ann, "MemberAccountRole"), (bob, "LicenseManagerRole")):
        (refusal,) = run.failures[Target(account_id, REGION)]
        assert (refusal.code, refusal.account_id) == (ErrorCode.ROLE_MISSING, account_id)
        assert role in refusal.message
        assert not any(asked == account_id for action, asked in stage.amazon.actions() if action == "sts:AssumeRole")
    found = await stage.cloud.rows("SELECT DISTINCT account_id FROM resource WHERE type = 'INSTANCE'")
    assert {account_id for (account_id,) in found} == {MASTER, carol}


async def test_ro_6_a_policy_that_does_not_grant_an_action_leaves_the_account_out(stage: Stage) -> None:
    await stage.open("ann")
    await everywhere(stage)
    (ann,) = stage.members
    own = (roles.c.account_id == ann, roles.c.kind == ServiceLinkedRoleKind.CORE)
    await stage.database.write(lambda tx: tx.execute(roles.update().where(*own).values(policy={"Statement": []})))
    run = await stage.collect()
    (refusal,) = run.failures[Target(ann, REGION)]
    assert refusal.code is ErrorCode.ROLE_NOT_ALLOWED
    assert "ec2:DescribeInstances" in refusal.message


async def test_until_the_organization_is_linked_only_the_caller_s_own_account_is_collected(stage: Stage) -> None:
    stage.members = stage.amazon.organization("ann")
    await stage.synchronise()
    await stage.grant(MASTER)
    await everywhere(stage)
    await stage.grant(*stage.members)
    run = await stage.collect()
    (refusal,) = run.failures.pop(Target(stage.members[0], REGION))
    assert (refusal.code, run.failures) == (ErrorCode.ORGANIZATION_NOT_LINKED, {})
    assert len(await stage.instances()) == 1


async def test_an_account_of_another_organization_is_refused(stage: Stage) -> None:
    await stage.open()
    await stage.cloud.account("999988887777")
    run = await stage.collect(Target("999988887777", REGION))
    (refusal,) = run.failures[Target("999988887777", REGION)]
    assert refusal.code is ErrorCode.NOT_IN_ORGANIZATION


async def test_what_another_run_synchronises_is_left_to_it(stage: Stage) -> None:
    await stage.open("ann")
    await everywhere(stage)
    (ann,) = stage.members
    await stage.database.write(lambda tx: begin(tx, [Target(ann, REGION)], "another"))
    synced = await stage.synchronise()
    assert synced.elsewhere == [Target(ann, REGION)]
    assert len(await stage.instances()) == 1
