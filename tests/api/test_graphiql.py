"""GraphiQL comes from the server alone, opens with queries that run, and can't be broken out of by a token."""

import json
import re
from pathlib import Path

import pytest
from graphql import build_schema, parse, validate
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from app.api import graphiql

SNAPSHOT = Path(__file__).parents[2] / "graphql" / "schema.graphql"


@pytest.fixture
def client() -> TestClient:
    return TestClient(Starlette(routes=[Mount("/graphql/assets", graphiql.assets())]))


def embedded(html: str) -> dict[str, object]:
    found = re.search(r'<script type="application/json" id="configuration">(.*?)</script>', html, re.DOTALL)
    assert found
    configuration: dict[str, object] = json.loads(found[1])
    return configuration


def test_a_token_reaches_the_page_whole_and_cannot_end_its_element() -> None:
    token = "tg_</script><script>alert(1)</script><!-- &amp; $x ${y} \u2028"
    html = graphiql.page(token=token)
    assert "alert(1)</script>" not in html
    assert embedded(html)["token"] == token


def test_without_a_token_the_page_holds_none() -> None:
    assert embedded(graphiql.page(token=None))["token"] is None


def test_all_that_the_page_loads_is_served_with_it_and_kept_by_the_browser(client: TestClient) -> None:
    addresses = re.findall(r'(?:src|href)="(?!data:)([^"]+)"', graphiql.page(token=None))
    assert len(addresses) == 9
    for address in addresses:
        answer = client.get("/" + address)
        assert answer.status_code == 200, address
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-type"].startswith(("text/javascript", "text/css"))


def test_an_asset_that_is_not_there_is_not_found_and_not_kept(client: TestClient) -> None:
    for path in ("/graphql/assets/nothing.js", "/graphql/assets/../__init__.py", "/graphql/assets/%2e%2e/page.html"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert "cache-control" not in answer.headers


def test_the_policy_of_the_page_names_no_other_host_and_no_inline_script() -> None:
    policy = graphiql.HEADERS["Content-Security-Policy"]
    assert "http" not in policy
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == "'self'"


def test_the_licenses_of_what_is_carried_along_are_carried_too(client: TestClient) -> None:
    text = client.get("/graphql/assets/vendor/LICENSES.txt").text
    for package in ("react", "react-dom", "graphiql", "graphql", "graphql-ws", "@graphiql/plugin-explorer"):
        assert f"==== {package} " in text


@pytest.mark.parametrize("query", graphiql.queries())
def test_each_query_that_graphiql_opens_with_is_one_of_the_served_schema(query: str) -> None:
    assert validate(build_schema(SNAPSHOT.read_text("utf-8")), parse(query)) == []
