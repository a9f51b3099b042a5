"""What resources are and what is done with them agrees, however many servers do it at once (EN-5, EN-11, IN-5)."""

import asyncio
from typing import Any

import pytest

from app.kernel.clock import ManualClock
from tests.support import licenses as made
from tests.support.api import Api, Client
from tests.support.twin import twin

OWNER = "111122223333"
RELEASE = "mutation($id: ID!) { releaseHost(id: $id) { deletedId errors { code message } } }"
DEREGISTER = "mutation($id: ID!) { deregisterImage(id: $id) { deletedId errors { code message } } }"
TEMPLATE = """mutation($input: CreateLaunchTemplateInput!) {
  createLaunchTemplate(input: $input) { made: launchTemplate { id } errors { code message field } } }"""
IMAGE = """mutation($input: RegisterImageInput!) {
  registerImage(input: $input) { made: image { id } errors { code message field } } }"""
TRIES = range(8)


async def test_a_host_is_released_or_launched_on_but_not_both(api: Api, database_url: str, clock: ManualClock) -> None:
    owner = await api.account(OWNER)
    image_id, hosts = await made.image(owner), [await made.host(owner) for _ in TRIES]

    async def on(host_id: str, launching: Client, releasing: Client) -> None:
        launch, release = await asyncio.gather(
            made.launch(launching, image_id, tenancy="DEDICATED_HOST", hostId=host_id),
            releasing.field(RELEASE, id=host_id),
        )
        told = [each["code"] for each in (*launch["errors"], *release["errors"])]
        assert told == (["CONFLICT"] if launch["instances"] else ["NOT_FOUND"])

    async with twin(database_url, owner, clock) as other:
        await asyncio.gather(
            *(on(each, *((owner, other) if at % 2 else (other, owner))) for at, each in enumerate(hosts))
        )


async def test_en_5_what_is_stopped_while_it_is_associated_consumes_nothing(
    api: Api, database_url: str, clock: ManualClock
) -> None:
    owner = await api.account(OWNER)
    counted, image_id = await made.configuration(owner), await made.image(owner)
    instances = await made.launched(owner, image_id, count=len(TRIES))
    async with twin(database_url, owner, clock) as other:
        await asyncio.gather(
            *(made.associate(owner, counted, each) for each in instances),
            *(made.change(other, "stopInstances", each) for each in instances),
        )
    assert await made.consumed(owner, counted) == 0
    assert await made.consistent(owner)


async def test_in_5_an_image_that_goes_while_it_is_associated_carries_nothing(
    api: Api, database_url: str, clock: ManualClock
) -> None:
    owner = await api.account(OWNER)
    counted = await made.configuration(owner)
    images = [await made.image(owner, name=f"image-{number}") for number in TRIES]
    wanted = [{"licenseConfigurationId": counted, "resourceIds": [each]} for each in images]
    async with twin(database_url, owner, clock) as other:
        await asyncio.gather(
            *(owner.field(made.ASSOCIATE, input=each) for each in wanted),
            *(other.done(DEREGISTER, id=each) for each in images),
        )
    query = "query($id: ID!) { licenseConfiguration(id: $id) { associations { totalCount } } }"
    assert await owner.field(query, id=counted) == {"associations": {"totalCount": 0}}


@pytest.mark.parametrize("document", [IMAGE, TEMPLATE])
async def test_of_two_that_take_one_name_at_once_one_is_refused(
    api: Api, database_url: str, clock: ManualClock, document: str
) -> None:
    owner = await api.account(OWNER)
    async with twin(database_url, owner, clock) as other:
        wanted: dict[str, Any] = {"region": made.REGION, "name": "one"}
        payloads = await asyncio.gather(*(each.field(document, input=wanted) for _ in TRIES for each in (owner, other)))
    assert sum(each["made"] is not None for each in payloads) == 1
    refusals = [(error["code"], error["field"]) for each in payloads for error in each["errors"]]
    assert refusals == [("INVALID_INPUT", ["input", "name"])] * (2 * len(TRIES) - 1)
