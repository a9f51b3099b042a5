"""Who acts from the command line: the operator, in whose hands every account is; its acts are recorded too (AU-1)."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from app.audit.records import Entry, write_entries
from app.identity.rules import principal_arn
from app.kernel.context import Origin
from app.kernel.database import Transaction
from app.kernel.errors import Refusal
from app.kernel.viewer import Permission, Viewer

NAME = "operator"
AGENT = "tollgate-cli"


def operator(account_id: str) -> Viewer:
    """The operator, acting for an account."""
    return Viewer(account_id, principal_arn(account_id, NAME), Permission.ADMINISTRATOR, NAME, AGENT)


def record(
    tx: Transaction,
    account_id: str,
    action: str,
    parameters: Mapping[str, Any],
    refusals: Sequence[Refusal] = (),
) -> None:
    """Leave a record of an act of the operator for an account, with what the unit of work touched since it began."""
    origin = Origin(request_id=str(uuid4()), source_ip_address=None, user_agent=AGENT)
    errors = [(each.code.value, each.message) for each in refusals]
    concerns = tuple(dict.fromkeys(tx.concerns))
    tx.defer(write_entries, Entry(operator(account_id), origin, action, parameters, errors, concerns, read_only=False))


__all__ = ["AGENT", "operator", "record"]
