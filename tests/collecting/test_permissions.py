"""The collector asks AWS for what the roles' policies grant, and for nothing else (RO-6)."""

import json
from collections import Counter
from importlib import resources
from pathlib import Path

import pytest

from app.inventory.aws import permissions
from app.inventory.aws.clients import Asker, Cloud, NotAllowed
from app.settings import ADDITIONAL_ACTIONS
from tests.collecting.amazon import MASTER, OTHER_REGION, REGION, Amazon
from tests.collecting.stage import Stage

THE_CALLER_S_OWN = {"sts:GetCallerIdentity", "sts:AssumeRole"}
"""Who one is AWS tells everyone; becoming a role is the caller's and that role's to allow."""


def granted(kind: str) -> set[str]:
    """The actions that a role's policy names, read as they stand in the file."""
    text = resources.files("app.roles").joinpath("data/service_linked_roles.json").read_text(encoding="utf-8")
    (policy,) = (each["policy"] for each in json.loads(text) if each["kind"] == kind)
    return {action for each in policy["Statement"] if each["Effect"] == "Allow" for action in each["Action"]}


async def asked(stage: Stage, **settings: object) -> Counter[tuple[str, str]]:
    """What arrives at AWS when everything there is is collected: hosts, templates, units, public images, SSM."""
    await stage.open("ann")
    (ann,) = stage.members
    client = stage.amazon.client("organizations", MASTER, REGION)
    client.create_organizational_unit(ParentId=client.list_roots()["Roots"][0]["Id"], Name="Factory")
    for each in (MASTER, ann):
        image = stage.amazon.image(each)
        stage.amazon.show_image(each, image, MASTER if each == ann else ann, listed=False)
        stage.amazon.run(image, each)
        stage.amazon.run(image, MASTER if each == ann else ann)
        stage.amazon.ec2(each).allocate_hosts(AvailabilityZone=f"{REGION}a", InstanceFamily="m5", Quantity=1)
        stage.amazon.ec2(each).create_launch_template(LaunchTemplateName="template", LaunchTemplateData={})
    run = await stage.collect(aws_regions=(REGION, OTHER_REGION), **settings)
    assert (run.failures, run.left_out) == ({}, {})
    return stage.amazon.actions()


async def test_every_call_of_a_full_run_is_granted_by_the_role_of_its_account(stage: Stage) -> None:
    calls = await asked(stage)
    (ann,) = stage.members
    of_the_master = {action for action, account_id in calls if account_id == MASTER} - THE_CALLER_S_OWN
    of_a_member = {action for action, account_id in calls if account_id == ann} - THE_CALLER_S_OWN
    assert of_a_member <= granted("CORE")
    assert of_the_master <= granted("CORE") | granted("MASTER_ACCOUNT")
    assert {each for each in of_the_master if each.startswith("organizations:")} <= granted("MASTER_ACCOUNT")
    assert len(of_a_member) == 4
    assert len(of_the_master) == 9
    assert {account_id for action, account_id in calls if action == "sts:AssumeRole"} == {ann}


async def test_what_no_policy_grants_is_asked_only_as_far_as_the_operator_adds_it(stage: Stage) -> None:
    added = ("ec2:DescribeLaunchTemplates", "organizations:ListOrganizationalUnitsForParent")
    calls = await asked(stage, aws_additional_actions=added)
    beyond = {action for action, _ in calls} - granted("CORE") - granted("MASTER_ACCOUNT") - THE_CALLER_S_OWN
    assert beyond == set(added)


async def test_a_session_in_a_member_is_held_to_these_actions_by_aws_itself(stage: Stage) -> None:
    await asked(stage)
    (ann,) = stage.members
    (statement,) = stage.amazon.policies[f"arn:aws:iam::{ann}:role/TollgateCollector"]["Statement"]
    assert statement["Effect"] == "Allow"
    assert set(statement["Action"]) == {
        "ec2:DescribeInstances",
        "ec2:DescribeImages",
        "ec2:DescribeHosts",
        "ssm:GetInventory",
    }


def test_a_call_that_is_not_allowed_never_leaves(amazon: Amazon) -> None:
    cloud = Cloud(amazon.settings())
    asker = Asker(cloud, MASTER, REGION, None, permissions.of_an_account(()))
    with pytest.raises(NotAllowed, match="ec2:TerminateInstances"):
        list(asker.pages("ec2:TerminateInstances", InstanceIds=["i-0a"]))
    assert amazon.asked == []


def test_what_an_operator_can_add_is_not_granted_already() -> None:
    plain = permissions.of_an_account(()) | permissions.of_the_master(())
    added = permissions.of_an_account(ADDITIONAL_ACTIONS) | permissions.of_the_master(ADDITIONAL_ACTIONS)
    assert added - plain == set(ADDITIONAL_ACTIONS)


def test_the_policies_in_the_documentation_are_what_is_asked() -> None:
    page = (Path(__file__).parents[2] / "docs" / "collecting.md").read_text(encoding="utf-8")
    caller, assuming = json.loads(page.split("```json")[1].split("```")[0])["Statement"]
    member = page.split("```yaml")[1].split("```")[0].split("Action: [")[1].split("]")[0]
    assert set(caller["Action"]) == permissions.of_an_account(()) | permissions.of_the_master(())
    assert assuming["Action"] == "sts:AssumeRole"
    assert set(member.split(", ")) == permissions.of_an_account(())
    assert all(f"`{each}`" in page for each in ADDITIONAL_ACTIONS)
