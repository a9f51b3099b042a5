"""The kinds of alerts, where they are delivered to, and when a delivery is tried again, without I/O."""

from datetime import timedelta
from enum import StrEnum


class AlertKind(StrEnum):
    """What an alert tells (AL-1)."""

    LIMIT_APPROACHING = "LIMIT_APPROACHING"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    LAUNCH_BLOCKED = "LAUNCH_BLOCKED"
    RULE_VIOLATED = "RULE_VIOLATED"


class ChannelKind(StrEnum):
    """What an alert is delivered by."""

    WEBHOOK = "WEBHOOK"
    EMAIL = "EMAIL"
    SNS_TOPIC = "SNS_TOPIC"


class DeliveryState(StrEnum):
    """How far a delivery is; DEAD once it has failed as often as it may."""

    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    DEAD = "DEAD"


FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(hours=1)


def pause(attempts: int, jitter: float) -> timedelta:
    """How long to wait after so many failed attempts, doubled by each; `jitter`, 0 to 1, spreads it by up to a half."""
    doubled: timedelta = FIRST_PAUSE * (1 << min(attempts - 1, 16))
    return min(doubled, LONGEST_PAUSE) * (1 + jitter / 2)


def share_of_one(slots: int) -> int:
    """How many of a server's deliveries one channel may hold at once: a quarter, so that none holds up the others."""
    return max(slots // 4, 1)
