"""Payloads that several slices answer with."""

from typing import Any

import strawberry

from app.kernel import reads
from app.kernel.graphql.perform import Info, Payload


@strawberry.type
class DeletePayload(Payload):
    deleted_id: strawberry.ID | None = None


@strawberry.type
class ObjectPayload(Payload):
    """The one object that was made or changed; `key` is its key, None where it was refused."""

    key: strawberry.Private[int | None] = None


def made(cls: type) -> Any:
    """The field that holds the object of its type's `key`, as it is after the act: an ObjectPayload's, or a part's."""

    async def read(root: Any, info: Info):  # type: ignore[no-untyped-def]  # the field's own annotation holds
        return await reads.node(info, cls, root.key, seen=True)

    return strawberry.field(resolver=read)
