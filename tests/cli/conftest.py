"""The command line, run in this process on a database of each kind, and as a server process of its own."""

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner, Result

from app.cli.root import app

SCRIPT = Path(sys.executable).with_name("tollgate")
PATIENCE_SECONDS = 90.0
Run = Callable[..., Result]


@pytest.fixture
def tollgate(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Runs a command: `tollgate("account", "list")`. What it set up of logs is undone."""
    monkeypatch.setenv("TOLLGATE_DATABASE_URL", database_url)
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield lambda *arguments: CliRunner().invoke(app, [str(each) for each in arguments])
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@dataclass
class Served:
    """A server process that answers."""

    process: subprocess.Popen[str]
    said: list[Any]
    "The lines of its log until it answered."

    @property
    def url(self) -> str:
        return str(self.said[-1]["url"])

    def stop(self) -> int:
        """Ask it to stop; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_SECONDS)


Serve = Callable[..., Served]


@pytest.fixture
def serve(database_url: str) -> Iterator[Serve]:
    """Starts `tollgate serve` on a free port, and waits until it answers."""
    with contextlib.ExitStack() as started:

        def start(*arguments: str, **environment: str) -> Served:
            return started.enter_context(_served(database_url, arguments, environment))

        yield start


@contextlib.contextmanager
def _served(database_url: str, arguments: tuple[str, ...], environment: dict[str, str]) -> Iterator[Served]:
    variables = {**os.environ, "TOLLGATE_DATABASE_URL": database_url, "PYTHONUNBUFFERED": "1", **environment}
    with subprocess.Popen(
        [SCRIPT, "serve", "--port", "0", *arguments],
        env=variables,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        watchdog = threading.Timer(PATIENCE_SECONDS, process.kill)
        watchdog.start()
        try:
            yield Served(process, _until_serving(process))
        finally:
            watchdog.cancel()
            process.kill()


def _until_serving(process: subprocess.Popen[str]) -> list[Any]:
    """What the server logs until it listens."""
    assert process.stderr is not None
    said: list[Any] = []
    for line in process.stderr:
        said.append(json.loads(line) if line.startswith("{") else {"event": line})
        if said[-1]["event"] == "serving":
            return said
    raise AssertionError(said)
