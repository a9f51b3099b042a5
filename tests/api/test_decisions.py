"""A decision is the act's own checks: what it says is what the act then does."""

from typing import Any

import pytest

from app.kernel.viewer import Permission
from tests.support import licenses as made
from tests.support.api import Api, Client

OWNER = "111122223333"
DECISION = """
query($input: DecisionInput!) {
  decision(input: $input) { allowed checks { rule description passed error { code message remedy rule nodeIds } } }
}"""


async def decide(client: Client, action: str, **given: Any) -> dict[str, Any]:
    decision: dict[str, Any] = await client.field(DECISION, input={"action": action, **given})
    assert decision["allowed"] == all(check["passed"] for check in decision["checks"])
    assert all((check["error"] is None) == check["passed"] for check in decision["checks"])
    return decision


def refusals(decision: dict[str, Any]) -> set[tuple[str, str]]:
    return {(check["error"]["code"], check["error"]["message"]) for check in decision["checks"] if check["error"]}


async def test_a_decision_to_associate_is_what_the_association_then_is(api: Api) -> None:
    owner = await api.account(OWNER)
    full = await made.configuration(owner, "full", licenseCount=0, hardLimit=True)
    free = await made.configuration(owner, "free", licenseCount=5, hardLimit=True)
    (instance,) = await made.launched(owner, await made.image(owner))
    refused = await decide(owner, "ASSOCIATE", licenseConfigurationId=full, resourceId=instance)
    errors = await owner.errors(made.ASSOCIATE, input={"licenseConfigurationId": full, "resourceIds": [instance]})
    assert refusals(refused) == {(each["code"], each["message"]) for each in errors}
    assert not refused["allowed"]
    assert (await decide(owner, "ASSOCIATE", licenseConfigurationId=free, resourceId=instance))["allowed"]
    assert await made.consumed(owner, free) == 0, "a decision does nothing"
    await made.associate(owner, free, instance)
    assert (await decide(owner, "DISASSOCIATE", licenseConfigurationId=free, resourceId=instance))["allowed"]


async def test_lc_11_a_decision_to_delete_names_what_is_in_the_way(api: Api) -> None:
    owner = await api.account(OWNER)
    used = await made.configuration(owner)
    image_id = await made.image(owner, used)
    decision = await decide(owner, "DELETE_LICENSE_CONFIGURATION", licenseConfigurationId=used)
    (found,) = [check["error"] for check in decision["checks"] if check["error"]]
    assert (found["code"], found["nodeIds"]) == ("LICENSE_CONFIGURATION_IN_USE", [image_id])


async def test_ro_3_a_decision_to_delete_the_core_role_lists_what_the_account_owns(api: Api) -> None:
    owner = await api.account(OWNER)
    await made.configuration(owner)
    (role,) = (await owner.field("{ viewer { account { serviceLinkedRoles { id } } } }"))["account"][
        "serviceLinkedRoles"
    ]
    decision = await decide(owner, "DELETE_SERVICE_LINKED_ROLE", serviceLinkedRoleId=role["id"])
    assert not decision["allowed"]
    assert {check["rule"] for check in decision["checks"] if not check["passed"]} == {"RO-3"}


@pytest.mark.parametrize("action", ["LINK_ORGANIZATION", "ENABLE_CROSS_ACCOUNT_DISCOVERY", "SEARCH_ORGANIZATION"])
async def test_work_across_accounts_is_explained_to_a_standalone_account(api: Api, action: str) -> None:
    owner = await api.account(OWNER)
    decision = await decide(owner, action, region=made.REGION)
    assert "NOT_IN_ORGANIZATION" in {code for code, _ in refusals(decision)}


async def test_pm_2_a_decision_about_a_foreign_object_is_that_about_an_absent_one(api: Api) -> None:
    owner, other = await api.account(OWNER), await api.account("222233334444")
    private = await made.configuration(owner)
    foreign = await decide(other, "DELETE_LICENSE_CONFIGURATION", licenseConfigurationId=private)
    assert foreign == await decide(other, "DELETE_LICENSE_CONFIGURATION", licenseConfigurationId="lc_404")


async def test_pm_1_an_auditor_is_told_that_it_may_not(api: Api) -> None:
    await api.account(OWNER)
    auditor = await api.client(OWNER, Permission.AUDITOR)
    decision = await decide(auditor, "LINK_ORGANIZATION", region=made.REGION)
    assert decision["checks"][0]["error"]["code"] == "ACCESS_DENIED"


async def test_pm_1_an_auditor_is_told_that_it_may_search_the_organization(api: Api) -> None:
    await api.account(OWNER)
    decision = await decide(await api.client(OWNER, Permission.AUDITOR), "SEARCH_ORGANIZATION", region=made.REGION)
    assert (decision["checks"][0]["rule"], decision["checks"][0]["passed"]) == ("PM-1", True)


async def test_a_decision_without_what_its_action_needs_names_the_field(api: Api) -> None:
    owner = await api.account(OWNER)
    answer = await owner.raw(DECISION, {"input": {"action": "ASSOCIATE"}})
    assert answer["errors"][0]["extensions"]["code"] == "INVALID_INPUT"
    assert answer["errors"][0]["extensions"]["field"] == ["input", "licenseConfigurationId"]
    answer = await owner.raw(DECISION, {"input": {"action": "SEARCH_ORGANIZATION", "region": "xx-nowhere-1"}})
    assert answer["errors"][0]["extensions"]["field"] == ["input", "region"]
