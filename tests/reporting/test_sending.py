"""A report reaches the service, or says in plain words why it did not; the token is shown to no one."""

import json
from typing import Any

import httpx2
import pytest

from app.reporting.sending import (
    NotReported,
    Refused,
    Service,
    Unauthenticated,
    Unreached,
    check_url,
    endpoint,
    is_open,
)

TOKEN = "tg_very-secret"
GOOD = {"data": {"putInventory": {"managedInstance": {"resourceId": "mi-1", "active": True}, "errors": []}}}


def service(*answers: Any, waits: list[float] | None = None, asked: list[httpx2.Request] | None = None) -> Service:
    """A service that answers so, one after the other: a status, a document, or an error on the way."""
    remaining = list(answers)

    def answer(request: httpx2.Request) -> httpx2.Response:
        if asked is not None:
            asked.append(request)
        each = remaining.pop(0)
        if isinstance(each, Exception):
            raise each
        if isinstance(each, int):
            return httpx2.Response(each, text="<html>proxy</html>")
        return httpx2.Response(200, json=each)

    slept = [] if waits is None else waits
    return Service("https://t.example", TOKEN, 3, transport=httpx2.MockTransport(answer), sleep=slept.append)


def test_a_report_is_sent_with_the_token_in_its_header_alone() -> None:
    asked: list[httpx2.Request] = []
    assert service(GOOD, asked=asked).report({"region": "us-east-1"}) == {"resourceId": "mi-1", "active": True}
    (request,) = asked
    assert str(request.url) == "https://t.example/graphql"
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert json.loads(request.content)["variables"] == {"input": {"region": "us-east-1"}}
    assert TOKEN.encode() not in request.content


def test_a_service_that_is_away_for_a_while_is_asked_again_and_ever_later() -> None:
    waits: list[float] = []
    away = httpx2.ConnectError("connection refused")
    assert service(away, 503, GOOD, waits=waits).report({})["resourceId"] == "mi-1"
    assert len(waits) == 2
    assert all(0 <= each <= 60 for each in waits)


def test_a_service_that_stays_away_is_told_so_without_the_token() -> None:
    waits: list[float] = []
    with pytest.raises(Unreached) as error:
        service(*[httpx2.ConnectError("connection refused")] * 3, waits=waits).report({})
    assert error.value.lines[0] == "https://t.example can't be reached: connection refused"
    assert len(waits) == 2


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (401, Unauthenticated, "The service does not know the token."),
        (404, Refused, "https://t.example does not answer as Tollgate does: HTTP 404."),
        (301, Refused, "https://t.example does not answer as Tollgate does: HTTP 301."),
        (413, Refused, "The report is too large for the service."),
        (200, Refused, "https://t.example does not answer as Tollgate does: HTTP 200."),
        ([], Refused, "https://t.example does not answer as Tollgate does: HTTP 200."),
        ({"data": None}, Refused, "https://t.example does not answer as Tollgate does: HTTP 200."),
        ({"errors": [1]}, Refused, "https://t.example does not answer as Tollgate does: HTTP 200."),
        ({"errors": [{"message": "Not allowed.", "extensions": {"remedy": "Ask."}}]}, Refused, "Not allowed."),
        ({"data": {"putInventory": {"errors": [{"message": "No role.", "remedy": "Ask."}]}}}, Refused, "No role."),
    ],
)
def test_what_will_not_change_is_told_at_once(answer: Any, kind: type[NotReported], said: str) -> None:
    with pytest.raises(kind) as error:
        service(answer).report({})
    assert error.value.lines[0] == said
    assert TOKEN not in "".join(error.value.lines)
    if said in ("Not allowed.", "No role."):
        assert error.value.lines[1:] == ("  Ask.",)


@pytest.mark.parametrize(
    "url",
    ["", "t.example", "ftp://t.example", "https://", "https://u:p@t.example", "https://t.example:99999", "http://["],
)
def test_an_address_of_no_service_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(ValueError, match="not an address"):
        check_url(url)


def test_graphql_s_own_address_is_taken_too() -> None:
    for url in ("https://t.example", "https://t.example/", "https://t.example/graphql"):
        check_url(url)
        assert endpoint(url) == "https://t.example/graphql"
    assert [is_open(each) for each in ("http://t.example", "http://127.0.0.1:8000", "https://t.example")] == [
        True,
        False,
        False,
    ]
