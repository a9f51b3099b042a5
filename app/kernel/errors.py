"""Refusals as data: what stands in the way, the rule that says so, and what would cure it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum


class ErrorCode(StrEnum):
    """Why an action was refused; the same codes on every transport."""

    INVALID_INPUT = "INVALID_INPUT"
    NOT_FOUND = "NOT_FOUND"
    ACCESS_DENIED = "ACCESS_DENIED"
    CONFLICT = "CONFLICT"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    RULE_VIOLATION = "RULE_VIOLATION"
    REGION_UNSUPPORTED = "REGION_UNSUPPORTED"
    REGION_MISMATCH = "REGION_MISMATCH"
    NOT_IN_ORGANIZATION = "NOT_IN_ORGANIZATION"
    NOT_MASTER_ACCOUNT = "NOT_MASTER_ACCOUNT"
    ALL_FEATURES_REQUIRED = "ALL_FEATURES_REQUIRED"
    SERVICE_ACCESS_DISABLED = "SERVICE_ACCESS_DISABLED"
    ORGANIZATION_NOT_LINKED = "ORGANIZATION_NOT_LINKED"
    CROSS_ACCOUNT_DISCOVERY_DISABLED = "CROSS_ACCOUNT_DISCOVERY_DISABLED"
    ROLE_MISSING = "ROLE_MISSING"
    ROLE_IN_USE = "ROLE_IN_USE"
    ROLE_NOT_ALLOWED = "ROLE_NOT_ALLOWED"
    NOT_IN_RESOURCE_SHARE = "NOT_IN_RESOURCE_SHARE"
    NOT_SHARED = "NOT_SHARED"
    CATALOG_NOT_UPGRADED = "CATALOG_NOT_UPGRADED"
    IRREVERSIBLE = "IRREVERSIBLE"
    LICENSE_CONFIGURATION_IN_USE = "LICENSE_CONFIGURATION_IN_USE"
    LICENSE_CONFIGURATION_INACTIVE = "LICENSE_CONFIGURATION_INACTIVE"
    IDEMPOTENT_PARAMETER_MISMATCH = "IDEMPOTENT_PARAMETER_MISMATCH"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One reason why an action, or a part of it, was refused.

    `field` is the path of the input at fault from the input's root; `node_ids` are the global ids of the objects in
    the way, only such as the caller may see (PM-2).
    """

    code: ErrorCode
    message: str
    remedy: str | None = None
    rule: str | None = None
    field: tuple[str, ...] | None = None
    account_id: str | None = None
    node_ids: tuple[str, ...] = ()

    def at(self, *field: str) -> "Refusal":
        """The same refusal, pointing at an input field."""
        return replace(self, field=field)


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitExceeded(Refusal):
    """A hard limit would be passed: licenses requested and those still available, never below 0."""

    code: ErrorCode = ErrorCode.LIMIT_EXCEEDED
    requested: int
    available: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleViolated(Refusal):
    """A rule of a license configuration is broken, such as minimumCores."""

    code: ErrorCode = ErrorCode.RULE_VIOLATION
    license_rule: str
    required: str
    actual: str


class DomainError(Exception):
    """An action was refused. Nothing of it has taken effect; each transport maps its refusals once."""

    def __init__(self, *refusals: Refusal) -> None:
        super().__init__("; ".join(refusal.message for refusal in refusals))
        self.refusals: Sequence[Refusal] = refusals


class Unavailable(Exception):
    """The database can't answer or can't record now; the caller may try again later."""


class Busy(Unavailable):
    """Another process writes to the database now, such as an import; what was asked can be done when that has ended."""


class UnusableDatabase(Unavailable):
    """The database is there, but this release can't work on what it holds; waiting does not cure it."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


class Unauthenticated(Exception):
    """No credentials, or none that are valid now. The message never says which."""


def refuse(refusals: Iterable[Refusal]) -> None:
    """Raise one error that carries every refusal given; do nothing where there is none."""
    collected = tuple(refusals)
    if collected:
        raise DomainError(*collected)


def invalid(message: str, *field: str, remedy: str | None = None, rule: str | None = None) -> DomainError:
    """An input that can't be taken, with the path of the field at fault."""
    return DomainError(
        Refusal(code=ErrorCode.INVALID_INPUT, message=message, remedy=remedy, rule=rule, field=field or None)
    )


def not_found(what: str, *field: str) -> DomainError:
    """An absent object, or one that the caller may not see: the same answer for both (PM-2)."""
    return DomainError(
        Refusal(code=ErrorCode.NOT_FOUND, message=f"{what} was not found.", rule="PM-2", field=field or None)
    )
