"""Sends a report to the service, again and again where it can't be reached for a while."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential
from tenacity.nap import sleep as nap

DOCUMENT = """mutation ReportServer($input: PutInventoryInput!) {
  putInventory(input: $input) { managedInstance { resourceId active } errors { message remedy } }
}"""
LONGEST_WAIT_SECONDS = 60
PATIENCE_SECONDS = 30
TOO_LARGE = 413
AGAIN = {429, 500, 502, 503, 504}


class NotReported(Exception):
    """The report was not taken. The lines say why, and what to do about it."""

    def __init__(self, *lines: str) -> None:
        super().__init__(lines[0])
        self.lines = lines


class Unreached(NotReported):
    """The service could not be reached, or can't work now; another time may do."""


class Unauthenticated(NotReported):
    """The service does not know the token."""


class Unusable(NotReported):
    """What was given to report with is of no use."""


class Refused(NotReported):
    """The service did not take the report."""


@dataclass(frozen=True, slots=True)
class Service:
    """Where to report to. `transport` and `sleep` are for tests."""

    url: str
    token: str
    attempts: int = 5
    ca_file: str | None = None
    transport: httpx2.BaseTransport | None = None
    sleep: Callable[[float], None] = nap

    def report(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The managed instance as the service knows it now. Raises NotReported."""
        retrying = Retrying(
            stop=stop_after_attempt(self.attempts),
            wait=wait_random_exponential(multiplier=1, max=LONGEST_WAIT_SECONDS),
            retry=retry_if_exception_type(Unreached),
            sleep=self.sleep,
            reraise=True,
        )
        with self._client() as client:
            taken: dict[str, Any] = retrying(self._once, client, given)
        return taken

    def _client(self) -> httpx2.Client:
        from ssl import create_default_context

        try:
            verify = create_default_context(cafile=self.ca_file) if self.ca_file else True
        except OSError as error:
            raise Unusable(f"{self.ca_file} can't be read as certificates: {error.strerror or error}") from None
        return httpx2.Client(timeout=PATIENCE_SECONDS, transport=self.transport, verify=verify)

    def _once(self, client: httpx2.Client, given: Mapping[str, Any]) -> dict[str, Any]:
        try:
            response = client.post(
                endpoint(self.url),
                json={"query": DOCUMENT, "variables": {"input": dict(given)}},
                headers={"Authorization": f"Bearer {self.token}", "Accept": "application/json"},
            )
        except httpx2.TransportError as error:
            raise Unreached(
                f"{shown(self.url)} can't be reached: {str(error) or type(error).__name__}",
                "  Is the address right, the service running, and no firewall in between?",
            ) from None
        return self._taken(response)

    def _taken(self, response: httpx2.Response) -> dict[str, Any]:
        status = response.status_code
        if status == httpx2.codes.UNAUTHORIZED:
            raise Unauthenticated(
                "The service does not know the token.",
                "  Make one on the server: tollgate token create --account ACCOUNT --permission user",
            )
        if status in AGAIN:
            raise Unreached(f"{shown(self.url)} can't answer now: HTTP {status}.")
        if status == TOO_LARGE:
            raise Refused(
                "The report is too large for the service.", "  Its operator may raise TOLLGATE_MAX_BODY_BYTES."
            )
        try:
            answer = json.loads(response.content)
            errors = answer.get("errors") or []
            payload = (answer.get("data") or {}).get("putInventory") or {}
            refused = [*errors, *(payload.get("errors") or [])]
            lines = [line for each in refused for line in _lines(each)]
        except (ValueError, AttributeError, TypeError, RecursionError):
            lines, payload = [], {}
        if lines:
            raise Refused(*lines)
        if status != httpx2.codes.OK or "managedInstance" not in payload:
            raise Refused(f"{shown(self.url)} does not answer as Tollgate does: HTTP {status}.", "  Check the address.")
        return payload["managedInstance"] or {}


def endpoint(url: str) -> str:
    """Where GraphQL is served, by the service's address with or without it."""
    plain = url.rstrip("/")
    return plain if plain.endswith("/graphql") else f"{plain}/graphql"


def check_url(url: str) -> None:
    """Raises ValueError for what is no address of a service."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
        beside = parts.username or parts.password or parts.query or parts.fragment
    except ValueError:
        usable, beside = False, None
    if not usable or beside:
        raise ValueError("not an address such as https://tollgate.example.com")


def is_open(url: str) -> bool:
    """Whether what is sent there can be read on the way."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1")


def shown(url: str) -> str:
    """The address as it may be printed."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")


def _lines(error: Mapping[str, Any]) -> list[str]:
    remedy = error.get("remedy") or (error.get("extensions") or {}).get("remedy")
    return [str(error["message"]), *([f"  {remedy}"] if remedy else [])]
