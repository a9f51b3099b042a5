"""Requests signed by botocore, whole and tampered with."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import httpx2
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from app.identity.access_keys import NewAccessKey

URL = "http://tollgate.test/"
TARGET = "AWSLicenseManager."


@dataclass(frozen=True)
class Sent:
    """An HTTP request as it goes out."""

    headers: tuple[tuple[str, str], ...]
    body: bytes
    url: str = URL

    def with_header(self, name: str, value: str | None) -> "Sent":
        """With a header in place of the one it has; None takes it away."""
        kept = tuple(pair for pair in self.headers if pair[0].lower() != name.lower())
        return replace(self, headers=kept if value is None else (*kept, (name, value)))

    def header(self, name: str) -> str:
        (value,) = (given for header, given in self.headers if header.lower() == name.lower())
        return value

    async def by(self, http: httpx2.AsyncClient) -> tuple[int, dict[str, Any]]:
        """The status and the answer."""
        headers = [(name.encode(), value.encode("latin-1")) for name, value in self.headers]
        response = await http.post(self.url, content=self.body, headers=headers)
        return response.status_code, response.json()


def signed(
    key: NewAccessKey,
    at: datetime,
    operation: str = "ListLicenseConfigurations",
    given: Any = None,
    *,
    region: str = "us-east-1",
    service: str = "license-manager",
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
    prepare: Callable[[AWSRequest], None] = lambda request: None,
) -> Sent:
    """A request that botocore signs, at any instant."""
    content = json.dumps(given or {}).encode() if body is None else body
    request = AWSRequest("POST", URL, data=content)
    request.headers["Host"] = "tollgate.test"
    request.headers["Content-Type"] = "application/x-amz-json-1.1"
    request.headers["X-Amz-Target"] = TARGET + operation
    request.headers["X-Amz-Date"] = at.strftime("%Y%m%dT%H%M%SZ")
    for name, value in (headers or {}).items():
        request.headers[name] = value
    request.context["timestamp"] = at.strftime("%Y%m%dT%H%M%SZ")
    prepare(request)
    signer = SigV4Auth(Credentials(key.access_key_id, key.secret), service, region)
    signature = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    names = signer.signed_headers(signer.headers_to_sign(request))
    request.headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}, SignedHeaders={names}, Signature={signature}"
    )
    return Sent(tuple(request.headers.items()), content)
