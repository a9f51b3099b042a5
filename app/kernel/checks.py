"""Checks that an act runs and an explanation shows: the same list for both, so that they can't differ."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from app.kernel.errors import DomainError, Refusal, refuse


@dataclass(frozen=True, slots=True)
class Check:
    """One condition of an act: its rule, what it asks in plain words, and the refusal where it did not pass."""

    rule: str
    description: str
    refusal: Refusal | None = None

    @property
    def passed(self) -> bool:
        return self.refusal is None


def require(checks: Iterable[Check]) -> None:
    """Raise one error with the refusal of every check that did not pass."""
    refuse(check.refusal for check in checks if check.refusal is not None)


def asked(rule: str, description: str, question: Callable[[], object]) -> Check:
    """A check by a function that raises the refusal, such as one that acts call themselves."""
    try:
        question()
    except DomainError as error:
        return Check(rule, description, error.refusals[0])
    return Check(rule, description)
