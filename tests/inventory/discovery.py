"""The documents of the tests of automated discovery, and what they come to in one call."""

from typing import Any

from tests.inventory.search_world import report
from tests.support import licenses as made
from tests.support.api import Client

OWNER, OTHER = "111122223333", "222233334444"
ORACLE = ("Oracle Database", "19", "Oracle")
FILTER = 'application:"Oracle Database"'
SYNC = 'mutation { startInventorySync(region: "us-east-1") { errors { code message } } }'
ERRORS = "errors { code message remedy rule field accountId nodeIds }"
RULE = """id name filter scope enabled previewedAt excludedAccountIds excludedTags { key value } region { code }
  licenseConfiguration { id }
  lastRun { startedAt finishedAt matched associated alreadyAssociated leftOut
    skipped { code message remedy accountId } }"""
CREATE = f"""mutation($input: CreateDiscoveryRuleInput!) {{
  createDiscoveryRule(input: $input) {{ discoveryRule {{ {RULE} }} {ERRORS} }} }}"""
UPDATE = f"""mutation($input: UpdateDiscoveryRuleInput!) {{
  updateDiscoveryRule(input: $input) {{ discoveryRule {{ {RULE} }} {ERRORS} }} }}"""
DELETE = f"mutation($id: ID!) {{ deleteDiscoveryRule(id: $id) {{ deletedId {ERRORS} }} }}"
ENABLE = f"mutation($id: ID!) {{ enableDiscoveryRule(id: $id) {{ discoveryRule {{ {RULE} }} {ERRORS} }} }}"
DISABLE = f"mutation($id: ID!) {{ disableDiscoveryRule(id: $id) {{ discoveryRule {{ {RULE} }} {ERRORS} }} }}"
PREVIEW = f"""mutation($input: PreviewDiscoveryRuleInput!) {{
  previewDiscoveryRule(input: $input) {{
    discoveryRule {{ previewedAt enabled }}
    preview {{ matched wouldAssociate complete consumedBefore consumedAfter licenseCount overLimit
      resources {{ ... on Instance {{ resourceId }} ... on ManagedInstance {{ resourceId }}
                   ... on DedicatedHost {{ resourceId }} }}
      violations {{ code message nodeIds accountId }}
      leftOut {{ reason count message remedy resourceIds }}
      refused {{ code message remedy accountId nodeIds }}
      skipped {{ code message remedy accountId }} }}
    {ERRORS} }} }}"""
RUN = f"""mutation($input: RunDiscoveryRuleInput!) {{
  runDiscoveryRule(input: $input) {{ finished discoveryRule {{ {RULE} }} {ERRORS} }} }}"""
RULES = f"""query($of: ID, $first: Int, $after: String) {{
  discoveryRules(licenseConfigurationId: $of, first: $first, after: $after) {{
    edges {{ node {{ {RULE} }} }} totalCount pageInfo {{ endCursor hasNextPage }} }} }}"""
TAKEN_OFF = """query($id: ID!) { licenseConfiguration(id: $id) {
  discoveryRules { id } takenOff { totalCount edges { node { takenOffAt takenOffBy resource { id } } } } } }"""
ON = """query($id: ID!) { licenseConfiguration(id: $id) { associations(first: 100) { edges { node { associatedBy
  resource { ... on Instance { resourceId resourceType } ... on ManagedInstance { resourceId resourceType }
             ... on DedicatedHost { resourceId resourceType } ... on MachineImage { resourceId resourceType } }
  } } } } }"""


async def oracle(client: Client, name: str, cores: int = 4, **given: Any) -> str:
    """The id of a server that runs Oracle."""
    return await report(client, name, ORACLE, cores=cores, vcpus=2 * cores, **given)


async def created(client: Client, configuration: str, filter: str, name: str = "rule", **given: Any) -> str:
    """The id of a new rule, which is disabled."""
    wanted = {"licenseConfigurationId": configuration, "name": name, "filter": filter, **given}
    payload = await client.done(CREATE, input=wanted)
    assert payload["discoveryRule"]["enabled"] is False
    id_: str = payload["discoveryRule"]["id"]
    return id_


async def enabled(client: Client, configuration: str, filter: str, name: str = "rule", **given: Any) -> str:
    """The id of a new rule that was previewed and is enabled."""
    rule = await created(client, configuration, filter, name, **given)
    await previewed(client, rule)
    assert (await client.done(ENABLE, id=rule))["discoveryRule"]["enabled"] is True
    return rule


async def previewed(client: Client, rule: str, **given: Any) -> dict[str, Any]:
    """What a preview tells."""
    payload = await client.done(PREVIEW, input={"id": rule, **given})
    found: dict[str, Any] = payload["preview"]
    return found


async def run(client: Client, rule: str, **given: Any) -> dict[str, Any]:
    """What became of a run."""
    payload = await client.done(RUN, input={"id": rule, **given})
    assert payload["finished"] is True
    found: dict[str, Any] = payload["discoveryRule"]["lastRun"]
    return found


async def on(client: Client, configuration: str) -> set[str]:
    """The resources that carry a configuration, by type and id."""
    found = await client.field(ON, id=configuration)
    resources = [edge["node"]["resource"] for edge in found["associations"]["edges"]]
    named = [f"{each['resourceType']} {each['resourceId']}" for each in resources]
    assert len(set(named)) == len(named)
    return set(named)


def reasons(preview: dict[str, Any]) -> dict[str, int]:
    """How many a preview leaves out, by reason."""
    assert all(each["message"] for each in preview["leftOut"])
    return {each["reason"]: each["count"] for each in preview["leftOut"]}


def figures(last_run: dict[str, Any]) -> tuple[int, int, int, int]:
    """What a run found, associated, had associated already and left out."""
    names = ("matched", "associated", "alreadyAssociated", "leftOut")
    matched, associated, already, left_out = (int(last_run[name]) for name in names)
    return matched, associated, already, left_out


async def unlicense(client: Client, configuration: str, *resource_ids: str) -> None:
    """Disassociate resources by hand."""
    wanted = {"licenseConfigurationId": configuration, "resourceIds": list(resource_ids)}
    await client.done(made.DISASSOCIATE, input=wanted)
