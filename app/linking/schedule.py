"""The schedule that accounts have unless they choose one, as the server's operator set it (IN-3)."""

from app.linking.rules import DEFAULT_SCHEDULE

_usual = [DEFAULT_SCHEDULE]


def set_usual_schedule(schedule: str) -> None:
    """Have new accounts, and those that give up their own choice, synchronised at these times; of this process."""
    _usual[0] = schedule


def usual_schedule() -> str:
    """A cron expression of five fields, UTC."""
    return _usual[0]
