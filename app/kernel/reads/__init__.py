"""The read planner: a selection becomes one statement that returns the JSON that the client asked for.

Schema types declare beside each field where it comes from and who sees it (`declare`); `compile` turns a selection
into SQL; `roots` are what resolvers call. Nothing below a planned field is walked row by row.
"""

from app.kernel.reads.compile import Window
from app.kernel.reads.declare import (
    WITH_OBJECT,
    Entity,
    Seen,
    column,
    computed,
    connection,
    entity,
    entity_of,
    many,
    one,
    page_arguments,
    value,
)
from app.kernel.reads.lasting import lasting
from app.kernel.reads.roots import connection_of, edges, listing, node, node_by_id, nodes, nodes_by_ids
from app.kernel.reads.scope import Reading, Scope
from app.kernel.reads.sharing import shared_by

__all__ = [
    "WITH_OBJECT",
    "Entity",
    "Reading",
    "Scope",
    "Seen",
    "Window",
    "column",
    "computed",
    "connection",
    "connection_of",
    "edges",
    "entity",
    "entity_of",
    "lasting",
    "listing",
    "many",
    "node",
    "node_by_id",
    "nodes",
    "nodes_by_ids",
    "one",
    "page_arguments",
    "shared_by",
    "value",
]
