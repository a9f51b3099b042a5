"""Figures for Prometheus: requests by path and status, how long they took, and how many are open."""

import time

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUESTS = Counter("tollgate_requests_total", "Requests answered.", ["path", "status"])
SECONDS = Histogram(
    "tollgate_request_seconds",
    "Seconds until a request was answered.",
    ["path"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
OPEN = Gauge("tollgate_open_connections", "Requests, streams and sockets that are open.", ["kind"])
_PATHS = frozenset({"/", "/graphql", "/health/live", "/health/ready", "/metrics"})


class Metrics:
    """Middleware that counts; paths that are not the service's own count as one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        path = scope["path"] if scope["path"] in _PATHS else "other"
        began = time.perf_counter()
        status = 500

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "websocket.accept":
                status = 101
            await send(message)

        with OPEN.labels(scope["type"]).track_inprogress():
            try:
                await self._app(scope, receive, counted)
            finally:
                REQUESTS.labels(path, str(status)).inc()
                if scope["type"] == "http":
                    SECONDS.labels(path).observe(time.perf_counter() - began)


async def metrics_page(_: Request) -> Response:
    """The figures, in Prometheus's text format."""
    return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
