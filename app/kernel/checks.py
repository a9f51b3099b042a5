"""Checks that an act runs and an explanation shows: the same list for both, so that they can't differ."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

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

    def at(self, *field: str) -> "Check":
        """The same check; where it did not pass, its refusal points at an input field."""
        return self if self.refusal is None else replace(self, refusal=self.refusal.at(*field))


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
