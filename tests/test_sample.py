"""seed/sample: 12 accounts in 3 units and 200 instances of 20 types, in the shape of AWS's own answers."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.loaders
import botocore.model
import botocore.validate
import pytest
from botocore import xform_name

from app.compute.catalogue import host_family, instance_type
from app.kernel.regions import region

SAMPLE = Path(__file__).parent.parent / "seed/sample"
FILES = sorted(SAMPLE.rglob("*.json"))


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def entries(call: str, key: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """What a call answered everywhere, with its account and Region."""
    for path in SAMPLE.glob(f"*/*/{call}.json"):
        for entry in read(path)[key]:
            yield path.parts[-3], path.parts[-2], entry


def instances() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (account, place, instance)
        for account, place, reservation in entries("describe-instances", "Reservations")
        for instance in reservation["Instances"]
    ]


def output_shape(path: Path) -> botocore.model.Shape:
    """What botocore's model says the call of a file answers."""
    service = "organizations" if path.parent.name == "organization" else "ec2"
    loaded = botocore.loaders.Loader().load_service_model(service, "service-2")
    model = botocore.model.ServiceModel(loaded, service)
    call = path.name.split(".")[0]
    operation = next(each for each in model.operation_names if xform_name(each, "-") == call)
    shape = model.operation_model(operation).output_shape
    assert shape is not None
    return shape


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SAMPLE)))
def test_a_file_is_what_its_call_answers(path: Path) -> None:
    """Named as the call, and every member known to the API's model and of its type."""
    report = botocore.validate.ParamValidator().validate(read(path), output_shape(path))
    assert not report.has_errors(), report.generate_report()


def test_the_organization_has_twelve_accounts_in_three_units() -> None:
    folder = SAMPLE / "organization"
    accounts = {each["Id"] for each in read(folder / "list-accounts.json")["Accounts"]}
    units = read(folder / "list-organizational-units-for-parent.json")["OrganizationalUnits"]
    master = read(folder / "describe-organization.json")["Organization"]["MasterAccountId"]
    placed = [
        each["Id"]
        for parent in ("", *(f".{unit['Id']}" for unit in units))
        for each in read(folder / f"list-accounts-for-parent{parent}.json")["Accounts"]
    ]
    assert len(accounts) == 12
    assert len(units) == 3
    assert sorted(placed) == sorted(accounts)
    assert {path.name for path in SAMPLE.iterdir() if path.is_dir()} == {"organization", *accounts - {master}}


def test_two_hundred_instances_run_on_twenty_types() -> None:
    found = instances()
    types = {each["InstanceType"] for _, _, each in found}
    assert len({each["InstanceId"] for _, _, each in found}) == len(found) == 200
    assert len(types) == 20
    assert all(instance_type(each) for each in types)
    assert all(region(place).supports_cross_account for _, place, _ in found)


def test_every_tenancy_state_and_way_of_launching_is_there() -> None:
    """LC-4, EN-5, EN-9."""
    found = [each for _, _, each in instances()]
    assert set(Counter(each["Placement"]["Tenancy"] for each in found)) == {"default", "dedicated", "host"}
    assert {each["State"]["Name"] for each in found} == {"running", "stopped"}
    assert any(each.get("InstanceLifecycle") == "spot" for each in found)
    assert any(each["ProductCodes"] for each in found)
    assert any(tag["Key"] == "aws:ec2launchtemplate:id" for each in found for tag in each["Tags"])


def test_cpu_options_are_real_and_some_customised() -> None:
    """LC-3."""
    customised = 0
    for _, _, each in instances():
        kind = instance_type(each["InstanceType"])
        assert kind is not None
        options = (each["CpuOptions"]["CoreCount"], each["CpuOptions"]["ThreadsPerCore"])
        assert kind.valid_cpu_options(*options)
        customised += options != (kind.cores, kind.threads_per_core)
    assert customised >= 10


def test_hosts_hold_what_runs_on_them() -> None:
    """EN-4: of the host's family, in its account and Region, and within its cores."""
    hosts = {each["HostId"]: (account, place, each) for account, place, each in entries("describe-hosts", "Hosts")}
    cores: Counter[str] = Counter()
    for account, place, each in instances():
        host_id = each["Placement"].get("HostId")
        assert (host_id is not None) == (each["Placement"]["Tenancy"] == "host")
        if host_id is None:
            continue
        kind = instance_type(each["InstanceType"])
        assert kind is not None
        assert hosts[host_id][:2] == (account, place)
        assert hosts[host_id][2]["HostProperties"]["InstanceFamily"] == kind.family
        cores[host_id] += kind.cores
    for host_id, (_, _, each) in hosts.items():
        properties = each["HostProperties"]
        figures = host_family(properties["InstanceFamily"])
        assert figures is not None
        assert (properties["Sockets"], properties["Cores"]) == (figures.sockets, figures.cores)
        assert cores[host_id] <= figures.cores


def test_three_members_of_one_region_can_launch_on_hosts_of_one_family() -> None:
    """LC-12 is played through on the sample: m5 hosts of three members in us-east-1, each with an image of its own."""
    hosting = {
        account
        for account, place, each in entries("describe-hosts", "Hosts")
        if (place, each["HostProperties"]["InstanceFamily"]) == ("us-east-1", "m5")
    }
    owning = {account for account, _, each in entries("describe-images", "Images") if each["OwnerId"] == account}
    assert len(hosting & owning) >= 3


def test_every_image_and_template_that_is_named_is_there() -> None:
    images = {(account, place, each["ImageId"]) for account, place, each in entries("describe-images", "Images")}
    templates = {
        (account, place, each["LaunchTemplateId"])
        for account, place, each in entries("describe-launch-templates", "LaunchTemplates")
    }
    versions = list(entries("describe-launch-template-versions", "LaunchTemplateVersions"))
    assert {(account, place, each["LaunchTemplateId"]) for account, place, each in versions} == templates
    assert {(account, place, each["LaunchTemplateData"]["ImageId"]) for account, place, each in versions} <= images
    for account, place, each in instances():
        assert (account, place, each["ImageId"]) in images
        named = [tag["Value"] for tag in each["Tags"] if tag["Key"] == "aws:ec2launchtemplate:id"]
        assert {(account, place, template) for template in named} <= templates


def test_the_sample_stays_small() -> None:
    assert sum(path.stat().st_size for path in FILES) < 1_500_000
