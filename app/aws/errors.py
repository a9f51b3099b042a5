"""What is refused, in AWS's words: one table from refusal codes to License Manager's exceptions."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.kernel.errors import ErrorCode, Refusal


class AwsError(Exception):
    """An error as AWS names it. `extra` are further members of its shape."""

    def __init__(self, code: str, message: str, *, status: int = 400, extra: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.extra = dict(extra or {})

    @property
    def body(self) -> dict[str, Any]:
        """What the answer says."""
        return {"__type": self.code, "Message": self.message, **self.extra}


INVALID = "InvalidParameterValueException"
DENIED = "AccessDeniedException"
DEPENDENCY = "FailedDependencyException"

EXCEPTIONS: dict[ErrorCode, str] = {
    ErrorCode.INVALID_INPUT: INVALID,
    ErrorCode.NOT_FOUND: INVALID,
    ErrorCode.ACCESS_DENIED: DENIED,
    ErrorCode.CONFLICT: "ConflictException",
    ErrorCode.LIMIT_EXCEEDED: "LicenseUsageException",
    ErrorCode.RULE_VIOLATION: "LicenseUsageException",
    ErrorCode.REGION_UNSUPPORTED: INVALID,
    ErrorCode.REGION_MISMATCH: INVALID,
    ErrorCode.NOT_IN_ORGANIZATION: DENIED,
    ErrorCode.NOT_MASTER_ACCOUNT: DENIED,
    ErrorCode.ALL_FEATURES_REQUIRED: DEPENDENCY,
    ErrorCode.SERVICE_ACCESS_DISABLED: DEPENDENCY,
    ErrorCode.ORGANIZATION_NOT_LINKED: DEPENDENCY,
    ErrorCode.CROSS_ACCOUNT_DISCOVERY_DISABLED: DEPENDENCY,
    ErrorCode.ROLE_MISSING: DENIED,
    ErrorCode.ROLE_IN_USE: "ConflictException",
    ErrorCode.ROLE_NOT_ALLOWED: DENIED,
    ErrorCode.NOT_IN_RESOURCE_SHARE: DENIED,
    ErrorCode.NOT_SHARED: DENIED,
    ErrorCode.CATALOG_NOT_UPGRADED: DEPENDENCY,
    ErrorCode.IRREVERSIBLE: INVALID,
    ErrorCode.LICENSE_CONFIGURATION_IN_USE: INVALID,
    ErrorCode.LICENSE_CONFIGURATION_INACTIVE: "InvalidResourceStateException",
    ErrorCode.IDEMPOTENT_PARAMETER_MISMATCH: "ConflictException",
}


def exception_of(refusal: Refusal) -> str:
    """The exception of one refusal; AWS tells apart what has one code here only by the rule that was broken."""
    if refusal.code is ErrorCode.INVALID_INPUT:
        if refusal.rule == "EN-5":
            return "InvalidResourceStateException"
        if refusal.rule == "LC-7" and refusal.field and refusal.field[-1] == "tags":
            return "ResourceLimitExceededException"
    return EXCEPTIONS[refusal.code]


def error_of(refusals: Sequence[Refusal]) -> AwsError:
    """One error for all that stands in the way: the first one's exception, every one's message and remedy."""
    first = refusals[0]
    code = exception_of(first)
    texts = [text for refusal in refusals for text in (refusal.message, refusal.remedy) if text]
    extra = {"ErrorCode": first.code.value} if code == DEPENDENCY else {}
    return AwsError(code, " ".join(dict.fromkeys(texts)), extra=extra)


def invalid_value(message: str) -> AwsError:
    """A parameter's value that can't be taken."""
    return AwsError(INVALID, message)


def too_many_filters(what: str, given: int, most: int) -> AwsError:
    """More filters, or values of them, than one request may have."""
    return AwsError("FilterLimitExceededException", f"There are {given} {what}; at most {most} are taken.")
