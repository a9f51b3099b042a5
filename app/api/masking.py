"""Errors as clients see them: refusals in full, with a code; whatever is unexpected masked by an id and logged."""

import secrets
from collections.abc import Iterable
from typing import Any

import structlog
from graphql import GraphQLError

from app.api.limits import LimitPassed
from app.kernel.errors import Busy, DomainError, Refusal, Unauthenticated, Unavailable

MESSAGE_LENGTH = 500
"A message may quote what the client sent, which may be long."

FormattedError = dict[str, Any]
"""An error of a GraphQL response: message, extensions with a code, and locations and path where it has them."""

log = structlog.get_logger(__name__)


def unexpected(error: BaseException) -> FormattedError:
    """What a client may know of a fault of ours: an id, under which the log has the rest."""
    identifier = secrets.token_hex(8)
    log.error("internal error", id=identifier, exc_info=error)
    return _formatted(f"Internal error. Quote id {identifier}.", {"code": "INTERNAL", "id": identifier})


def refused(error: Unauthenticated | Unavailable | LimitPassed | TimeoutError) -> FormattedError:
    """A refusal of the whole operation by the edge itself."""
    match error:
        case Unauthenticated():
            return _formatted(str(error) or "Send a valid token.", {"code": "UNAUTHENTICATED"})
        case Busy():
            remedy = "Try again when it has ended: nothing was changed."
            told = "Another process is writing to the database, such as a large import."
            return _formatted(told, {"code": "UNAVAILABLE", "remedy": remedy})
        case Unavailable():
            return _formatted("The service can't answer at the moment. Try again later.", {"code": "UNAVAILABLE"})
        case LimitPassed():
            facts = {"code": "INVALID_INPUT", "rule": "API-3", "limit": error.limit, "maximum": error.bound}
            return _formatted(str(error), facts)
        case _:
            return _formatted(str(error), {"code": "TIMEOUT", "rule": "API-3"})


def malformed(message: str, code: str = "INVALID_INPUT") -> FormattedError:
    """A request that is not one."""
    return _formatted(message, {"code": code})


def request_errors(errors: Iterable[GraphQLError], code: str) -> list[FormattedError]:
    """Errors that graphql-core found before it ran anything; one that has a code of its own keeps it."""
    return [_formatted(error.message, {"code": code, **(error.extensions or {})}, error) for error in errors]


def field_errors(error: GraphQLError) -> list[FormattedError]:
    """What went wrong in one field while running: one error for each refusal (PM-3)."""
    cause = _cause(error)
    match cause:
        case DomainError():
            return [_formatted(refusal.message, _facts(refusal), error) for refusal in cause.refusals]
        case Unauthenticated() | Unavailable():
            return [_placed(refused(cause), error)]
        case GraphQLError() if _of_client(cause):
            return [_formatted(error.message, {"code": "INVALID_INPUT", **(cause.extensions or {})}, error)]
        case _:
            return [_placed(unexpected(cause), error)]


def is_unavailable(error: GraphQLError) -> bool:
    """Whether the field failed for want of the database, not of anything in the request."""
    return isinstance(_cause(error), Unavailable)


def _cause(error: GraphQLError) -> Exception:
    cause: Exception = error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return cause


def _of_client(error: GraphQLError) -> bool:
    """Whether graphql-core blames a value in the request, such as null in a variable where none is taken."""
    return "code" in (error.extensions or {}) or (bool(error.nodes) and error.message.startswith("Argument '"))


def _facts(refusal: Refusal) -> dict[str, Any]:
    facts = {
        "code": refusal.code,
        "rule": refusal.rule,
        "remedy": refusal.remedy,
        "accountId": refusal.account_id,
        "nodeIds": list(refusal.node_ids),
    }
    return facts if refusal.field is None else {**facts, "field": list(refusal.field)}


def _formatted(message: str, extensions: dict[str, Any], error: GraphQLError | None = None) -> FormattedError:
    if len(message) > MESSAGE_LENGTH:
        message = message[:MESSAGE_LENGTH] + "…"
    return _placed({"message": message, "extensions": extensions}, error)


def _placed(formatted: FormattedError, error: GraphQLError | None) -> FormattedError:
    if error is not None and error.locations:
        formatted["locations"] = [location.formatted for location in error.locations]
    if error is not None and error.path:
        formatted["path"] = list(error.path)
    return formatted
