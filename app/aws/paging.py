"""Pages of an operation: as many as were asked for, and a token that goes on with the very request it came from."""

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson

from app.aws.calls import Read
from app.aws.errors import invalid_value
from app.kernel.reads.paging import DEFAULT_PAGE, MAXIMUM_PAGE

T = TypeVar("T")
_MARK = 12
_PAGING = ("MaxResults", "NextToken")


@dataclass(frozen=True, slots=True)
class Page:
    """How many are asked for at most, and after which key; `mark` tells this request from others."""

    limit: int
    after: int | None
    mark: bytes

    @property
    def read(self) -> int:
        """One more than is shown, to know whether there are more."""
        return self.limit + 1

    def shown(self, found: Sequence[T], key: Callable[[T], int]) -> tuple[Sequence[T], str | None]:
        """What the page shows of what was read, and the token of the next one."""
        if len(found) <= self.limit:
            return found, None
        last = key(found[self.limit - 1]).to_bytes(8, "big")
        return found[: self.limit], base64.urlsafe_b64encode(last + _check(self.mark, last)).decode()


def page_of(call: Read, operation: str) -> Page:
    """The page that a call asks for; InvalidParameterValueException where its bounds or its token are wrong (API-1)."""
    limit = call.given.get("MaxResults", DEFAULT_PAGE)
    if not 1 <= limit <= MAXIMUM_PAGE:
        raise invalid_value(f"MaxResults is {limit}; a page has 1 to {MAXIMUM_PAGE}.")
    mark = _mark(call, operation)
    token = call.given.get("NextToken")
    return Page(limit, None if token is None else _key(token, mark), mark)


def _mark(call: Read, operation: str) -> bytes:
    asked: dict[str, Any] = {name: value for name, value in call.given.items() if name not in _PAGING}
    text = orjson.dumps([operation, call.viewer.account_id, call.region, asked], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).digest()


def _check(mark: bytes, key: bytes) -> bytes:
    return hashlib.sha256(mark + key).digest()[:_MARK]


def _key(token: str, mark: bytes) -> int:
    try:
        raw = base64.b64decode(token, b"-_", validate=True) if len(token) <= 64 else b""
    except (binascii.Error, ValueError):
        raw = b""
    key, check = raw[:8], raw[8:]
    if len(key) != 8 or check != _check(mark, key) or key[0] > 127:
        raise invalid_value(
            "NextToken is not one of this request: take it from the page before, and change nothing else."
        )
    return int.from_bytes(key, "big")
