"""Puts a server together: one database, one schema, the doors to it, and what runs beside."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute

from app.api import graphiql
from app.api.context import Contexts
from app.api.engine import Engine
from app.api.health import Health
from app.api.http import GraphQLOverHTTP
from app.api.limits import Limits
from app.api.metrics import Metrics, metrics_page
from app.api.requests import RequestIds
from app.api.schema import schema, tell_usual_thresholds
from app.api.socket import SocketLimits
from app.api.sse import EventStreams, StreamLimits
from app.api.websocket import GraphQLOverWebSocket
from app.audit.recorder import AuditRecorder, finished
from app.aws.endpoint import AwsEndpoint
from app.background import Background
from app.compute import trigrams
from app.identity.authentication import Authenticator
from app.identity.oidc import Oidc
from app.kernel.clock import Clock
from app.kernel.database import Database
from app.kernel.sealing import Sealer
from app.migrations import migrate
from app.settings import Settings
from app.usual import follow


@dataclass(frozen=True, slots=True)
class Server:
    """A server that is put together; `application` is what uvicorn serves."""

    application: Starlette
    database: Database
    streams: EventStreams


def build(settings: Settings, *, demo_token: str | None = None, clock: Clock | None = None) -> Server:
    """Put a server together. `demo_token` is filled in on GraphiQL's page: on a demo server only."""
    follow(settings)
    tell_usual_thresholds()
    database = Database(settings.database_url.get_secret_value(), clock=clock)
    engine = Engine(schema, limits(settings), suggestions=settings.development)
    authenticator = Authenticator(database, Oidc.of(settings, database.clock))
    contexts = Contexts(database, authenticator.authenticate, AuditRecorder(), finished)
    streams = EventStreams(StreamLimits(streams=settings.max_connections, waiting=settings.max_queued_events))

    def page() -> Response:
        return Response(graphiql.page(token=demo_token), media_type="text/html", headers=graphiql.HEADERS)

    background = Background(database, settings)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await database.start()
        await migrate(database)
        await trigrams.ensure(database)
        await background.start()
        try:
            yield
        finally:
            streams.close()
            await background.stop()
            await authenticator.settle()
            await database.stop()

    sockets = SocketLimits(
        init=settings.websocket_init_seconds,
        connections=settings.max_connections,
        operations=settings.max_subscriptions,
        waiting=settings.max_queued_events,
    )
    health = Health(database)
    routes = [
        Route("/", RedirectResponse("graphql"), methods=["GET"]),
        Route("/", AwsEndpoint(database, Sealer.of(settings), limits(settings)), methods=["POST"]),
        Mount("/graphql/assets", graphiql.assets()),
        WebSocketRoute("/graphql", GraphQLOverWebSocket(engine, contexts, sockets)),
        Route("/graphql", GraphQLOverHTTP(engine, contexts, streams, page)),
        Route("/health/live", health.live, methods=["GET"]),
        Route("/health/ready", health.ready, methods=["GET"]),
        Route("/metrics", metrics_page, methods=["GET"]),
    ]
    middleware = [Middleware(RequestIds), Middleware(Metrics)]
    if settings.cors_origins:
        middleware.append(
            Middleware(
                CORSMiddleware,
                allow_origins=list(settings.cors_origins),
                allow_methods=["GET", "POST"],
                allow_headers=["Authorization", "Content-Type", "Accept"],
                max_age=600,
            )
        )
    return Server(Starlette(routes=routes, middleware=middleware, lifespan=lifespan), database, streams)


def limits(settings: Settings) -> Limits:
    """The bounds on an operation, as set."""
    return Limits(
        tokens=settings.max_tokens,
        depth=settings.max_depth,
        fields=settings.max_fields,
        aliases=settings.max_aliases,
        directives=settings.max_directives,
        operations=settings.max_operations,
        cost=settings.max_cost,
        body=settings.max_body_bytes,
        body_seconds=settings.body_seconds,
        execution_seconds=settings.execution_seconds,
    )
