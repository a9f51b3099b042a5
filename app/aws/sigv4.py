"""Signature Version 4: a request is believed only where its sender has the secret, and only as it was signed.

The canonical request and the string to sign are made by botocore's own signer, from the headers that were signed.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from app.aws.errors import AwsError
from app.aws.model import SERVICE
from app.kernel.regions import regions

if TYPE_CHECKING:
    from botocore.auth import SigV4Auth

ALGORITHM = "AWS4-HMAC-SHA256"
TERMINATOR = "aws4_request"
SKEW = timedelta(minutes=5)
MOST_SIGNED = 50
LONGEST_AUTHORIZATION = 4096
_REGIONS = frozenset(each.code for each in regions())
_HEADER_NAME = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]{1,128}")
_SIGNATURE = re.compile(r"[0-9a-f]{64}")
_DATE = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_ONCE = ("host", "authorization", "x-amz-date", "x-amz-target", "x-amz-content-sha256", "x-amz-security-token")

MISSING = "MissingAuthenticationToken"
INCOMPLETE = "IncompleteSignature"
UNRECOGNIZED = "UnrecognizedClientException"
BAD_SIGNATURE = "InvalidSignatureException"


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came: headers with lower-case names, in their order; the path and query as they were sent."""

    method: str
    path: str
    query: str
    headers: Sequence[tuple[str, str]]
    body: bytes


@dataclass(frozen=True, slots=True, repr=False)
class Signed:
    """What a request's Authorization header says."""

    access_key_id: str
    date: str
    region: str
    service: str
    terminator: str
    signed_headers: tuple[str, ...]
    signature: str
    timestamp: str

    @property
    def scope(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/{self.terminator}"


def parse(request: Request) -> Signed:
    """What the request claims: MissingAuthenticationToken for nothing, IncompleteSignature for too little."""
    headers = _headers(request)
    authorization = headers.get("authorization", "")
    if not authorization:
        raise AwsError(MISSING, "Missing Authentication Token")
    if len(authorization) > LONGEST_AUTHORIZATION:
        raise AwsError(INCOMPLETE, "The Authorization header is too long.")
    algorithm, _, rest = authorization.strip().partition(" ")
    if algorithm != ALGORITHM:
        raise AwsError(INCOMPLETE, f"Authorization header requires the algorithm {ALGORITHM}.")
    parts = _parts(rest)
    credential = parts["Credential"].split("/")
    if len(credential) != 5:
        raise AwsError(INCOMPLETE, "Credential must have five parts: KEY/DATE/REGION/SERVICE/aws4_request.")
    names = tuple(parts["SignedHeaders"].split(";"))
    if len(names) > MOST_SIGNED or names != tuple(sorted(set(names))) or not all(map(_HEADER_NAME.fullmatch, names)):
        raise AwsError(INCOMPLETE, "SignedHeaders must be distinct lower-case names in order, with semicolons between.")
    timestamp = headers.get("x-amz-date", "")
    if not _DATE.fullmatch(timestamp):
        raise AwsError(
            INCOMPLETE, "Authorization header requires existence of the header 'X-Amz-Date' (ISO 8601, UTC)."
        )
    key_id, date, region, service, terminator = credential
    return Signed(key_id, date, region, service, terminator, names, parts["Signature"], timestamp)


def _headers(request: Request) -> Mapping[str, str]:
    """The headers by name; refuses those given twice whose two values could be read differently by two readers."""
    found: dict[str, str] = {}
    for name, value in request.headers:
        if name in found and name in _ONCE:
            raise AwsError(INCOMPLETE, f"The header {name} is given twice.")
        found[name] = value
    return found


def _parts(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in text.split(","):
        name, separator, value = part.strip().partition("=")
        if not separator or name in found:
            raise AwsError(INCOMPLETE, "The Authorization header is not a list of NAME=VALUE, each given once.")
        found[name] = value
    for name in ("Credential", "SignedHeaders", "Signature"):
        if not found.get(name):
            raise AwsError(INCOMPLETE, f"Authorization header requires '{name}' parameter.")
    return found


def check_claims(signed: Signed, request: Request, now: datetime) -> None:
    """Refuse what no signature could make good: scope, time, what was left unsigned, a body that is another."""
    if signed.service != SERVICE:
        raise AwsError(BAD_SIGNATURE, f"Credential should be scoped to correct service: '{SERVICE}'.")
    if signed.terminator != TERMINATOR:
        raise AwsError(BAD_SIGNATURE, f"Credential should be scoped with a valid terminator: '{TERMINATOR}'.")
    if signed.region not in _REGIONS:
        raise AwsError(BAD_SIGNATURE, "Credential should be scoped to a valid Region of License Manager.")
    _check_time(signed, now)
    headers = dict(request.headers)
    if "x-amz-security-token" in headers:
        raise AwsError(UNRECOGNIZED, "The security token included in the request is invalid.")
    must = {"host", *(name for name in headers if name.startswith("x-amz-"))}
    unsigned = sorted(must - set(signed.signed_headers))
    if unsigned:
        raise AwsError(BAD_SIGNATURE, f"These headers have to be signed: {', '.join(unsigned)}.")
    absent = sorted(set(signed.signed_headers) - set(headers))
    if absent:
        raise AwsError(BAD_SIGNATURE, f"These signed headers did not come: {', '.join(absent)}.")
    claimed = headers.get("x-amz-content-sha256")
    if claimed is not None and not _same(claimed, hashlib.sha256(request.body).hexdigest()):
        raise AwsError(BAD_SIGNATURE, "The header x-amz-content-sha256 is not the SHA-256 of the body.")


def _check_time(signed: Signed, now: datetime) -> None:
    try:
        at = datetime.fromisoformat(signed.timestamp)
    except ValueError:
        raise AwsError(INCOMPLETE, "X-Amz-Date is not a date.") from None
    if signed.timestamp[:8] != signed.date:
        raise AwsError(
            BAD_SIGNATURE, f"Date in Credential scope does not match {signed.timestamp[:8]} from the header X-Amz-Date."
        )
    if at < now - SKEW:
        raise AwsError(BAD_SIGNATURE, f"Signature expired: {signed.timestamp} is over 5 minutes ago.")
    if at > now + SKEW:
        raise AwsError(BAD_SIGNATURE, f"Signature not yet current: {signed.timestamp} is over 5 minutes ahead.")


def check_signature(signed: Signed, request: Request, key: bytes) -> None:
    """Refuse a signature that the key's holder did not make for this very request."""
    to_sign = _string_to_sign(signed, request)
    expected = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    if not _SIGNATURE.fullmatch(signed.signature) or not hmac.compare_digest(expected, signed.signature):
        raise AwsError(
            BAD_SIGNATURE,
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details.",
        )


def _string_to_sign(signed: Signed, request: Request) -> str:
    from botocore.awsrequest import AWSRequest

    wanted = set(signed.signed_headers)
    query = f"?{request.query}" if request.query else ""
    made = AWSRequest(method=request.method, url=f"http://signed{request.path}{query}", data=request.body)
    for name, value in request.headers:
        if name in wanted:
            made.headers[name] = value
    made.context["timestamp"] = signed.timestamp
    signer = _signer(signed.region)
    return str(signer.string_to_sign(made, signer.canonical_request(made)))


@lru_cache(maxsize=64)
def _signer(region: str) -> "SigV4Auth":
    """botocore's signer, made to take exactly the headers that the client names as signed."""
    from botocore.auth import SigV4Auth
    from botocore.credentials import Credentials

    class Exactly(SigV4Auth):
        def headers_to_sign(self, request: Any) -> Any:
            return request.headers

    return Exactly(Credentials("", ""), SERVICE, region)


def signing_key(secret: str, signed: Signed) -> bytes:
    """The key that a secret gives for one day, Region and service."""
    key = ("AWS4" + secret).encode()
    for part in (signed.date, signed.region, signed.service, signed.terminator):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


class SigningKeys:
    """Signing keys by stored secret and scope: a few thousand are remembered, never a secret."""

    def __init__(self, open_secret: Callable[[str], str]) -> None:
        self._open = open_secret
        self._key = lru_cache(maxsize=4096)(self._make)

    def of(self, sealed_secret: str, signed: Signed) -> bytes:
        """The key for what a request claims."""
        return self._key(sealed_secret, signed.date, signed.region)

    def _make(self, sealed_secret: str, date: str, region: str) -> bytes:
        claimed = Signed("", date, region, SERVICE, TERMINATOR, (), "", "")
        return signing_key(self._open(sealed_secret), claimed)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
