"""The audits of the npm package graphql-http for servers, one test each, under the ids that they have there.

https://github.com/graphql/graphql-http/blob/main/src/audits/server.ts
"""

from typing import Any

import httpx2
import pytest

from tests.api.toy import Toy

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
QUERY = {"query": "{ __typename }"}
NAMED = {"query": "query Query { __typename }", "operationName": "Query"}
TYPED = {"query": "query Type($name: String!) { __type(name: $name) { name } }"}
UNKNOWN = {"query": "{ aFieldThatIsNotThere }"}
UNCOERCED = {"query": "query CoerceFailure($id: ID!) { __typename }", "variables": {"id": None}}
NO_OBJECTS: list[Any] = ["string", 0, False, ["array"]]
NO_STRINGS: list[Any] = [{"obj": "ect"}, 0, False, ["array"]]


async def post(json: object = None, accept: str | None = None, **more: Any) -> httpx2.Response:
    async with Toy().client() as client:
        del client.headers["accept"]
        headers = {} if accept is None else {"accept": accept}
        if json is not None:
            more["json"] = json
        else:
            headers["content-type"] = JSON
        return await client.post("/graphql", headers=headers, **more)


async def get(accept: str = "*/*", **parameters: str) -> httpx2.Response:
    async with Toy().client() as client:
        return await client.get("/graphql", params=parameters, headers={"accept": accept})


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        pytest.param(GRAPHQL, GRAPHQL, id="22EB"),
        pytest.param(JSON, JSON, id="4655"),
        pytest.param("*/*", JSON, id="47DE"),
        pytest.param(None, JSON, id="80D8"),
    ],
)
async def test_the_media_type_is_the_accepted_one(accept: str | None, media: str) -> None:
    response = await post(QUERY, accept)
    assert response.status_code == 200
    assert response.headers["content-type"] == f"{media}; charset=utf-8"


@pytest.mark.parametrize(
    "content_type", [pytest.param(JSON, id="78D5"), pytest.param(f"{JSON}; charset=utf-8", id="BF61")]
)
async def test_requests_and_answers_are_utf_8(content_type: str) -> None:
    """82A3, 2C94 and 03D4 too."""
    body = '{"query": "{ greeting(name: \\"Run🏃Swim🏊\\") }"}'.encode()
    async with Toy().client() as client:
        response = await client.post("/graphql", content=body, headers={"content-type": content_type})
    assert response.content.decode() == '{"data":{"greeting":"Hello Run🏃Swim🏊"},"extensions":{"cost":1}}'


async def test_a_get_answers_a_query_5a70() -> None:
    assert (await get(query="{ __typename }")).status_code == 200


async def test_a_get_runs_no_mutation_9c48() -> None:
    assert (await get(GRAPHQL, query="mutation { __typename }")).status_code == 405


async def test_a_post_says_what_its_body_is_9abe() -> None:
    async with Toy().client() as client:
        assert (await client.post("/graphql", content=b'{"query": "{ __typename }"}')).status_code == 415


async def test_a_body_is_needed_a5bf() -> None:
    assert (await post()).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"notquery": "{ __typename }"}, id="423L"),
        pytest.param({"qeury": "{ __typename }"}, id="8764-3E3A"),
        *(pytest.param({"query": bad}, id=f"LKJ{n}") for n, bad in enumerate(NO_STRINGS)),
        *(pytest.param({**QUERY, "operationName": bad}, id=f"6C0{n}") for n, bad in enumerate(NO_STRINGS)),
        *(pytest.param({**QUERY, "variables": bad}, id=f"476{n}") for n, bad in enumerate(NO_OBJECTS)),
        *(pytest.param({**QUERY, "extensions": bad}, id=f"58B{n}") for n, bad in enumerate(NO_OBJECTS)),
    ],
)
@pytest.mark.parametrize("accept", [JSON, GRAPHQL])
async def test_a_parameter_of_the_wrong_kind_is_a_400(body: object, accept: str) -> None:
    assert (await post(body, accept)).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(QUERY, id="34A2-13EE"),
        pytest.param(NAMED, id="8161-B8B3"),
        pytest.param({**QUERY, "variables": None}, id="94B0-0220"),
        pytest.param({**QUERY, "operationName": None}, id="94B1-0221"),
        pytest.param({**QUERY, "extensions": None}, id="94B2-0222"),
        pytest.param({**TYPED, "variables": {"name": "sometype"}}, id="2EA1-28B9"),
        pytest.param({**QUERY, "extensions": {"some": "value"}}, id="428F-1B7A"),
    ],
)
@pytest.mark.parametrize("accept", [JSON, GRAPHQL])
async def test_parameters_are_taken(body: object, accept: str) -> None:
    response = await post(body, accept)
    assert response.status_code == 200
    assert "errors" not in response.json()


@pytest.mark.parametrize("accept", [pytest.param(GRAPHQL, id="D6D5"), pytest.param(JSON, id="6A70")])
async def test_a_get_takes_variables_as_json(accept: str) -> None:
    response = await get(accept, variables='{"name": "sometype"}', **TYPED)
    assert response.status_code == 200
    assert "errors" not in response.json()


@pytest.mark.parametrize("accept", [pytest.param(JSON, id="B6DC-BCF8"), pytest.param(GRAPHQL, id="B7N8")])
async def test_a_body_that_is_not_json_is_a_400(accept: str) -> None:
    assert (await post(accept=accept, content=b'{ "not a JSON')).status_code == 400


@pytest.mark.parametrize(
    ("body", "accept", "status"),
    [
        pytest.param({"query": "{"}, JSON, 200, id="572B"),
        pytest.param(UNKNOWN, JSON, 200, id="FDE2"),
        pytest.param(UNCOERCED, JSON, 200, id="7B9B"),
        pytest.param({"query": "{"}, GRAPHQL, 400, id="865D-556A-D586"),
        pytest.param(UNKNOWN, GRAPHQL, 400, id="51FE-74FF-5E5B"),
        pytest.param(UNCOERCED, GRAPHQL, 400, id="86EE"),
    ],
)
async def test_a_request_error_has_its_status_and_no_data(body: object, accept: str, status: int) -> None:
    response = await post(body, accept)
    assert response.status_code == status
    assert "data" not in response.json()
    assert response.json()["errors"]
