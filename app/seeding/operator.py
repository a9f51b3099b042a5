"""Who acts from the command line: the operator, in whose hands every account is; its acts are recorded too (AU-1)."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.audit.records import record_act
from app.identity.rules import principal_arn
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
    record_act(tx, operator(account_id), action, parameters, refusals)


__all__ = ["AGENT", "operator", "record"]
