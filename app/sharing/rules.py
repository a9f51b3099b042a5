"""The rules of resource shares (SH), without I/O: whom a share reaches, and why an account lost what it had."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from app.kernel.errors import ErrorCode, Refusal
from app.kernel.regions import Region
from app.organizations.rules import Membership

INVITATION_LIFETIME = timedelta(days=7)
"""An invitation that is not answered expires after this, as in AWS Resource Access Manager."""

MAX_IN_A_CALL = 1000
"""License configurations or principals that one call may name."""

SERVICE_TAG = ("Service", "LicenseManager")
"""A share that carries it can be changed on the account's behalf by the service (SH-1)."""


class ResourceShareStatus(StrEnum):
    """Whether a share still is."""

    ACTIVE = "ACTIVE"
    DELETED = "DELETED"


@dataclass(frozen=True, slots=True)
class ShareTerms:
    """What decides whom a share reaches. `accepted`: the accounts whose invitation stands accepted."""

    key: int
    owner_account_id: str
    active: bool
    allow_external_principals: bool
    principals: frozenset[str]
    accepted: frozenset[str]


@dataclass(frozen=True, slots=True)
class Reach:
    """How a share reaches an account: in which organization both are, if in one, and whether by invitation."""

    organization_key: int | None
    invited: bool


def is_account(principal: str) -> bool:
    """Whether a principal is an account id; the others are the ids of units and of an organization."""
    return principal.isdigit()


def together(one: Membership | None, other: Membership | None) -> bool:
    """Whether two accounts are in the same organization."""
    return one is not None and other is not None and one.organization_key == other.organization_key


def reach(share: ShareTerms, owner: Membership | None, account_id: str, account: Membership | None) -> Reach | None:
    """How a share reaches an account, or None (SH-2).

    Inside a linked organization it is in force at once for every account that a principal names. Outside, and inside
    while it is not linked, for an account that it names by its id and that accepted. Trusted access off stops all that
    is between accounts of the organization (OR-3).
    """
    if not share.active or account_id == share.owner_account_id:
        return None
    accepted = account_id in share.principals and account_id in share.accepted
    if owner is None or account is None or not together(owner, account):
        return Reach(None, invited=True) if accepted and share.allow_external_principals else None
    if not owner.service_access_enabled:
        return None
    if owner.organization.linked and account.principals & share.principals:
        return Reach(owner.organization_key, invited=False)
    return Reach(owner.organization_key, invited=True) if accepted else None


@dataclass(frozen=True, slots=True)
class PastReach:
    """How a share once reached an account with a license configuration in it, and what of that still holds (TR-8)."""

    share: ShareTerms
    share_name: str
    reach: Reach
    holds_configuration: bool


def unsupported(region: Region, what: str) -> Refusal:
    """The refusal of work across accounts in a Region without it; `what` begins the sentence, such as Sharing."""
    return Refusal(
        code=ErrorCode.REGION_UNSUPPORTED,
        message=f"{what} is not supported in {region.code}: it works within single accounts only.",
        remedy="Use a Region that supports work across accounts; the query regions lists them.",
        rule="RG-2",
    )
