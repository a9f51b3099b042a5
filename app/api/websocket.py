"""GraphQL over WebSocket: the graphql-transport-ws protocol, and nothing of the older graphql-ws."""

from dataclasses import replace

from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from app.api.connection import connection_info, named
from app.api.engine import Engine
from app.api.operations import ContextFactory
from app.api.protocol import PROTOCOL
from app.api.socket import Socket, SocketLimits

WRITE = "tollgate.write"
"""The ASGI extension of a server that lends an `app.api.outbox.Write`: one event to thousands costs no task of each."""


class GraphQLOverWebSocket:
    """The ASGI application behind the sockets of a server; the server's compression and size limit are its own."""

    def __init__(self, engine: Engine, context_factory: ContextFactory, limits: SocketLimits | None = None) -> None:
        self._engine = engine
        self._context_factory = context_factory
        self._limits = limits or SocketLimits()
        self.open = 0
        "Connections at the moment."

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection until it ends."""
        websocket = WebSocket(scope, receive, send)
        if self.open >= self._limits.connections:
            await _turn_away(websocket)
            return
        if PROTOCOL not in scope.get("subprotocols", ()):
            await websocket.accept()
            await websocket.close(4406, "Subprotocol not acceptable")
            return
        self.open += 1
        try:
            await websocket.accept(PROTOCOL)
            doors = (receive, send, scope.get("extensions", {}).get(WRITE))
            # Each operation names itself, unless the connection is named.
            info = replace(connection_info(scope, "websocket", None), request_id=named(scope) or "")
            # What was read is not held on to by thousands of quiet connections.
            scope["headers"] = []
            del websocket
            await Socket(doors, info, self._engine, self._context_factory, self._limits).serve()
        finally:
            self.open -= 1


async def _turn_away(websocket: WebSocket) -> None:
    if "websocket.http.response" in websocket.scope.get("extensions", {}):
        await websocket.send_denial_response(PlainTextResponse("Too many connections.", 503, {"Retry-After": "10"}))
    else:
        await websocket.close(1013, "Too many connections")
