"""The door that AWS's own tools use: `POST /` with X-Amz-Target, JSON 1.1, signed by Signature Version 4."""

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
from app.aws.audit import Called, record, record_reads
from app.aws.calls import READS, WRITES, Answer, Kept, Operation, Read, Write
from app.aws.errors import AwsError, error_of
from app.aws.model import TARGET_PREFIX, operation
from app.aws.shapes import read_input, write_output
from app.identity.access_keys import Credential, credential
from app.kernel.context import Origin
from app.kernel.database import Database, Transaction
from app.kernel.errors import DomainError, Unavailable
from app.kernel.sealing import Sealer
from app.roles.service import require_core

log = structlog.get_logger(__name__)
MEDIA = "application/x-amz-json-1.1"
Outcome = Answer | AwsError


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
        signed, caller = await self._authenticate(request)
        client = http.client
        origin = Origin(
            request_id, client.host if client else None, http.headers.get("user-agent"), region=signed.region
        )
        return await self._run(name, body, caller, origin, signed.region)

    async def _authenticate(self, request: sigv4.Request) -> tuple[sigv4.Signed, Credential]:
        """Who signed the request; raises AwsError in AWS's words."""
        signed = sigv4.parse(request)
        sigv4.check_claims(signed, request, self._database.clock.now())
        found = await self._database.read(lambda connection: credential(connection, signed.access_key_id))
        if found is None:
            raise AwsError(sigv4.UNRECOGNIZED, "The security token included in the request is invalid.")
        sigv4.check_signature(signed, request, self._keys.of(found.sealed_secret, signed))
        return signed, found

    async def _run(self, name: str, body: bytes, caller: Credential, origin: Origin, region: str) -> bytes:
        refused: AwsError | None = None
        given: dict[str, Any] = {}
        try:
            _require_served(name)
            given = read_input(name, body)
        except AwsError as error:
            refused = error
        called = Called(caller, origin, name, given)
        if refused is None and name in WRITES:
            outcome = await self._database.write(lambda tx: _write(tx, called, WRITES[name], region))
        else:
            outcome = refused or await self._read(called, READS[name], region)
            refused = outcome if isinstance(outcome, AwsError) else None
            await self._database.write_batched(record_reads, (called, refused))
        if isinstance(outcome, AwsError):
            raise outcome
        return write_output(name, outcome)

    async def _read(self, called: Called, served: Operation[Read], region: str) -> Outcome:
        viewer = called.credential.viewer

        def work(connection: Connection) -> Outcome:
            try:
                viewer.require(served.needs)
                if served.core_role:
                    require_core(connection, viewer.account_id)
                return served.run(Read(viewer, region, called.given, connection))
            except DomainError as error:
                return error_of(error.refusals)
            except AwsError as error:
                return error

        return await self._database.read(work, snapshot=True)


def _write(tx: Transaction, called: Called, served: Operation[Write], region: str) -> Outcome:
    """One unit of work: what was done and its record, or what was refused and its record."""
    viewer = called.credential.viewer
    outcome: Outcome
    refused: AwsError | None = None
    try:
        viewer.require(served.needs)
        with tx.savepoint():
            outcome = served.run(Write(viewer, region, called.given, tx))
    except DomainError as error:
        outcome = refused = error_of(error.refusals)
        if isinstance(error, Kept):
            error.keep(tx)
    except AwsError as error:
        outcome = refused = error
    record(tx, called, refused, read_only=False)
    return outcome


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
