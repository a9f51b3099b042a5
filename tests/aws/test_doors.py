"""What is created through one door reads the same through the other."""

import asyncio
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from app.aws.license_rules import parse_rules, rule_texts
from app.licensing.definition import license_rules
from app.licensing.rules import CountingType
from tests.aws.door import REGION, Aws, Door
from tests.support import licenses as made
from tests.support.api import Client

METRICS = {"VCPU": "vCPU", "CORE": "Core", "SOCKET": "Socket", "INSTANCE": "Instance"}
BOUNDS = {"VCPU": "Vcpus", "CORE": "Cores", "SOCKET": "Sockets"}
TENANCIES = {
    "SHARED": "EC2-Default",
    "DEDICATED_INSTANCE": "EC2-DedicatedInstance",
    "DEDICATED_HOST": "EC2-DedicatedHost",
}
READ = """query($arn: String) { licenseConfiguration(arn: $arn) {
  arn name description countingType licenseCount hardLimit status consumedLicenses tags { key value }
  rules { minimumVcpus maximumVcpus minimumCores maximumCores minimumSockets maximumSockets
          honorVcpuOptimization allowedTenancy } } }"""
text = some.text(some.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=30)


@some.composite
def configurations(draw: some.DrawFn) -> dict[str, Any]:
    """A license configuration as GraphQL takes it, its rules in the order of its input type."""
    metric = draw(some.sampled_from(sorted(METRICS)))
    rules: dict[str, Any] = {}
    if metric in BOUNDS:
        low, high = sorted(draw(some.tuples(some.integers(1, 10_000), some.integers(1, 10_000))))
        rules |= draw(some.sampled_from([{}, {f"minimum{BOUNDS[metric]}": low}, {f"maximum{BOUNDS[metric]}": high}]))
    if draw(some.booleans()):
        rules["honorVcpuOptimization"] = draw(some.booleans())
    tenancies = draw(some.lists(some.sampled_from(sorted(TENANCIES)), unique=True))
    if tenancies:
        rules["allowedTenancy"] = tenancies
    return {
        "name": draw(text),
        "description": draw(some.none() | text),
        "countingType": metric,
        "licenseCount": draw(some.none() | some.integers(0, 2**31 - 1)),
        "hardLimit": draw(some.booleans()),
        "rules": rules,
        "tags": [
            {"key": key, "value": draw(text)}
            for key in sorted(draw(some.sets(text.filter(lambda key: not key.lower().startswith("aws:")), max_size=3)))
        ],
    }


def _rule(name: str, value: Any) -> str:
    if name == "allowedTenancy":
        return f"#{name}={','.join(TENANCIES[each] for each in value)}"
    return f"#{name}={value}"


def to_aws(wanted: dict[str, Any]) -> dict[str, Any]:
    """The same configuration as AWS takes and tells it."""
    told = {
        "Name": wanted["name"],
        "Description": wanted["description"],
        "LicenseCountingType": METRICS[wanted["countingType"]],
        "LicenseCount": wanted["licenseCount"],
        "LicenseCountHardLimit": wanted["hardLimit"],
        "LicenseRules": [_rule(name, value) for name, value in wanted["rules"].items()],
        "Tags": [{"Key": tag["key"], "Value": tag["value"]} for tag in wanted["tags"]],
    }
    return {name: value for name, value in told.items() if value is not None}


async def by_aws(aws: Aws, client: Client, wanted: dict[str, Any]) -> None:
    """Created by AWS, read by GraphQL, deleted by AWS."""
    answer = await aws("create_license_configuration", **to_aws(wanted))
    arn = answer["LicenseConfigurationArn"]
    found = await client.field(READ, arn=arn)
    rules = {name: value for name, value in found["rules"].items() if value not in (None, [], False)}
    assert rules == {name: value for name, value in wanted["rules"].items() if value is not False}
    assert found == found | {name: value for name, value in wanted.items() if name != "rules"}
    await aws("delete_license_configuration", LicenseConfigurationArn=arn)
    assert await client.field(READ, arn=arn) is None


async def by_graphql(aws: Aws, client: Client, wanted: dict[str, Any]) -> None:
    """Created by GraphQL, read by AWS, deleted by GraphQL."""
    payload = await client.done(made.CREATE, input={"region": REGION, **wanted})
    created = payload["licenseConfiguration"]
    told = await aws("get_license_configuration", LicenseConfigurationArn=created["arn"])
    assert {name: told[name] for name in to_aws(wanted)} == to_aws(wanted)
    listed = await aws("list_license_configurations", LicenseConfigurationArns=[created["arn"]])
    (found,) = listed["LicenseConfigurations"]
    assert found == {name: value for name, value in told.items() if name not in ("Tags", "ResponseMetadata")}
    await client.done(
        "mutation($id: ID!) { deleteLicenseConfiguration(id: $id) { errors { code } } }", id=created["id"]
    )


async def test_both_doors_tell_the_same_of_any_configuration(door: Door) -> None:
    """LC-1 to LC-7, LC-13."""
    aws, client = await door.both()
    loop = asyncio.get_running_loop()

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(configurations())
    def holds(wanted: dict[str, Any]) -> None:
        for one in (by_aws, by_graphql):
            asyncio.run_coroutine_threadsafe(one(aws, client, wanted), loop).result()

    await asyncio.to_thread(holds)


@given(configurations(), some.randoms(use_true_random=False))
def test_rules_come_back_in_the_order_in_which_they_were_given(wanted: dict[str, Any], random: Any) -> None:
    """LC-13: whatever the order, and however a boolean is spelled."""
    texts = to_aws(wanted)["LicenseRules"]
    random.shuffle(texts)
    spelled = [random.choice([text, text.replace("True", "TRUE").replace("False", "false")]) for text in texts]
    rules = license_rules(CountingType(wanted["countingType"]), parse_rules(spelled))
    assert rule_texts(rules) == texts
