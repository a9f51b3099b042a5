"""GraphQL over HTTP, as the specification of that name has it: https://graphql.github.io/graphql-over-http/draft/."""

from collections.abc import AsyncGenerator, Callable, Mapping

from graphql import OperationType
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.answer import Answer, encode, refusal
from app.api.body import read_body
from app.api.connection import connection_info
from app.api.documents import Refused
from app.api.engine import Engine
from app.api.envelope import BadEnvelope, GraphQLRequest, from_body, from_parameters
from app.api.masking import FormattedError, malformed, refused, unexpected
from app.api.negotiation import EVENTS, GRAPHQL, JSON, PAGE, acceptable
from app.api.operations import ContextFactory, OperationContext
from app.api.sse import EventStream, EventStreams
from app.api.subscription import Prepared
from app.kernel.errors import Unauthenticated, Unavailable

OFFERED = (JSON, GRAPHQL, EVENTS)
PRIVATE = {"Cache-Control": "no-store", "Vary": "Accept, Authorization"}


class GraphQLOverHTTP:
    """The ASGI application behind GET and POST: one operation a request, or a stream of events where that is preferred.

    `page` answers a GET that prefers text/html, whoever asks.
    """

    def __init__(
        self,
        engine: Engine,
        context_factory: ContextFactory,
        streams: EventStreams,
        page: Callable[[], Response] | None = None,
    ) -> None:
        self._engine = engine
        self._context_factory = context_factory
        self._streams = streams
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever it is."""
        request = Request(scope, receive)
        medias = acceptable(request.headers.get("accept"), (*OFFERED, PAGE) if self._page else OFFERED)
        try:
            response = await self._respond(request, medias)
        except BadEnvelope as error:
            response = _failure(error.status, malformed(str(error)), medias)
        except Unauthenticated as error:
            response = _failure(401, refused(error), medias, {"WWW-Authenticate": "Bearer"})
        except Unavailable as error:
            response = _failure(503, refused(error), medias, {"Retry-After": "1"})
        except Exception as error:
            response = _failure(500, unexpected(error), medias)
        await response(scope, receive, send)

    async def _respond(self, request: Request, medias: tuple[str, ...]) -> ASGIApp:
        if request.method not in ("GET", "POST"):
            return _failure(405, malformed("Send a GET or a POST."), medias, {"Allow": "GET, POST"})
        if request.method == "GET" and medias[:1] == (PAGE,) and self._page:
            return self._page()
        medias = tuple(media for media in medias if media != PAGE)
        if not medias:
            raise BadEnvelope(f"Accept one of {', '.join(OFFERED)}.", 406)
        if request.method == "POST":
            _check_content(request)
        streamed = medias[0] == EVENTS
        info = connection_info(request.scope, "sse" if streamed else "http", request.headers.get("authorization"))
        context = await self._context_factory(info)
        try:
            prepared = self._engine.prepare(await self._read(request))
        except Refused as error:
            answer = refusal(error.errors, cost=error.cost)
            return self._stream(_once(answer), context) if streamed else _response(answer, medias)
        return await self._run(request, prepared, context, medias)

    async def _read(self, request: Request) -> GraphQLRequest:
        if request.method == "GET":
            return from_parameters(request.query_params.multi_items(), self._engine.limits)
        return from_body(await read_body(request, self._engine.limits), self._engine.limits)

    async def _run(
        self, request: Request, prepared: Prepared, context: OperationContext, medias: tuple[str, ...]
    ) -> ASGIApp:
        if request.method == "GET" and prepared.type is OperationType.MUTATION:
            return _failure(405, malformed("A GET can't change anything: send mutations by POST."), medias, POST_ONLY)
        subscribes = prepared.type is OperationType.SUBSCRIPTION
        if subscribes and EVENTS not in medias:
            raise BadEnvelope(f"A subscription answers with events: accept {EVENTS}, or open a WebSocket.", 406)
        if subscribes or medias[0] == EVENTS:
            return self._stream(self._engine.stream(prepared, context), context)
        return _response(await self._engine.execute(prepared, context), medias)

    def _stream(self, answers: AsyncGenerator[Answer, None], context: OperationContext) -> ASGIApp:
        if self._streams.full:
            raise Unavailable
        return EventStream(self._streams, answers, context)


POST_ONLY = {"Allow": "POST"}


def _check_content(request: Request) -> None:
    media, *parameters = (part.strip().lower() for part in request.headers.get("content-type", "").split(";"))
    if media != JSON:
        raise BadEnvelope(f"The body has to be {JSON}; its Content-Type says {media or 'nothing'}.", 415)
    charsets = [parameter.partition("=")[2].strip('"') for parameter in parameters if parameter.startswith("charset")]
    if any(charset not in ("utf-8", "utf8") for charset in charsets):
        raise BadEnvelope("The body has to be UTF-8.", 415)
    if request.headers.get("content-encoding", "identity") != "identity":
        raise BadEnvelope("The body can't be compressed.", 415)


def _response(answer: Answer, medias: tuple[str, ...]) -> Response:
    media = _json_media(medias)
    # Clients of the older media type look for errors in the body, and take another status for a broken server.
    status = 200 if media == JSON and answer.status == 400 else answer.status
    return Response(encode(answer.payload), status, PRIVATE, f"{media}; charset=utf-8")


def _failure(
    status: int, error: FormattedError, medias: tuple[str, ...], headers: Mapping[str, str] | None = None
) -> Response:
    body = encode(refusal([error]).payload)
    media = _json_media(medias)
    # What is left of a body that was not read would be taken for the next request.
    closing = {"Connection": "close"} if status in (408, 413) else {}
    return Response(body, status, {**PRIVATE, **closing, **(headers or {})}, f"{media}; charset=utf-8")


def _json_media(medias: tuple[str, ...]) -> str:
    return next((media for media in medias if media in (JSON, GRAPHQL)), JSON)


async def _once(answer: Answer) -> AsyncGenerator[Answer, None]:
    yield answer
