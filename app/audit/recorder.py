"""Writes one record for each action: of writes in their own transaction, of reads before they are answered (AU-1)."""

from collections.abc import Sequence
from typing import Any, Protocol

from graphql import OperationType

from app.audit.records import Entry, write_entries
from app.kernel.context import Context
from app.kernel.database import Transaction
from app.kernel.errors import Refusal

INTERNAL = "INTERNAL"
INTERNAL_FAILURE = "InternalFailure"


class Action(Protocol):
    """A root field that was begun, as the GraphQL edge tells it."""

    @property
    def name(self) -> str: ...
    @property
    def response_key(self) -> str: ...
    @property
    def arguments(self) -> Any: ...
    @property
    def errors(self) -> Sequence[dict[str, Any]]: ...


class AuditRecorder:
    """Records actions in the transactions that do them."""

    def record(
        self,
        tx: Transaction,
        context: Context,
        action: str,
        parameters: dict[str, Any],
        refusals: Sequence[Refusal],
        *,
        read_only: bool,
    ) -> None:
        """Leave a record to the end of the commit group, of what the transaction has touched until now.

        `action` is a GraphQL root field or an AWS operation, such as `ec2:DescribeInstances`. `parameters` may hold
        secrets: they are left out here.
        """
        errors = [(refusal.code.value, refusal.message) for refusal in refusals]
        concerns = tuple(tx.concerns)
        context.recorded.add(action)
        tx.defer(write_entries, Entry(context.viewer, context.origin, action, parameters, errors, concerns, read_only))


async def finished(context: Context, operation_type: OperationType, fields: Sequence[Action]) -> None:
    """Record the root fields of a query or a subscription; of a mutation those that failed before they were recorded.

    Raises Unavailable where that can't be done: what can't be recorded is not answered.
    """
    mutation = operation_type is OperationType.MUTATION
    entries = [
        Entry(context.viewer, context.origin, each.name, each.arguments, _errors(each), (), not mutation)
        for each in fields
        if not mutation or _unrecorded(context, each)
    ]
    if entries:
        await context.database.write_batched(_write_read, entries)


def _write_read(tx: Transaction, commands: Sequence[Sequence[Entry]]) -> list[None]:
    for entries in commands:
        for entry in entries:
            tx.defer(write_entries, entry)
    return [None] * len(commands)


def _unrecorded(context: Context, field: Action) -> bool:
    """Whether a mutation's root field was refused before its unit of work, or broke and took its record with it."""
    codes = {error["extensions"].get("code") for error in field.errors if len(error.get("path", ())) <= 1}
    return INTERNAL in codes or (bool(codes) and field.name not in context.recorded)


def _errors(field: Action) -> list[tuple[str, str]]:
    return [
        (INTERNAL_FAILURE if code == INTERNAL else str(code), error["message"])
        for error in field.errors
        for code in [error["extensions"].get("code", INTERNAL)]
    ]
