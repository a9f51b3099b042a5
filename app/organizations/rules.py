"""The rules of organizations (OR), without I/O."""

from datetime import timedelta
from enum import StrEnum

INVITATION_LIFETIME = timedelta(days=15)
"""An invitation that is not answered expires after this, as in AWS Organizations."""


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
