"""The rules of organizations (OR), without I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.kernel.errors import ErrorCode, Refusal

INVITATION_LIFETIME = timedelta(days=15)
"""An invitation that is not answered expires after this, as in AWS Organizations."""

MAX_UNIT_DEPTH = 5
"""Levels of units under the root, as in AWS Organizations."""

ROOT_NAME = "Root"


class FeatureSet(StrEnum):
    """What the master account may do with its members (OR-1)."""

    CONSOLIDATED_BILLING = "CONSOLIDATED_BILLING"
    ALL = "ALL"


class AccountRole(StrEnum):
    """An account's place in its organization."""

    STANDALONE = "STANDALONE"
    MASTER = "MASTER"
    MEMBER = "MEMBER"


class InvitationState(StrEnum):
    """What became of an invitation."""

    PENDING = "PENDING"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True)
class Organization:
    """What holds for every account of an organization; `key` is its key here, `organization_id` its o-… id."""

    key: int
    organization_id: str
    master_account_id: str
    feature_set: FeatureSet
    service_access_enabled: bool
    linked_at: datetime | None
    discovery_enabled_at: datetime | None

    @property
    def linked(self) -> bool:
        """Whether License Manager is linked to it (ST-2)."""
        return self.linked_at is not None

    @property
    def discovery_enabled(self) -> bool:
        """Whether discovery across its accounts is on (ST-4)."""
        return self.discovery_enabled_at is not None

    @property
    def arn(self) -> str:
        return f"arn:aws:organizations::{self.master_account_id}:organization/{self.organization_id}"


@dataclass(frozen=True, slots=True)
class Membership:
    """An account in an organization; its units stand from its own up to the root, by key and by ou-… or r-… id."""

    account_id: str
    role: AccountRole
    organization: Organization
    unit_keys: tuple[int, ...]
    unit_ids: tuple[str, ...]

    @property
    def organization_key(self) -> int:
        return self.organization.key

    @property
    def organization_id(self) -> str:
        return self.organization.organization_id

    @property
    def master_account_id(self) -> str:
        return self.organization.master_account_id

    @property
    def feature_set(self) -> FeatureSet:
        return self.organization.feature_set

    @property
    def service_access_enabled(self) -> bool:
        return self.organization.service_access_enabled

    @property
    def linked_at(self) -> datetime | None:
        return self.organization.linked_at

    @property
    def discovery_enabled_at(self) -> datetime | None:
        return self.organization.discovery_enabled_at

    @property
    def is_master(self) -> bool:
        return self.role is AccountRole.MASTER

    @property
    def principals(self) -> frozenset[str]:
        """Everything that names this account as a share's principal: itself, its units, its organization (SH-1)."""
        return frozenset({self.account_id, self.organization_id, *self.unit_ids})

    @property
    def arn(self) -> str:
        return f"arn:aws:organizations::{self.master_account_id}:account/{self.organization_id}/{self.account_id}"


@dataclass(frozen=True, slots=True)
class FormerMember:
    """An account that is not in the organization any more, and since when (TR-9)."""

    account_id: str
    left_at: datetime


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of an organization's tree; the root's `parent` is None."""

    key: int
    unit_id: str
    parent: int | None


def path_of(unit: int, units: Mapping[int, Unit]) -> tuple[Unit, ...]:
    """The units from one up to the root."""
    path = [units[unit]]
    while path[-1].parent is not None:
        path.append(units[path[-1].parent])
    return tuple(path)


def role_in(account_id: str, master_account_id: str) -> AccountRole:
    """An account's role in the organization that it is in."""
    return AccountRole.MASTER if account_id == master_account_id else AccountRole.MEMBER


def not_in_organization(account_id: str) -> Refusal:
    """The refusal of what takes an organization."""
    return Refusal(
        code=ErrorCode.NOT_IN_ORGANIZATION,
        message=f"Account {account_id} is not in an organization.",
        remedy="Create an organization, or accept the invitation of one.",
        rule="OR-2",
        account_id=account_id,
    )


def not_master(membership: Membership, rule: str = "OR-1") -> Refusal:
    """The refusal of what only the master account may do."""
    return Refusal(
        code=ErrorCode.NOT_MASTER_ACCOUNT,
        message=f"Account {membership.account_id} is a member; only the organization's master account can do this.",
        remedy=f"Ask the master account, {membership.master_account_id}.",
        rule=rule,
        account_id=membership.account_id,
    )
