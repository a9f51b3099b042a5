"""The door that AWS's own tools use: `POST /` with X-Amz-Target, JSON 1.1, signed by Signature Version 4."""

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import orjson
import structlog
from sqlalchemy import Connection
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

import app.aws.operations  # noqa: F401 - declares them
from app.api.body import read_body
from app.api.envelope import BadEnvelope
from app.api.limits import Limits
from app.aws import sigv4
from app.aws.acting import BATCHED, Command, Outcome, act
from app.aws.audit import Called, Recorded, record_reads
from app.aws.calls import READS, WRITES, Operation, Read
from app.aws.errors import AwsError, error_of
from app.aws.model import TARGET_PREFIX, operation
from app.aws.shapes import read_input, write_output
from app.identity.access_keys import Credential, credential
from app.kernel.context import Origin
from app.kernel.database import Database
from app.kernel.errors import DomainError, Unavailable
from app.kernel.sealing import Sealer
from app.roles.service import require_core

log = structlog.get_logger(__name__)
MEDIA = "application/x-amz-json-1.1"
SINGLE = {*WRITES, "GetLicenseConfiguration"}
"""Operations that look at the database but once, or in their own unit of work: they need no snapshot."""


class AwsEndpoint:
    """The ASGI application of that door."""

    def __init__(self, database: Database, sealer: Sealer, limits: Limits) -> None:
        self._database = database
        self._limits = limits
        self._keys = sigv4.SigningKeys(sealer.open)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever it is."""
        http = HttpRequest(scope, receive)
        request_id = str(scope.get("state", {}).get("request_id") or uuid4())
        headers = {"x-amzn-RequestId": request_id, "Cache-Control": "no-store"}
        try:
            body, status = await self._answer(http, request_id), 200
        except AwsError as error:
            body, status = _encoded(error), error.status
            if status in (408, 413):
                headers["Connection"] = "close"
        except Unavailable:
            body, status = _encoded(AwsError("ServiceUnavailable", "Try again in a moment.")), 503
            headers["Retry-After"] = "1"
        except Exception:
            log.exception("an AWS call broke")
            told = f"Something broke here; the log tells of request {request_id}."
            body, status = _encoded(AwsError("ServerInternalException", told)), 500
        await Response(body, status, headers, MEDIA)(scope, receive, send)

    async def _answer(self, http: HttpRequest, request_id: str) -> bytes:
        name = _operation_name(http.headers.get("x-amz-target"))
        try:
            body = await read_body(http, self._limits)
        except BadEnvelope as error:
            raise AwsError("RequestEntityTooLargeException", str(error), status=error.status) from None
        request = sigv4.Request(
            method=http.method,
            path=_raw_path(http),
            query=http.scope["query_string"].decode("latin-1"),
            headers=[(key.decode("latin-1"), value.decode("latin-1")) for key, value in http.headers.raw],
            body=body,
        )
        signed = sigv4.parse(request)
        sigv4.check_claims(signed, request, self._database.clock.now())
        client = http.client
        origin = Origin(
            request_id, client.host if client else None, http.headers.get("user-agent"), region=signed.region
        )
        outcome = await self._run(_Incoming(name, request, signed, origin))
        if isinstance(outcome, AwsError):
            raise outcome
        return write_output(name, outcome)

    async def _run(self, incoming: "_Incoming") -> Outcome:
        """Who signed, and what comes of it: a read in the same look at the database, a write in its own unit."""
        name = incoming.name
        try:
            async with asyncio.timeout(self._limits.execution_seconds):
                called, outcome = await self._database.read(
                    lambda connection: self._begin(connection, incoming), snapshot=name not in SINGLE
                )
        except TimeoutError:
            told = f"This took longer than {self._limits.execution_seconds:g} seconds. Ask for less at a time."
            raise AwsError("ServiceUnavailable", told, status=503) from None
        if outcome is not None:
            refused = outcome if isinstance(outcome, AwsError) else None
            await self._database.write_batched(
                record_reads, Recorded(called, refused, read_only=name.startswith(("Get", "List")))
            )
            return outcome
        command = Command(called, incoming.signed.region)
        if name in BATCHED:
            return await self._database.write_batched(BATCHED[name], command)
        return await self._database.write(lambda tx: act(tx, command))

    def _begin(self, connection: Connection, incoming: "_Incoming") -> tuple[Called, Outcome | None]:
        """The caller, and the outcome where it needs no write; raises AwsError where there is no caller."""
        caller = self._authenticate(connection, incoming)
        name, region = incoming.name, incoming.signed.region
        given: dict[str, Any] = {}
        outcome: Outcome | None = None
        try:
            _require_served(name)
            given = read_input(name, incoming.request.body)
            if name in READS:
                outcome = _read(Read(caller.viewer, region, given, connection), READS[name])
        except AwsError as error:
            outcome = error
        return Called(caller, incoming.origin, name, given), outcome

    def _authenticate(self, connection: Connection, incoming: "_Incoming") -> Credential:
        found = credential(connection, incoming.signed.access_key_id)
        if found is None:
            raise AwsError(sigv4.UNRECOGNIZED, "The security token included in the request is invalid.")
        key = self._keys.of(found.sealed_secret, incoming.signed)
        sigv4.check_signature(incoming.signed, incoming.request, key)
        return found


@dataclass(frozen=True, slots=True)
class _Incoming:
    """A request whose claims are in order; its signature is not checked yet."""

    name: str
    request: sigv4.Request
    signed: sigv4.Signed
    origin: Origin


def _read(call: Read, served: Operation[Read]) -> Outcome:
    try:
        call.viewer.require(served.needs)
        if served.core_role:
            require_core(call.connection, call.viewer.account_id)
        return served.run(call)
    except DomainError as error:
        return error_of(error.refusals)


def _operation_name(target: str | None) -> str:
    """The operation of a target; UnknownOperationException for one that License Manager does not have."""
    prefix, _, name = (target or "").partition(".")
    if prefix != TARGET_PREFIX or operation(name) is None:
        raise AwsError("UnknownOperationException", "X-Amz-Target names no operation of AWSLicenseManager.")
    return name


def _require_served(name: str) -> None:
    if name not in READS and name not in WRITES:
        served = ", ".join(sorted({*READS, *WRITES}))
        raise AwsError("UnsupportedOperationException", f"{name} is not served here. These operations are: {served}.")


def _raw_path(http: HttpRequest) -> str:
    raw: bytes = http.scope.get("raw_path") or http.scope["path"].encode()
    return raw.decode("latin-1").partition("?")[0]


def _encoded(error: AwsError) -> bytes:
    return orjson.dumps(error.body)
