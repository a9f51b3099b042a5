"""The served application for AWS's own tools."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.aws.door import Door, serving


@pytest.fixture
async def door(database_url: str, tmp_path: Path) -> AsyncIterator[Door]:
    """The application served on loopback, on each database."""
    async with serving(database_url, tmp_path / "data") as opened:
        yield opened
