"""The main job, end to end through the served app on real input: what the AWS CLI prints of an organization."""

import asyncio
from pathlib import Path
from typing import Any

from app.seeding.files import gather
from app.seeding.importing import import_gathered
from tests.support import licenses as made
from tests.support.api import Api, Client

SAMPLE = Path(__file__).parents[2] / "seed" / "sample"
MASTER = "123456789012"
MEMBERS = ("573879100268", "493073992092", "960661190025")
LINK = """
mutation($region: RegionCode!) {
  updateServiceSettings(input: {region: $region, linkOrganization: true}) {
    serviceSettings { organizationLinked linkFailures { message } } errors { code message }
  }
}"""
SHARE = """
mutation($input: CreateResourceShareInput!) {
  createResourceShare(input: $input) { resourceShare { id principals } errors { code message } }
}"""
RESOURCES = """
query($filter: String!) {
  resourceInventory(region: "us-east-1", filter: $filter, first: 100) {
    totalCount edges { node { id resourceId ... on DedicatedHost { instanceFamily } } }
  }
}"""
GOLDEN = "type:IMAGE AND platform:windows AND account:{} AND tag.Name:windows-golden"
CORE = 'mutation { createServiceLinkedRole(input: {serviceName: "license-manager.amazonaws.com"}) { errors { code } } }'
MEMBER_SERVICE = "license-manager.member-account.amazonaws.com"


async def _found(client: Client, filter_: str) -> list[dict[str, Any]]:
    page = await client.field(RESOURCES, filter=filter_)
    return [edge["node"] for edge in page["edges"]]


async def _imported(api: Api) -> None:
    gathered = gather(SAMPLE, None, None)
    await api.database.write(lambda tx: import_gathered(tx, gathered))
    again = await api.database.write(lambda tx: import_gathered(tx, gathered))
    assert not again, "a second import of the same files changes nothing"


async def test_an_organization_is_imported_linked_licensed_filled_explained_and_repaired(api: Api) -> None:
    """LC-12, EN-2, EN-11, SH-4, TR-2: the guide's operating-system license, over three members at once."""
    await _imported(api)
    master = await api.client(MASTER)
    members = {each: await api.client(each) for each in MEMBERS}
    assert (await master.field("{ organization { accounts(first: 20) { totalCount } } }"))["accounts"][
        "totalCount"
    ] == 12
    await master.done(CORE)
    linked = await master.done(LINK, region=made.REGION)
    assert linked["serviceSettings"] == {"organizationLinked": True, "linkFailures": []}
    windows = await made.configuration(
        master,
        "Windows Server Datacenter",
        countingType="CORE",
        licenseCount=96,
        hardLimit=True,
        rules={"minimumCores": 8, "maximumCores": 16, "allowedTenancy": ["DEDICATED_HOST"]},
    )
    organization = await master.field("{ organization { organizationId } }")
    await master.done(
        SHARE,
        input={
            "region": made.REGION,
            "name": "windows",
            "licenseConfigurationIds": [windows],
            "principals": [organization["organizationId"]],
        },
    )

    async def one(client: Client, image: str, host: str) -> tuple[Client, dict[str, Any]]:
        payload = await made.launch(
            client, image, "m5.4xlarge", tenancy="DEDICATED_HOST", hostId=host, licenseConfigurationIds=[windows]
        )
        return client, payload

    places = []
    for client in members.values():
        (image,) = await _found(client, GOLDEN.format(client.account_id))
        host = next(each for each in await _found(client, "type:DEDICATED_HOST") if each["instanceFamily"] == "m5")
        places.append((client, image["id"], host["id"]))
    answers = await asyncio.gather(*(one(*place) for place in places for _ in range(6)))
    launched = [(client, payload["instances"][0]["id"]) for client, payload in answers if payload["instances"]]
    assert len(launched) == 12
    assert await made.consumed(master, windows) == 96
    blocked = next(payload for _, payload in answers if not payload["instances"])
    (error,) = blocked["errors"]
    assert (error["code"], error["rule"], error["requested"], error["available"]) == ("LIMIT_EXCEEDED", "LC-6", 8, 0)
    assert "Windows Server Datacenter" in error["message"]
    assert error["remedy"]

    client, instance = launched[0]
    await made.change(client, "stopInstances", instance)
    other, image_id, host_id = places[1]
    assert (await one(other, image_id, host_id))[1]["instances"]
    assert await made.consumed(master, windows) == 96

    await _member_role_restores(master, *launched[1], windows)
    assert await made.consumed(master, windows) == 88
    assert await made.consistent(master)


async def _member_role_restores(master: Client, member: Client, instance: str, windows: str) -> None:
    """TR-2: without the member role the master can't disassociate; restoring it cures that."""
    roles = (await member.field("{ viewer { account { serviceLinkedRoles { id kind } } } }"))["account"]
    role = next(each["id"] for each in roles["serviceLinkedRoles"] if each["kind"] == "MEMBER_ACCOUNT")
    await member.done("mutation($id: ID!) { deleteServiceLinkedRole(id: $id) { errors { code } } }", id=role)
    asked = {"licenseConfigurationId": windows, "resourceIds": [instance]}
    (refused,) = await master.errors(made.DISASSOCIATE, input=asked)
    assert (refused["code"], refused["rule"]) == ("ROLE_MISSING", "TR-2")
    assert MEMBER_SERVICE in refused["remedy"]
    await member.done(
        "mutation($name: String!) { createServiceLinkedRole(input: {serviceName: $name}) { errors { code } } }",
        name=MEMBER_SERVICE,
    )
    done = await master.done(made.DISASSOCIATE, input=asked)
    assert done["disassociatedIds"] == [instance]
