"""graphql-core's executor with strawberry's resolvers, where a field may answer with a value that is complete."""

from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
)
from graphql.pyutils import AwaitableOrValue, Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from app.kernel.completed import Completed


class Executor(StrawberryGraphQLCoreExecutionContext):
    """Runs one operation, and remembers which of its root fields were begun."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.begun: dict[str, FieldNode] = {}

    def build_resolve_info(
        self, field_def: GraphQLField, field_nodes: list[FieldNode], parent_type: GraphQLObjectType, path: Path
    ) -> GraphQLResolveInfo[Any]:
        """Called for every field just before its resolver."""
        if path.prev is None:
            self.begun[str(path.key)] = field_nodes[0]
        return super().build_resolve_info(field_def, field_nodes, parent_type, path)

    def complete_value(
        self, return_type: GraphQLOutputType, field_details_list: Any, info: Any, path: Path, result: Any, context: Any
    ) -> AwaitableOrValue[Any]:
        """Take what is complete as it stands; a null goes the usual way, where a non-null field refuses it."""
        if type(result) is Completed:
            if result.value is not None:
                return result.value
            result = None
        return super().complete_value(return_type, field_details_list, info, path, result, context)
