"""The Node interface, and the page types that every connection shares."""

from typing import Generic, TypeVar

import strawberry

from app.kernel.reads.declare import entity, value

N = TypeVar("N")


@strawberry.interface(
    description="Anything with an identifier that is unique in the whole service and opaque to clients."
)
class Node:
    id: strawberry.ID = strawberry.field(metadata={"reads": "id"})


@strawberry.type
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type
class Edge(Generic[N]):
    cursor: str
    node: N


@strawberry.type
class Connection(Generic[N]):
    """Named after what it holds: `Connection[Alert]` is AlertConnection, of AlertEdge."""

    edges: list[Edge[N]]
    page_info: PageInfo
    total_count: int


@entity(None, key="key")
@strawberry.type(description="A key–value pair.")
class Tag:
    key: str = value(lambda tag, scope: tag.c.key)
    value: str = value(lambda tag, scope: tag.c.value)


@strawberry.input
class TagInput:
    key: str
    value: str = ""
