"""The rules of resource shares (SH), without I/O."""

from enum import StrEnum


class ResourceShareStatus(StrEnum):
    """Whether a share still is."""

    ACTIVE = "ACTIVE"
    DELETED = "DELETED"
