"""Every line of the log is an event with its request, and none holds a secret."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from app.logging import REDACTED, configure


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the process logs, as JSON lines; the test's own logging is put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure(format="json", stream=stream)
    yield stream
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_request_s_id_is_on_each_line_whoever_writes_it(log: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        structlog.get_logger("app").info("launched", instances=2)
        logging.getLogger("library").warning("slow by %d ms", 7)
    structlog.get_logger("app").info("idle")
    launched, slow, idle = lines(log)
    assert launched["event"] == "launched"
    assert launched["instances"] == 2
    assert (launched["request_id"], slow["request_id"]) == ("r-1", "r-1")
    assert slow["event"] == "slow by 7 ms"
    assert "request_id" not in idle


@pytest.mark.parametrize(
    "fields",
    [
        {"authorization": "Bearer hunter2hunter2"},
        {"headers": {"Authorization": "hunter2", "Cookie": "hunter2"}},
        {"items": [{"secretAccessKey": "hunter2"}, {"api_key": "hunter2"}]},
        {"text": "sent Bearer hunter2hunter2 on"},
        {"url": "postgresql+asyncpg://user:hunter2@db/tollgate"},
        {"query": "?X-Amz-Signature=hunter2&token=hunter2"},
        {"body": b"hunter2"},
    ],
)
def test_a_secret_is_taken_out_wherever_it_stands(log: io.StringIO, fields: dict[str, Any]) -> None:
    structlog.get_logger("app").info("event", **fields)
    logging.getLogger("library").warning("%s", fields, extra={"fields": fields})
    assert "hunter2" not in json.dumps(lines(log)[0])
    assert "hunter2" not in json.dumps(lines(log)[1]["fields"])


def test_a_client_token_is_no_secret(log: io.StringIO) -> None:
    structlog.get_logger("app").info("event", client_token="retry-1", token="hunter2")
    (line,) = lines(log)
    assert (line["client_token"], line["token"]) == ("retry-1", REDACTED)


def test_an_exception_is_logged_without_the_values_of_local_variables(log: io.StringIO) -> None:
    parameters = "hunter2"
    try:
        raise ValueError(f"password={parameters}")
    except ValueError:
        structlog.get_logger("app").exception("failed")
    (line,) = lines(log)
    assert line["exception"][0]["exc_type"] == "ValueError"
    assert "hunter2" not in log.getvalue()


def test_the_console_shows_no_secret_either(log: io.StringIO) -> None:
    stream = io.StringIO()
    configure(format="console", stream=stream)
    structlog.get_logger("app").info("event", token="hunter2", count=3)
    assert "count=3" in stream.getvalue()
    assert "hunter2" not in stream.getvalue()
