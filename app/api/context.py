"""What the GraphQL edge gives to each operation: the caller, and how what it did is recorded."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass

from graphql import OperationType

from app.api.operations import ConnectionInfo, RootField
from app.kernel.context import Context, Origin, Recorder
from app.kernel.database import Database
from app.kernel.viewer import Viewer

Authenticate = Callable[[str | None], Awaitable[Viewer]]
Finish = Callable[[Context, OperationType, Sequence[RootField]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class RequestContext(Context):
    """One operation's context; the token is asked for again before each event of a subscription."""

    authorization: str | None
    authenticate: Authenticate
    finish: Finish

    async def finished(self, operation_type: OperationType, root_fields: list[RootField]) -> None:
        """Record what was read; what was changed recorded itself (AU-1)."""
        await self.finish(self, operation_type, root_fields)

    @property
    def caller(self) -> Hashable:
        """Whoever has the same token."""
        return self.authorization

    async def revalidate(self) -> None:
        """Raise Unauthenticated once the token is revoked or has expired."""
        await self.authenticate(self.authorization)


@dataclass(frozen=True, slots=True)
class Contexts:
    """Makes contexts for one server."""

    database: Database
    authenticate: Authenticate
    recorder: Recorder
    finish: Finish

    async def __call__(self, info: ConnectionInfo) -> RequestContext:
        """Raises Unauthenticated, or Unavailable where the database does not answer."""
        viewer = await self.authenticate(info.authorization)
        origin = Origin(info.request_id, info.remote_address, info.user_agent, info.transport)
        return RequestContext(
            self.database, viewer, origin, self.recorder, info.authorization, self.authenticate, self.finish
        )
