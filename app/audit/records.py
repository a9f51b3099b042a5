"""Makes records in CloudTrail's format, and writes those of a whole commit group at once."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy.exc import IntegrityError

from app.audit.keys import EventKeys, first_key_at
from app.audit.models import UNDELIVERED, AuditEventRow, AuditResourceRow, TrailQueueRow
from app.audit.names import event_name
from app.audit.rules import kept, printable
from app.kernel.context import Origin
from app.kernel.database import Transaction
from app.kernel.database.groups import MustRetry
from app.kernel.database.transaction import Concern
from app.kernel.regions import regions
from app.kernel.tables import table_of
from app.kernel.viewer import Viewer

EVENT = table_of(AuditEventRow)
RESOURCE = table_of(AuditResourceRow)
QUEUE = table_of(TrailQueueRow)
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


def write_entries(tx: Transaction, entries: Sequence[Entry]) -> None:
    """Write the records of a commit group: each entry's in the caller's account and in every other one concerned."""
    tx.flush()
    base = first_key_at(tx.now)
    time = tx.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    for entry in entries:
        _write(tx, entry, base, time)
    try:
        tx.flush()
    except IntegrityError as error:
        # Another server took a key in the same millisecond: the group runs again, and takes others.
        raise MustRetry from error


def _write(tx: Transaction, entry: Entry, base: int, time: str) -> None:
    viewer, origin = entry.viewer, entry.origin
    name, source = event_name(entry.action)
    code = entry.errors[0][0] if entry.errors else None
    message = printable(" ".join(text for _, text in entry.errors), 4000) if entry.errors else None
    region = _region(entry.parameters, entry.concerns)
    agent = printable(origin.user_agent, 512) if origin.user_agent else None
    address = printable(origin.source_ip_address, 64) if origin.source_ip_address else None
    record: dict[str, Any] = {
        "eventVersion": "1.05",
        "userIdentity": _identity(viewer),
        "eventTime": time,
        "eventSource": source,
        "eventName": name,
        "awsRegion": region,
        "sourceIPAddress": address,
        "userAgent": agent,
        "requestParameters": kept(entry.parameters) if entry.parameters else None,
        "responseElements": None,
        "requestID": origin.request_id,
        "readOnly": entry.read_only,
        "eventType": "AwsApiCall",
    }
    if code is not None:
        record["errorCode"], record["errorMessage"] = code, message
    touched = dict.fromkeys(entry.concerns)
    accounts = dict.fromkeys([viewer.account_id, *(concern.account_id for concern in touched)])
    if len(accounts) > 1:
        record["sharedEventID"] = str(uuid.uuid4())
    for account_id in accounts:
        key = _keys.next(base)
        # An account's record names its own resources and the caller's, never those of a third.
        shown = [
            concern
            for concern in touched
            if account_id == viewer.account_id or concern.account_id in (account_id, viewer.account_id)
        ]
        record["eventID"] = str(uuid.uuid4())
        record["resources"] = [{"ARN": each.arn, "accountId": each.account_id} for each in shown]
        record["recipientAccountId"] = account_id
        tx.add(
            EVENT,
            {
                "id": key,
                "account_id": account_id,
                "event_time": tx.now,
                "event_name": name,
                "event_source": source,
                "principal_arn": viewer.principal_arn,
                "region": region,
                "source_ip_address": address,
                "user_agent": agent,
                "error_code": code,
                "error_message": message,
                "read_only": entry.read_only,
                "record": _encoded(record),
            },
        )
        for arn in dict.fromkeys(concern.arn for concern in shown):
            tx.add(RESOURCE, {"arn": arn, "account_id": account_id, "event_id": key})
        tx.add(QUEUE, {"file_id": UNDELIVERED, "event_id": key})


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
    if given in _REGIONS:
        return str(given)
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
