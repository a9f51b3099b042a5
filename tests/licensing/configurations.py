"""Documents about license configurations, and a share for those who see them from outside."""

from typing import Any

from tests.support.api import Client
from tests.support.licenses import REGION

ERRORS = "errors { code message remedy rule field accountId nodeIds }"
FIELDS = """
  id arn name description countingType licenseCount hardLimit alertThresholds status version shared
  consumedLicenses remainingLicenses createdAt updatedAt
  owner { accountId } region { code } tags { key value }
  rules {
    minimumVcpus maximumVcpus minimumCores maximumCores minimumSockets maximumSockets
    honorVcpuOptimization allowedTenancy
  }"""
CREATE = f"""
mutation($input: CreateLicenseConfigurationInput!) {{
  createLicenseConfiguration(input: $input) {{ licenseConfiguration {{ {FIELDS} }} {ERRORS} }}
}}"""
UPDATE = f"""
mutation($input: UpdateLicenseConfigurationInput!) {{
  updateLicenseConfiguration(input: $input) {{ licenseConfiguration {{ {FIELDS} }} {ERRORS} }}
}}"""
DELETE = f"mutation($id: ID!) {{ deleteLicenseConfiguration(id: $id) {{ deletedId {ERRORS} }} }}"
READ = f"query($id: ID, $arn: String) {{ licenseConfiguration(id: $id, arn: $arn) {{ {FIELDS} }} }}"
LIST = """
query($region: RegionCode, $filter: LicenseConfigurationFilter, $first: Int, $after: String) {
  licenseConfigurations(region: $region, filter: $filter, first: $first, after: $after) {
    totalCount pageInfo { hasNextPage endCursor } edges { node { name } }
  }
}"""
TAG = f"""
mutation($id: ID!, $tags: [TagInput!]!) {{
  tagResource(id: $id, tags: $tags) {{ tags {{ key value }} {ERRORS} }}
}}"""
UNTAG = f"""
mutation($id: ID!, $keys: [String!]!) {{
  untagResource(id: $id, keys: $keys) {{ tags {{ key value }} {ERRORS} }}
}}"""
SHARE = f"""
mutation($input: CreateResourceShareInput!) {{
  createResourceShare(input: $input) {{ resourceShare {{ id }} {ERRORS} }}
}}"""
ACCEPT = f"mutation($id: ID!) {{ acceptResourceShareInvitation(id: $id) {{ {ERRORS} }} }}"


async def create(client: Client, name: str = "licenses", **given: Any) -> dict[str, Any]:
    """A new license configuration: instances, unless told otherwise."""
    wanted = {"region": REGION, "countingType": "INSTANCE", **given, "name": name}
    payload = await client.done(CREATE, input=wanted)
    made: dict[str, Any] = payload["licenseConfiguration"]
    return made


async def update(client: Client, id: str, **given: Any) -> dict[str, Any]:
    """A license configuration after an edit that is not refused."""
    payload = await client.done(UPDATE, input={"id": id, **given})
    made: dict[str, Any] = payload["licenseConfiguration"]
    return made


async def read(client: Client, id: str) -> Any:
    """A license configuration as the client sees it; None where it does not."""
    return await client.field(READ, id=id)


async def refused(client: Client, document: str, **variables: Any) -> dict[str, Any]:
    """The one refusal of a mutation."""
    (error,) = await client.errors(document, **variables)
    return error


async def share(owner: Client, sharee: Client, *ids: str) -> None:
    """Share license configurations with an account outside the organization, which accepts."""
    wanted = {
        "region": REGION,
        "name": "shared",
        "licenseConfigurationIds": list(ids),
        "principals": [sharee.account_id],
        "allowExternalPrincipals": True,
    }
    await owner.done(SHARE, input=wanted)
    for invitation in await sharee.field("{ resourceShareInvitations { id } }"):
        await sharee.done(ACCEPT, id=invitation["id"])


async def names(client: Client, **given: Any) -> list[str]:
    """The names in the list that the client sees, in its order."""
    found = await client.field(LIST, first=100, **given)
    assert found["totalCount"] == len(found["edges"])
    return [edge["node"]["name"] for edge in found["edges"]]
