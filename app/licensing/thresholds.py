"""The thresholds of license configurations whose makers name none, as the server's operator set them (AL-1)."""

from collections.abc import Sequence

from app.licensing.definition import DEFAULT_THRESHOLDS

_usual: list[tuple[int, ...]] = [DEFAULT_THRESHOLDS]


def set_usual_thresholds(thresholds: Sequence[int]) -> None:
    """Have new license configurations alert at these percentages of the count; of this process."""
    _usual[0] = tuple(thresholds)


def usual_thresholds() -> tuple[int, ...]:
    """Percentages of the count, ascending."""
    return _usual[0]
