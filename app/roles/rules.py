"""The rules of service-linked roles (RO), without I/O."""

from enum import StrEnum


class ServiceLinkedRoleKind(StrEnum):
    """The three roles that License Manager depends on (RO-1)."""

    CORE = "CORE"
    MASTER_ACCOUNT = "MASTER_ACCOUNT"
    MEMBER_ACCOUNT = "MEMBER_ACCOUNT"
