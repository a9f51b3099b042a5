"""The kinds of alerts and when use raises one, without I/O."""

from enum import StrEnum


class AlertKind(StrEnum):
    """What an alert tells (AL-1)."""

    LIMIT_APPROACHING = "LIMIT_APPROACHING"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    LAUNCH_BLOCKED = "LAUNCH_BLOCKED"
    RULE_VIOLATED = "RULE_VIOLATED"
