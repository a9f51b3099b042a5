"""The audit trail's records, as they are stored."""

from typing import Any

import orjson
from sqlalchemy import text

from tests.aws.door import Door


async def records(door: Door, name: str) -> list[dict[str, Any]]:
    """The records of an operation, the oldest first."""
    statement = text("SELECT record FROM audit_event WHERE event_name = :name ORDER BY id")
    found = await door.database.read(lambda connection: connection.execute(statement, {"name": name}).scalars().all())
    return [each if isinstance(each, dict) else orjson.loads(each) for each in found]
