"""Who is at the other end of a request or a socket, out of its ASGI scope."""

from typing import Any

from starlette.datastructures import Headers
from starlette.types import Scope

from app.api.operations import ConnectionInfo, Transport
from app.kernel.ids import new_uuid


def connection_info(scope: Scope, transport: Transport, authorization: str | None) -> ConnectionInfo:
    """For one operation. Its request id is that of `scope["state"]` where a middleware set one, else a new one."""
    client: tuple[str, int] | None = scope.get("client")
    return ConnectionInfo(
        authorization=authorization,
        remote_address=client[0] if client else None,
        user_agent=Headers(scope=scope).get("user-agent"),
        request_id=named(scope) or new_uuid(),
        transport=transport,
    )


def named(scope: Scope) -> str | None:
    """The request id that a middleware set."""
    state: dict[str, Any] = scope.get("state", {})
    return state.get("request_id")
