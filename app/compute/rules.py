"""The kinds of resources and how they come to run, without I/O."""

from enum import StrEnum


class ResourceType(StrEnum):
    """What can carry license configurations."""

    IMAGE = "IMAGE"
    LAUNCH_TEMPLATE = "LAUNCH_TEMPLATE"
    INSTANCE = "INSTANCE"
    DEDICATED_HOST = "DEDICATED_HOST"
    MANAGED_INSTANCE = "MANAGED_INSTANCE"


class InstanceState(StrEnum):
    """Whether an instance runs."""

    RUNNING = "RUNNING"
    STOPPED = "STOPPED"
    TERMINATED = "TERMINATED"


class Tenancy(StrEnum):
    """On whose hardware an instance runs (LC-4)."""

    SHARED = "SHARED"
    DEDICATED_INSTANCE = "DEDICATED_INSTANCE"
    DEDICATED_HOST = "DEDICATED_HOST"


class LaunchMechanism(StrEnum):
    """How an instance came to run; every one goes through the same gate (EN-9)."""

    IMAGE = "IMAGE"
    LAUNCH_TEMPLATE = "LAUNCH_TEMPLATE"
    STACK = "STACK"
    MARKETPLACE = "MARKETPLACE"
    SPOT = "SPOT"
    AUTO_SCALING = "AUTO_SCALING"
    DISCOVERED = "DISCOVERED"
