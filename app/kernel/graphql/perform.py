"""How a mutation acts: one unit of work with its audit record, refusals as data in the payload."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import strawberry

from app.kernel.context import Context
from app.kernel.database import Transaction
from app.kernel.errors import DomainError
from app.kernel.graphql.errors import UserError, user_errors
from app.kernel.viewer import Permission, Viewer

Info = strawberry.Info[Context, None]
P = TypeVar("P", bound="Payload")
T = TypeVar("T")


@strawberry.type
class Payload:
    """What every mutation answers: the object where it was done, the errors where not."""

    errors: list[UserError] = strawberry.field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Refused:
    error: DomainError


async def act(
    info: Info, work: Callable[[Transaction, Viewer], T], *, needs: Permission = Permission.ADMINISTRATOR
) -> T:
    """Run a unit of work for the caller of a root field, recorded in the same transaction; raises DomainError.

    Only an administrator may, unless less is said to suffice (PM-1). A refusal undoes what the unit did, and is itself
    recorded (AU-1). What can't be recorded does not happen.
    """
    context = info.context
    action, parameters = info.field_name, arguments(info)

    def unit(tx: Transaction) -> T | _Refused:
        try:
            context.viewer.require(needs)
            with tx.savepoint():
                result = work(tx, context.viewer)
        except DomainError as error:
            context.recorder.record(tx, context, action, parameters, error.refusals, read_only=False)
            return _Refused(error)
        context.recorder.record(tx, context, action, parameters, partly_refused(result), read_only=False)
        return result

    outcome = await context.database.write(unit)
    if isinstance(outcome, _Refused):
        raise outcome.error
    return outcome


def partly_refused(result: object) -> Any:
    """The refusals of an action that stands in part, or that is refused with facts kept: its result names them."""
    return getattr(result, "refusals", ())


def arguments(info: Info) -> dict[str, Any]:
    """The root field's arguments as the client gave them, for the record."""
    raw = info._raw_info  # noqa: SLF001 - strawberry's own info hides the parent type
    from app.kernel.reads.selection import argument_values

    return argument_values(raw, raw.parent_type.fields[raw.field_name], raw.field_nodes[0])


async def perform(
    info: Info,
    payload: type[P],
    work: Callable[[Transaction, Viewer], Any],
    *,
    needs: Permission = Permission.ADMINISTRATOR,
    result: str = "key",
) -> P:
    """Act, and answer with a payload whose field `result` holds what the work returned, or with the refusals."""
    try:
        outcome = await act(info, work, needs=needs)
    except DomainError as error:
        return payload(errors=user_errors(error.refusals))
    return payload(**{result: outcome})
