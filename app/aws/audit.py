"""Records of AWS calls as CloudTrail writes them: the operation's name, its parameters in camelCase, AWS's errors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.audit.records import Entry, write_entries
from app.aws.errors import AwsError
from app.aws.model import SERVICE
from app.aws.shapes import lowered
from app.identity.access_keys import Credential, keep_last_use, use_is_stale
from app.kernel.context import Origin
from app.kernel.database import Transaction


@dataclass(frozen=True, slots=True)
class Called:
    """Who called which operation with what, and from where."""

    credential: Credential
    origin: Origin
    operation: str
    given: dict[str, Any]


def record(tx: Transaction, called: Called, error: AwsError | None, *, read_only: bool) -> None:
    """Leave a record of a call to the end of the commit group, and keep that its access key was used."""
    errors = [(error.code, error.message)] if error is not None else []
    action = f"{SERVICE}:{called.operation}"
    viewer = called.credential.viewer
    concerns = tuple(tx.concerns)
    tx.defer(
        write_entries,
        Entry(viewer, called.origin, action, _camel(called.given), errors, concerns, read_only),
    )
    if use_is_stale(called.credential, tx.now):
        tx.defer(_used, viewer.credential_id)


def _used(tx: Transaction, access_key_ids: Sequence[str]) -> None:
    keep_last_use(tx, access_key_ids)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A call that needs a record and nothing else."""

    called: Called
    error: AwsError | None
    read_only: bool


def record_reads(tx: Transaction, commands: Sequence[Recorded]) -> list[None]:
    """Records of calls that changed nothing, several at once (a batch of the writer's)."""
    for each in commands:
        record(tx, each.called, each.error, read_only=each.read_only)
    return [None] * len(commands)


def _camel(value: Any) -> Any:
    if isinstance(value, dict):
        return {lowered(name): _camel(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_camel(each) for each in value]
    return value
