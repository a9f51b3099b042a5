"""A preview is what the launch then is: the same violations, refusals and consumption, and nothing is done."""

from typing import Any

from app.kernel.viewer import Permission
from tests.support import licenses as made
from tests.support.api import Api, Client

OWNER = "111122223333"
PREVIEW = f"""
query($input: LaunchInstancesInput!) {{
  previewLaunch(input: $input) {{
    allowed
    consumption {{ licenses remainingAfter licenseConfiguration {{ id }} }}
    violations {{ hard licenseConfiguration {{ id name }} error {{ {made.ERROR} }} }}
    errors {{ {made.ERROR} }}
  }}
}}"""


async def preview(client: Client, image_id: str, instance_type: str = "m5.large", **given: Any) -> dict[str, Any]:
    wanted = {"region": made.REGION, "imageId": image_id, "instanceType": instance_type, **given}
    seen: dict[str, Any] = await client.field(PREVIEW, input=wanted)
    return seen


async def test_en_2_a_preview_lists_the_violations_that_then_block_the_launch_and_does_nothing(api: Api) -> None:
    owner = await api.account(OWNER)
    full = await made.configuration(owner, "full", licenseCount=1, hardLimit=True)
    soft = await made.configuration(owner, "soft", countingType="CORE", rules={"minimumCores": 4})
    image_id = await made.image(owner, full, soft)
    seen = await preview(owner, image_id, count=2)
    assert (seen["allowed"], seen["errors"], await made.alert_kinds(owner)) == (False, [], [])
    assert seen["violations"] == (await made.launch(owner, image_id, count=2))["violations"]
    assert [(each["licenses"], each["remainingAfter"]) for each in seen["consumption"]] == [(2, -1), (2, None)]
    assert (await preview(owner, image_id))["allowed"]
    assert await made.consumed(owner, full) == 0


async def test_pm_1_a_preview_tells_an_auditor_what_would_be_and_that_it_may_not(api: Api) -> None:
    owner = await api.account(OWNER)
    counted = await made.configuration(owner, licenseCount=3)
    image_id = await made.image(owner, counted)
    auditor = await api.client(OWNER, Permission.AUDITOR)
    seen = await preview(auditor, image_id)
    assert not seen["allowed"]
    assert seen["errors"] == (await made.launch(auditor, image_id))["errors"]
    assert [each["remainingAfter"] for each in seen["consumption"]] == [2]
    assert (await preview(await api.client(OWNER, Permission.USER), image_id))["allowed"]


async def test_en_12_a_preview_knows_the_client_tokens_that_were_used(api: Api) -> None:
    owner = await api.account(OWNER)
    counted = await made.configuration(owner, licenseCount=1, hardLimit=True)
    image_id = await made.image(owner, counted)
    await made.launched(owner, image_id, clientToken="t")
    repeated = await preview(owner, image_id, clientToken="t")
    assert (repeated["allowed"], repeated["consumption"], repeated["violations"]) == (True, [], [])
    other = await preview(owner, image_id, count=2, clientToken="t")
    assert [each["code"] for each in other["errors"]] == ["IDEMPOTENT_PARAMETER_MISMATCH"]
    assert not other["allowed"]
