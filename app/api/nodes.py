"""Any object by its global id."""

import strawberry

from app.kernel.errors import invalid
from app.kernel.graphql.node import Node
from app.kernel.graphql.perform import Info
from app.kernel.reads import node_by_id, nodes_by_ids

MOST_NODES = 100


@strawberry.type
class NodesQuery:
    @strawberry.field(description="Any object by its id; null for one that does not exist or may not be seen.")
    async def node(self, info: Info, id: strawberry.ID) -> Node | None:
        found: Node | None = await node_by_id(info, id)
        return found

    @strawberry.field(description="Objects by their ids, in that order; at most 100.")
    async def nodes(self, info: Info, ids: list[strawberry.ID]) -> list[Node | None]:
        if len(ids) > MOST_NODES:
            raise invalid(f"Ask for at most {MOST_NODES} objects; these are {len(ids)}.", "ids", rule="API-1")
        found: list[Node | None] = await nodes_by_ids(info, ids)
        return found
