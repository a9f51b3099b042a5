"""What AWS refused, or could not be asked: the account, the Region, the action, and the way out."""

import re
from typing import TYPE_CHECKING

from app.inventory.aws.permissions import ASSUME
from app.inventory.aws.shapes import Unexpected, dotted
from app.kernel.errors import ErrorCode, Refusal

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

DOCUMENTED = "docs/collecting.md has the role's policies"
DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "NotAuthorized"}
UNKNOWN_HERE = {"AuthFailure", "OptInRequired", "UnrecognizedClientException", "InvalidClientTokenId"}
"""What AWS answers to credentials that a Region does not know: most often one that is not enabled in the account."""
EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "SignatureDoesNotMatch"}
THROTTLED = {"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException", "SlowDown"}
_CODE = re.compile(r"[A-Za-z0-9._-]{1,64}")


class CallRefused(Exception):
    """A call has no answer."""

    def __init__(self, refusal: Refusal, code: str = "") -> None:
        super().__init__(refusal.message)
        self.refusal = refusal
        self.code = code


def answered(error: "ClientError", action: str, account_id: str, region: str | None, role: str | None) -> CallRefused:
    """The refusal in an answer of AWS. `role`: whose credentials were used in the account; None: the caller's own."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    code = code if _CODE.fullmatch(code) else "an error"
    where = f"account {account_id}" + (f", Region {region}" if region else "")
    given = f"the role {role} of account {account_id}" if role else f"the collector's credentials in {account_id}"
    if action == ASSUME:
        message = f"AWS did not let the collector assume the role {role} in account {account_id}: {code}."
        remedy = (
            f"Create the role {role} in account {account_id}, have it trust the collector, and allow the collector "
            f"{ASSUME} on it; {DOCUMENTED}."
        )
        return CallRefused(_refusal(message, remedy, account_id, ErrorCode.ACCESS_DENIED), code)
    if code in DENIED:
        message = f"AWS denied {action} in {where}: {code}."
        return CallRefused(
            _refusal(message, f"Grant {action} to {given}; {DOCUMENTED}.", account_id, ErrorCode.ACCESS_DENIED), code
        )
    return CallRefused(_refusal(f"AWS refused {action} in {where}: {code}.", _way_out(code, region), account_id), code)


def unanswered(error: Exception, action: str, account_id: str | None, region: str | None) -> CallRefused:
    """The refusal where no answer came, or none that could be read. What botocore says is left out: it names URLs."""
    from botocore.exceptions import CredentialRetrievalError, NoCredentialsError, PartialCredentialsError

    if isinstance(error, NoCredentialsError | PartialCredentialsError | CredentialRetrievalError):
        return CallRefused(
            _refusal(
                "The collector has no credentials for AWS.",
                "Give them as boto3 finds them: environment variables, a profile, or a role of the machine.",
                account_id,
                ErrorCode.ACCESS_DENIED,
            )
        )
    where = (f" in account {account_id}" if account_id else "") + (f", Region {region}" if region else "")
    message = f"AWS could not be asked {action}{where}: {type(error).__name__}."
    return CallRefused(_refusal(message, "Is AWS reached from here? " + _AGAIN, account_id))


def unexpected(error: Unexpected, action: str, account_id: str, region: str | None = None) -> Refusal:
    """The refusal of an answer that holds what can't be taken; nothing of its kind was."""
    where = f"account {account_id}" + (f", Region {region}" if region else "")
    at = f" at {dotted(error.path)}" if error.path else ""
    return _refusal(
        f"What AWS answered to {action} in {where} can't be taken{at}: {error.message}"[:1000].rstrip(".") + ".",
        "What is known of that kind stays as it is. Mend the entry in AWS; a newer release may know it.",
        account_id,
    )


_AGAIN = "It is tried again at the next synchronisation."


def _way_out(code: str, region: str | None) -> str:
    if code in UNKNOWN_HERE and region:
        return f"Enable {region} in the account, or leave the Region out of TOLLGATE_AWS_REGIONS."
    if code in EXPIRED:
        return f"Renew the collector's credentials, and check the machine's clock. {_AGAIN}"
    if code in THROTTLED:
        return f"Lower TOLLGATE_AWS_CONCURRENCY. {_AGAIN}"
    return _AGAIN


def _refusal(message: str, remedy: str, account_id: str | None, code: ErrorCode = ErrorCode.CONFLICT) -> Refusal:
    return Refusal(code=code, message=message, remedy=remedy, rule="IN-2", account_id=account_id)
