"""The documents that most tests of launches need, and what they come to in one call."""

from typing import Any

from tests.support.api import Client

REGION = "us-east-1"

CREATE = """
mutation($input: CreateLicenseConfigurationInput!) {
  createLicenseConfiguration(input: $input) { licenseConfiguration { id arn version } errors { code message field } }
}"""
REGISTER = """
mutation($input: RegisterImageInput!) {
  registerImage(input: $input) { image { id resourceId } errors { code message field } }
}"""
ALLOCATE = """
mutation($input: AllocateHostsInput!) {
  allocateHosts(input: $input) { hosts { id sockets cores vcpus } errors { code message field } }
}"""
ERROR = """code message remedy rule field nodeIds
  ... on LicenseLimitExceeded { requested available }
  ... on LicenseRuleViolated { licenseRule required actual }"""
LAUNCH = f"""
mutation($input: LaunchInstancesInput!) {{
  launchInstances(input: $input) {{
    instances {{ id resourceId state vcpus cores mechanism tenancy licenseConfigurations {{ id }} }}
    violations {{ hard licenseConfiguration {{ id name }} error {{ {ERROR} }} }}
    errors {{ {ERROR} }}
  }}
}}"""
ASSOCIATE = f"""
mutation($input: AssociateResourcesInput!) {{
  associateResources(input: $input) {{
    associations {{ id consumedLicenses resource {{ id }} }}
    errors {{ {ERROR} }}
  }}
}}"""
DISASSOCIATE = f"""
mutation($input: DisassociateResourcesInput!) {{
  disassociateResources(input: $input) {{ disassociatedIds errors {{ {ERROR} }} }}
}}"""
CHANGE = f"mutation($ids: [ID!]!) {{ ACTION(ids: $ids) {{ instances {{ id state }} errors {{ {ERROR} }} }} }}"
CONSUMED = "query($id: ID!) { licenseConfiguration(id: $id) { consumedLicenses remainingLicenses status version } }"
ALERTS = (
    "{ alerts(first: 100) { edges { node { kind message consumedLicenses licenseCount account { accountId } } } } }"
)


async def configuration(client: Client, name: str = "licenses", **given: Any) -> str:
    """The id of a new license configuration: instances, unless told otherwise."""
    wanted = {"region": REGION, "countingType": "INSTANCE", **given, "name": name}
    payload = await client.done(CREATE, input=wanted)
    id_: str = payload["licenseConfiguration"]["id"]
    return id_


async def image(client: Client, *configurations: str, name: str = "image", **given: Any) -> str:
    """The id of a new image that carries some configurations."""
    payload = await client.done(REGISTER, input={"region": REGION, "name": name, **given})
    id_: str = payload["image"]["id"]
    for each in configurations:
        await associate(client, each, id_)
    return id_


async def host(client: Client, family: str = "m5") -> str:
    """The id of a new Dedicated Host."""
    payload = await client.done(ALLOCATE, input={"region": REGION, "instanceFamily": family})
    id_: str = payload["hosts"][0]["id"]
    return id_


async def launch(client: Client, image_id: str, instance_type: str = "m5.large", **given: Any) -> dict[str, Any]:
    """The whole payload of a launch, refused or not."""
    wanted = {"region": REGION, "imageId": image_id, "instanceType": instance_type, **given}
    payload: dict[str, Any] = await client.field(LAUNCH, input=wanted)
    return payload


async def launched(client: Client, image_id: str, instance_type: str = "m5.large", **given: Any) -> list[str]:
    """The ids of the instances of a launch that must go through."""
    payload = await launch(client, image_id, instance_type, **given)
    assert payload["errors"] == [], payload["errors"]
    return [each["id"] for each in payload["instances"]]


async def associate(client: Client, configuration_id: str, *resource_ids: str) -> None:
    """Associate resources, none of which may be refused."""
    await client.done(ASSOCIATE, input={"licenseConfigurationId": configuration_id, "resourceIds": list(resource_ids)})


async def change(client: Client, action: str, *ids: str) -> dict[str, Any]:
    """The payload of startInstances, stopInstances or terminateInstances."""
    payload: dict[str, Any] = await client.field(CHANGE.replace("ACTION", action), ids=list(ids))
    return payload


async def consumed(client: Client, configuration_id: str) -> int:
    """The licenses of a configuration that are in use."""
    found = await client.field(CONSUMED, id=configuration_id)
    number: int = found["consumedLicenses"]
    return number


async def alert_kinds(client: Client) -> list[str]:
    """The kinds of all alerts that the client sees, the oldest first."""
    found = await client.field(ALERTS)
    return [edge["node"]["kind"] for edge in reversed(found["edges"])]


async def consistent(client: Client) -> bool:
    """Whether what is kept is the sum of what is associated (EN-11)."""
    found = await client.field("{ integrity { consistent discrepancies } }")
    assert found["discrepancies"] == [] or not found["consistent"]
    result: bool = found["consistent"]
    return result
