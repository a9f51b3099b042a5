"""The documents of these tests, and what they come to in one call."""

from typing import Any

from tests.support import licenses as made
from tests.support.api import Client

SERVER = """id arn resourceId resourceType name platform vcpus cores sockets active capturedAt
  applications { name version publisher } licenseConfigurations { id } account { accountId } region { code }"""
ERRORS = "errors { code message rule field nodeIds }"
REPORT = f"""mutation($input: PutInventoryInput!) {{
  putInventory(input: $input) {{ managedInstance {{ {SERVER} }} {ERRORS} }} }}"""
DEREGISTER = f"mutation($id: ID!) {{ deregisterManagedInstance(id: $id) {{ deletedId {ERRORS} }} }}"
NODE = f"query($id: ID!) {{ node(id: $id) {{ ... on ManagedInstance {{ {SERVER} }} }} }}"
NAME = "mi-0abc"


async def reported(client: Client, **given: Any) -> dict[str, Any]:
    """The managed instance after a report that must be taken."""
    payload = await client.done(REPORT, input={"region": made.REGION, "resourceId": NAME, **given})
    found: dict[str, Any] = payload["managedInstance"]
    return found


async def refused(client: Client, **given: Any) -> list[dict[str, Any]]:
    """The refusals of a report."""
    return await client.errors(REPORT, input={"region": made.REGION, "resourceId": NAME, **given})


async def server(client: Client, instance_id: str) -> Any:
    """A managed instance as it stands; None where it is not seen."""
    return await client.field(NODE, id=instance_id)
