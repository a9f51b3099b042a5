"""What AWS answers is checked entry by entry, and brought into the inventory's words."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from app.compute.rules import InstanceState, Tenancy
from app.inventory.aws import ec2, organizations
from app.inventory.aws.organizations import OrganizationAnswers
from app.inventory.aws.shapes import Unexpected, read
from app.inventory.observation import ObservedInstance

ACCOUNT, REGION = "111122223333", "us-east-1"


def answered(call: str, content: Any) -> Any:
    return read(ec2.ANSWERS[call], orjson.dumps(content))


def instances(*entries: dict[str, Any], owner: str = ACCOUNT) -> list[ObservedInstance]:
    answer = answered("describe-instances", {"Reservations": [{"OwnerId": owner, "Instances": list(entries)}]})
    return [each for _, each in ec2.instances_of(answer, ACCOUNT, REGION)]


def entry(**given: Any) -> dict[str, Any]:
    return {"InstanceId": "i-0a", "InstanceType": "m5.large", "State": {"Name": "running"}, **given}


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("pending", InstanceState.RUNNING),
        ("running", InstanceState.RUNNING),
        ("stopping", InstanceState.STOPPED),
        ("stopped", InstanceState.STOPPED),
        ("shutting-down", InstanceState.TERMINATED),
        ("terminated", InstanceState.TERMINATED),
    ],
)
def test_every_state_of_ec2_is_one_of_three(name: str, state: InstanceState) -> None:
    assert [each.state for each in instances(entry(State={"Name": name}))] == [state]


@pytest.mark.parametrize(
    ("name", "tenancy"),
    [
        ("default", Tenancy.SHARED),
        ("dedicated", Tenancy.DEDICATED_INSTANCE),
        ("host", Tenancy.DEDICATED_HOST),
    ],
)
def test_lc_4_every_tenancy_of_ec2_is_known(name: str, tenancy: Tenancy) -> None:
    assert [each.tenancy for each in instances(entry(Placement={"Tenancy": name}))] == [tenancy]


def test_cpu_options_count_before_the_type() -> None:
    (customised,) = instances(entry(CpuOptions={"CoreCount": 3, "ThreadsPerCore": 1}))
    (usual,) = instances(entry())
    assert (customised.cores, customised.threads_per_core, customised.vcpus) == (3, 1, 3)
    assert (usual.cores, usual.threads_per_core, usual.vcpus) == (1, 2, 2)


def test_an_unknown_type_is_taken_by_its_cpu_options_and_refused_without() -> None:
    (taken,) = instances(entry(InstanceType="z99.mega", CpuOptions={"CoreCount": 6, "ThreadsPerCore": 2}))
    assert taken.vcpus == 12
    with pytest.raises(Unexpected, match=r"^Reservations\[0\]\.Instances\[0\]\.InstanceType: “z99\.mega” is not"):
        instances(entry(InstanceType="z99.mega"))


def test_an_unknown_type_that_has_ended_needs_no_figures() -> None:
    assert len(instances(entry(InstanceType="z99.mega", State={"Name": "terminated"}))) == 1


def test_what_was_launched_from_a_template_names_it_by_ec2s_own_tag() -> None:
    (launched,) = instances(entry(Tags=[{"Key": "aws:ec2launchtemplate:id", "Value": "lt-0a"}]))
    assert launched.template_id == "lt-0a"


def test_boto3s_answers_are_taken_like_the_clis() -> None:
    at = datetime(2026, 1, 5, tzinfo=UTC)
    answer = read(ec2.DescribeInstances, {"Reservations": [{"Instances": [entry(LaunchTime=at)]}]})
    assert [each.launched_at for _, each in ec2.instances_of(answer, ACCOUNT, REGION)] == [at]


def wrong() -> Iterator[tuple[str, Any, str]]:
    """Calls, answers that can't be taken, and what is said of them."""
    yield "describe-instances", {}, "Reservations: field required"
    yield "describe-instances", [], "input should be an object"
    yield (
        "describe-instances",
        {"Reservations": [{"Instances": [{}]}]},
        "Reservations[0].Instances[0].InstanceId: field",
    )
    place = "Reservations[0].Instances[1]."
    for given, said in (
        ({"InstanceType": 5}, "InstanceType: input should be a valid string"),
        ({"InstanceType": "m5 large"}, "InstanceType: string should match"),
        ({"State": {"Name": "asleep"}}, "State.Name: input should be 'pending'"),
        ({"CpuOptions": {"CoreCount": 0}}, "CpuOptions.CoreCount: input should be greater"),
        ({"LaunchTime": "yesterday"}, "LaunchTime: input should be a valid datetime"),
        ({"LaunchTime": "2026-01-05T09:00:00"}, "LaunchTime: input should have timezone"),
        ({"Tags": [{"Key": "a\x00"}]}, "Tags[0].Key: holds control characters"),
        ({"Tags": [{"Key": "a", "Value": "x" * 257}]}, "Tags[0].Value: string should have at most 256"),
        ({"Placement": {"AvailabilityZone": "eu-west-1a"}}, "Placement.AvailabilityZone: “eu-west-1a” is not in us"),
    ):
        yield "describe-instances", {"Reservations": [{"Instances": [entry(), entry(**given)]}]}, place + said
    other = {"Reservations": [{"OwnerId": "222233334444", "Instances": []}]}
    yield "describe-instances", other, "Reservations[0].OwnerId: is account 222233334444, not 111122223333"
    yield "describe-images", {"Images": [{"ImageId": "ami-1"}]}, "Images[0].OwnerId: field required"
    yield (
        "describe-images",
        {"Images": [{"ImageId": "x", "OwnerId": ACCOUNT}]},
        "Images[0].ImageId: string should match",
    )
    yield "describe-hosts", {"Hosts": [{"HostId": "h-1"}]}, "Hosts[0].HostProperties: names neither"
    lacks = {"Hosts": [{"HostId": "h-1", "HostProperties": {"InstanceFamily": "z99"}}]}
    yield "describe-hosts", lacks, "Hosts[0].HostProperties: lacks Sockets"
    unnamed = {"LaunchTemplates": [{"LaunchTemplateId": "lt-1", "LaunchTemplateName": ""}]}
    yield "describe-launch-templates", unnamed, "LaunchTemplates[0].LaunchTemplateName: string should have at least 1"


def take(call: str, content: Any) -> None:
    """An answer, to its last entry."""
    answer = answered(call, content)
    if call == "describe-instances":
        list(ec2.instances_of(answer, ACCOUNT, REGION))
    if call == "describe-hosts":
        list(ec2.hosts_of(answer, ACCOUNT, REGION))


@pytest.mark.parametrize(("call", "content", "said"), list(wrong()))
def test_what_can_t_be_taken_is_named_with_its_place(call: str, content: Any, said: str) -> None:
    with pytest.raises(Unexpected) as refused:
        take(call, content)
    assert str(refused.value).startswith(said)


@pytest.mark.parametrize(
    "content", [b"", b"[", b"\xff", b"null", b'"x"', b"1" * 5000, b"[" * 100_000, b'{"Images": [{']
)
def test_bytes_that_are_no_answer_are_refused(content: bytes) -> None:
    with pytest.raises(Unexpected):
        read(ec2.DescribeImages, content)


def test_a_host_s_missing_figures_are_those_of_its_family() -> None:
    given = {"HostId": "h-1", "HostProperties": {"InstanceType": "m5.large", "Sockets": 1}}
    ((_, found),) = ec2.hosts_of(answered("describe-hosts", {"Hosts": [given]}), ACCOUNT, REGION)
    assert (found.instance_family, found.sockets, found.cores, found.vcpus) == ("m5", 1, 48, 96)


def test_hosts_that_were_released_or_are_another_account_s_are_left_out() -> None:
    usual = {"HostId": "h-1", "HostProperties": {"InstanceFamily": "m5"}}
    hosts = [{**usual, "State": "released"}, {**usual, "OwnerId": "222233334444"}]
    assert list(ec2.hosts_of(answered("describe-hosts", {"Hosts": hosts}), ACCOUNT, REGION)) == []


def test_images_that_nothing_can_be_launched_from_are_left_out() -> None:
    usual = {"ImageId": "ami-1", "OwnerId": ACCOUNT}
    images = [
        {**usual, "State": "deregistered"},
        {**usual, "State": "failed"},
        {**usual, "ImageType": "kernel", "ImageId": "aki-1"},
        usual,
    ]
    found = [each for _, each in ec2.images_of(answered("describe-images", {"Images": images}))]
    assert [(each.resource_id, each.name) for each in found] == [("ami-1", "ami-1")]


def test_a_template_launches_what_its_default_version_says() -> None:
    templates = answered(
        "describe-launch-templates", {"LaunchTemplates": [{"LaunchTemplateId": "lt-1", "LaunchTemplateName": "web"}]}
    )
    versions = [
        {"LaunchTemplateId": "lt-1", "DefaultVersion": default, "LaunchTemplateData": {"InstanceType": kind}}
        for default, kind in ((False, "m5.large"), (True, "c5.large"))
    ]
    answer = answered("describe-launch-template-versions", {"LaunchTemplateVersions": versions})
    ((_, found),) = ec2.templates_of(templates, answer)
    assert found.launches is not None
    assert found.launches.instance_type == "c5.large"
    ((_, alone),) = ec2.templates_of(templates, None)
    assert alone.launches is None


def test_units_without_a_root_are_refused() -> None:
    described = read(
        organizations.DescribeOrganization,
        {"Organization": {"Id": "o-abcdefghij", "MasterAccountId": ACCOUNT, "FeatureSet": "ALL"}},
    )
    answers = OrganizationAnswers(described.organization)
    answers.units[None] = [organizations.Unit(Id="ou-abcd-12345678", Name="Production")]
    with pytest.raises(ValueError, match="list-roots is missing"):
        answers.observed()
