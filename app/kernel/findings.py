"""What is wrong with an input, all of it in one answer."""

from collections.abc import Callable
from typing import Any, TypeVar

from app.kernel.errors import DomainError, Refusal, refuse

T = TypeVar("T")


class Findings:
    """Gathers what is wrong with an input, so that one answer names all of it."""

    def __init__(self) -> None:
        self.refusals: list[Refusal] = []

    def of(self, check: Callable[..., T], *arguments: Any, **named: Any) -> T | None:
        """A check's result, or None where it refused."""
        try:
            return check(*arguments, **named)
        except DomainError as error:
            self.refusals += error.refusals
            return None

    def close(self) -> None:
        """Raise one error with everything that was found."""
        refuse(self.refusals)
