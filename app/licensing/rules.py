"""The rules of license configurations and of the gate (LC, EN), without I/O."""

from enum import StrEnum


class CountingType(StrEnum):
    """The metric by which licenses are counted (LC-1)."""

    VCPU = "VCPU"
    CORE = "CORE"
    SOCKET = "SOCKET"
    INSTANCE = "INSTANCE"


class Status(StrEnum):
    """Whether a configuration tracks and judges (LC-10)."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
