"""An account's inventory for tests of its search."""

from typing import Any

from tests.support.api import Client

SEARCH = """
query($filter: String, $region: RegionCode, $scope: SearchScope! = ACCOUNT, $first: Int, $after: String, $last: Int,
      $before: String) {
  resourceInventory(filter: $filter, region: $region, scope: $scope, first: $first, after: $after, last: $last,
                    before: $before) {
    edges { cursor node { resourceId } }
    totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    skipped { code message remedy rule accountId }
  }
}"""
REPORT = """
mutation($input: PutInventoryInput!) {
  putInventory(input: $input) { managedInstance { id } errors { code message field } }
}"""
TAG = "mutation($id: ID!, $tags: [TagInput!]!) { tagResource(id: $id, tags: $tags) { errors { code message } } }"


async def found(client: Client, filter: str | None = None, **given: Any) -> set[str]:
    """The ids of all that a filter finds; the count must agree."""
    answer = await client.field(SEARCH, filter=filter, first=100, **given)
    names = [edge["node"]["resourceId"] for edge in answer["edges"]]
    assert answer["totalCount"] == len(names)
    assert len(set(names)) == len(names)
    return set(names)


async def refused(client: Client, filter: str, **given: Any) -> dict[str, Any]:
    """The one top-level error of a filter that is not taken."""
    answer = await client.raw(SEARCH, {"filter": filter, **given})
    assert answer["data"] is None, answer
    (error,) = answer["errors"]
    result: dict[str, Any] = error
    return result


async def report(
    client: Client, resource_id: str, *applications: tuple[str, str | None, str | None], **given: Any
) -> str:
    """The global id of a server that reported its applications, each a name, a version and a publisher."""
    listed = [{"name": name, "version": version, "publisher": publisher} for name, version, publisher in applications]
    wanted = {"region": "us-east-1", "resourceId": resource_id, "applications": listed, **given}
    payload = await client.done(REPORT, input=wanted)
    id_: str = payload["managedInstance"]["id"]
    return id_


async def tag(client: Client, id: str, **tags: str) -> None:
    """Tag a resource."""
    await client.done(TAG, id=id, tags=[{"key": key, "value": value} for key, value in tags.items()])
