"""Keys, ids and ARNs: each made in one place, each checked before it is believed."""

import random
import re
import secrets
import threading
import time
import uuid
from dataclasses import dataclass

from app.kernel.errors import invalid, not_found
from app.kernel.regions import partition

# Ids and keys tell things apart and keep nothing secret: one seed from the system, not a system call for each.
_random = random.Random(secrets.randbits(256))  # noqa: S311
_RANDOM_BITS = 21
_EPOCH_MS = 1_500_000_000_000
_MAX_KEY = 2**63 - 1
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


class _Keys:
    """Keys that grow with time: milliseconds since an epoch above, a random start in each millisecond below.

    They are made before the row is written, so that rows which refer to one another go to the database in batches.
    Two servers collide only within one millisecond; the primary key refuses it and the transaction is run again.
    """

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()

    def next(self) -> int:
        base = (time.time_ns() // 1_000_000 - _EPOCH_MS) << _RANDOM_BITS
        with self._lock:
            if base > self._last:
                self._last = base | _random.getrandbits(_RANDOM_BITS - 1)
            else:
                self._last += 1
            return self._last


_keys = _Keys()
new_key = _keys.next


def new_hex(digits: int) -> str:
    """Random lower-case hex digits, as AWS's resource ids carry them."""
    return f"{_random.getrandbits(4 * digits):0{digits}x}"


def new_uuid() -> str:
    """A random UUID, for requests, records and shares."""
    return str(uuid.UUID(int=_random.getrandbits(128), version=4))


@dataclass(frozen=True, slots=True)
class NodeId:
    """A global id taken apart: the prefix that tells the kind, and the key within it."""

    prefix: str
    key: int

    def __str__(self) -> str:
        return f"{self.prefix}_{self.key}"


def node_id(prefix: str, key: int) -> str:
    """The opaque global id of an object."""
    return f"{prefix}_{key}"


def parse_node_id(value: str) -> NodeId | None:
    """The parts of a global id, or None where it is none."""
    prefix, separator, digits = value.partition("_")
    if not separator or not prefix.isalpha() or not (digits.isascii() and digits.isdigit()) or len(digits) > 19:
        return None
    key = int(digits)
    return NodeId(prefix, key) if key <= _MAX_KEY and str(key) == digits else None


def key_of(value: str, prefix: str, what: str, *field: str) -> int:
    """The key in a global id of one kind; any other id, however malformed, is an object that does not exist."""
    parsed = parse_node_id(value)
    if parsed is None or parsed.prefix != prefix:
        raise not_found(what, *field)
    return parsed.key


def check_account_id(value: str, *field: str) -> str:
    """The account id given, when it is twelve ASCII digits; else INVALID_INPUT."""
    if len(value) != 12 or not value.isascii() or not value.isdigit():
        raise invalid(f"“{value[:40]}” is not an account id.", *field, remedy="An account id is twelve digits.")
    return value


def check_text(value: str, what: str, maximum: int, *field: str, minimum: int = 1) -> str:
    """A name or text within its bounds, without control characters."""
    if not minimum <= len(value) <= maximum or (minimum and not value.strip()):
        raise invalid(f"{what} must have {minimum} to {maximum} characters.", *field, rule="API-3")
    if _CONTROL.search(value):
        raise invalid(f"{what} holds control characters.", *field, rule="API-3")
    if _SURROGATE.search(value):
        raise invalid(f"{what} holds an unpaired surrogate.", *field, rule="API-3")
    return value


def service_arn(region: str, account_id: str, resource: str) -> str:
    """An ARN of License Manager, in the partition of its Region (LC-13)."""
    return f"arn:{partition(region)}:license-manager:{region}:{account_id}:{resource}"


def arn(service: str, region: str, account_id: str, resource: str) -> str:
    """An ARN of a Regional service."""
    return f"arn:{partition(region)}:{service}:{region}:{account_id}:{resource}"


__all__ = [
    "NodeId",
    "arn",
    "check_account_id",
    "check_text",
    "key_of",
    "new_hex",
    "new_key",
    "new_uuid",
    "node_id",
    "parse_node_id",
    "service_arn",
]
