"""Makes records in CloudTrail's format, and writes those of a whole commit group at once."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import uuid4

import orjson

from app.audit.copies import errors_for, parameters_for
from app.audit.keys import EventKeys, first_key_at
from app.audit.names import event_name
from app.audit.rows import EventRow, Rows
from app.audit.rules import kept, printable
from app.kernel.context import Origin
from app.kernel.database import Transaction
from app.kernel.database.transaction import Concern
from app.kernel.errors import Refusal
from app.kernel.regions import regions
from app.kernel.viewer import Viewer

NO_REGION = "us-east-1"
"""Where a record belongs whose action has no Region, as CloudTrail has it for global services."""

LARGEST_RECORD = 256 * 1024
_REGIONS = frozenset(region.code for region in regions())
_keys = EventKeys()


@dataclass(frozen=True, slots=True)
class Entry:
    """One action, as it is to be recorded. `errors` are pairs of a code and a message."""

    viewer: Viewer
    origin: Origin
    action: str
    parameters: Mapping[str, Any]
    errors: Sequence[tuple[str, str]]
    concerns: Sequence[Concern]
    read_only: bool


def record_act(
    tx: Transaction,
    viewer: Viewer,
    action: str,
    parameters: Mapping[str, Any],
    refusals: Sequence[Refusal] = (),
    *,
    region: str | None = None,
) -> None:
    """Leave a record of an act that no request asked for, with what the unit of work touched since it began.

    Whoever acts tells by its `credential_id` what it acts through.
    """
    origin = Origin(request_id=str(uuid4()), source_ip_address=None, user_agent=viewer.credential_id, region=region)
    errors = [(each.code.value, each.message) for each in refusals]
    concerns = tuple(dict.fromkeys(tx.concerns))
    tx.defer(write_entries, Entry(viewer, origin, action, parameters, errors, concerns, read_only=False))


def write_entries(tx: Transaction, entries: Sequence[Entry]) -> None:
    """Write the records of a commit group: each entry's in the caller's account and in every other one concerned."""
    rows = Rows(tx)
    base = first_key_at(tx.now)
    time = tx.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    for entry in entries:
        _add(rows, entry, base, time)
    rows.write()


def _add(rows: Rows, entry: Entry, base: int, time: str) -> None:
    viewer, origin = entry.viewer, entry.origin
    name, source = event_name(entry.action)
    region = origin.region or _region(entry.parameters, entry.concerns)
    agent = _header(origin.user_agent[:512]) if origin.user_agent else None
    address = _header(origin.source_ip_address[:64]) if origin.source_ip_address else None
    record: dict[str, Any] = {
        "eventVersion": "1.05",
        "userIdentity": _identity(viewer),
        "eventTime": time,
        "eventSource": source,
        "eventName": name,
        "awsRegion": region,
        "sourceIPAddress": address,
        "userAgent": agent,
        "requestParameters": None,
        "responseElements": None,
        "requestID": origin.request_id,
        "eventID": None,
        "readOnly": entry.read_only,
        "resources": None,
        "eventType": "AwsApiCall",
        "recipientAccountId": None,
    }
    parameters = kept(entry.parameters) if entry.parameters else None
    touched = dict.fromkeys(entry.concerns)
    accounts = dict.fromkeys([viewer.account_id, *[concern.account_id for concern in touched]])
    if len(accounts) > 1:
        record["sharedEventID"] = _event_id()
    for account_id in accounts:
        key = _keys.next(base)
        shown: Iterable[Concern] = touched
        given, errors = parameters, entry.errors
        if account_id != viewer.account_id:
            known = (account_id, viewer.account_id)
            shown = [each for each in touched if each.account_id in known]
            errors = errors_for(errors, touched, known)
            given = parameters_for(entry.action, parameters, known)
        error = _error(errors)
        copy = {
            **record,
            "requestParameters": given,
            "eventID": _event_id(),
            "resources": [{"ARN": each.arn, "accountId": each.account_id} for each in shown],
            "recipientAccountId": account_id,
            **error,
        }
        rows.add(
            EventRow(
                key,
                account_id,
                rows.time,
                name,
                source,
                viewer.principal_arn,
                region,
                address,
                agent,
                error.get("errorCode"),
                error.get("errorMessage"),
                entry.read_only,
                _encoded(copy),
            ),
            [each.arn for each in shown],
        )


def write_service_events(tx: Transaction, action: str, parameters: Mapping[str, Mapping[str, Any]]) -> None:
    """Write records of what Tollgate does of itself, one for each account named, with its parameters."""
    rows = Rows(tx)
    base = first_key_at(tx.now)
    name, source = event_name(action)
    for account_id, given in parameters.items():
        record: dict[str, Any] = {
            "eventVersion": "1.05",
            "userIdentity": {"type": "AWSService", "invokedBy": source},
            "eventTime": tx.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventSource": source,
            "eventName": name,
            "awsRegion": NO_REGION,
            "sourceIPAddress": source,
            "userAgent": source,
            "requestParameters": kept(given),
            "responseElements": None,
            "eventID": _event_id(),
            "readOnly": False,
            "resources": [],
            "eventType": "AwsServiceEvent",
            "recipientAccountId": account_id,
        }
        service = EventRow(
            _keys.next(base),
            account_id,
            rows.time,
            name,
            source,
            source,
            NO_REGION,
            source,
            source,
            None,
            None,
            False,
            _encoded(record),
        )
        rows.add(service, ())
    rows.write()


def _error(errors: Sequence[tuple[str, str]]) -> dict[str, str | None]:
    """A record's fields of what was refused: the first code, and every message; none where nothing was."""
    if not errors:
        return {}
    return {"errorCode": errors[0][0], "errorMessage": printable(" ".join(text for _, text in errors), 4000)}


def _event_id() -> str:
    """A random UUID, for less than the library's time."""
    digits = secrets.token_hex(16)
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


@lru_cache(maxsize=1024)
def _header(text: str) -> str:
    return printable(text, len(text))


@lru_cache(maxsize=1024)
def _identity(viewer: Viewer) -> dict[str, str]:
    identity = {
        "type": "IAMUser",
        "principalId": viewer.credential_id,
        "arn": viewer.principal_arn,
        "accountId": viewer.account_id,
    }
    if viewer.credential_id.startswith("AKIA"):
        identity["accessKeyId"] = viewer.credential_id
    identity["userName"] = viewer.principal_name
    return identity


def _region(parameters: Mapping[str, Any], concerns: Sequence[Concern]) -> str:
    given = parameters.get("region")
    if given is None and isinstance(parameters.get("input"), Mapping):
        given = parameters["input"].get("region")
    if isinstance(given, str) and given in _REGIONS:
        return given
    for concern in concerns:
        parts = concern.arn.split(":", 4)
        if len(parts) == 5 and parts[3] in _REGIONS:
            return parts[3]
    return NO_REGION


def _encoded(record: dict[str, Any]) -> str:
    text = orjson.dumps(record)
    if len(text) > LARGEST_RECORD and record["requestParameters"]:
        names = dict.fromkeys(record["requestParameters"], "…")
        text = orjson.dumps({**record, "requestParameters": names})
    return text.decode()
