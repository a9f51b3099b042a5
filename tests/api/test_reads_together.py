"""Answers that are asked for alike at one time are read by one statement, and each caller gets its own (PM-2)."""

import asyncio

from tests.support import licenses as made
from tests.support.api import Api, Client
from tests.support.statements import reads_of

OWNER, OTHER = "111122223333", "444455556666"
LAUNCH = """mutation($input: LaunchInstancesInput!, $with: Boolean!) {
  launchInstances(input: $input) {
    instances { resourceId tags { value } account { accountId } instanceType @include(if: $with) }
    errors { code message }
  }
}"""
MANY = 24


async def _launch(client: Client, image_id: str, name: str, told: bool = True) -> str:
    """The name that the answer shows of the instance that was launched with one."""
    wanted = {
        "region": made.REGION,
        "imageId": image_id,
        "instanceType": "m5.large",
        "tags": [{"key": "Name", "value": name}],
    }
    (instance,) = (await client.done(LAUNCH, input=wanted, **{"with": told}))["instances"]
    assert instance.get("instanceType") == ("m5.large" if told else None)
    return f"{instance['account']['accountId']} {instance['tags'][0]['value']}"


async def test_launches_at_one_time_are_answered_by_a_few_statements_each_with_its_own_instance(api: Api) -> None:
    owner = await api.account(OWNER)
    image_id = await made.image(owner)
    await _launch(owner, image_id, "first")
    with reads_of("resource_tag") as answered:
        told = await asyncio.gather(*(_launch(owner, image_id, str(number)) for number in range(MANY)))
    assert told == [f"{OWNER} {number}" for number in range(MANY)]
    assert 1 <= len(answered) <= MANY // 3


async def test_pm_2_answers_to_different_accounts_and_variables_are_not_mixed(api: Api) -> None:
    clients = [await api.account(OWNER), await api.account(OTHER)]
    images = [await made.image(each) for each in clients]
    told = await asyncio.gather(
        *(_launch(clients[number % 2], images[number % 2], str(number), told=number % 3 == 0) for number in range(MANY))
    )
    assert told == [f"{(OWNER, OTHER)[number % 2]} {number}" for number in range(MANY)]


async def test_pm_2_who_does_not_see_an_object_gets_null_also_beside_one_who_does(api: Api) -> None:
    owner, other = await api.account(OWNER), await api.account(OTHER)
    image_id = await made.image(owner)
    query = "query($id: ID!) { node(id: $id) { id } }"
    found = await asyncio.gather(*(each.field(query, id=image_id) for _ in range(MANY) for each in (owner, other)))
    assert [each and each["id"] for each in found] == [image_id, None] * MANY


async def test_a_caller_that_goes_away_takes_no_other_answer_with_it(api: Api) -> None:
    owner = await api.account(OWNER)
    image_id = await made.image(owner)
    query = "query($id: ID!) { node(id: $id) { id } }"
    asked = [asyncio.create_task(owner.field(query, id=image_id)) for _ in range(MANY)]
    for turn in range(MANY):
        await asyncio.wait(asked, timeout=0)
        asked[turn].cancel() if turn % 2 else None
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert all(each == {"id": image_id} for each in answers[::2])
