"""A file that can't be taken: which, where in it, and why. Nothing of it has taken effect."""

from collections.abc import Sequence
from pathlib import Path

from app.kernel.errors import DomainError


class InputError(Exception):
    """What is wrong with a file. `where`: the entry, such as Reservations[3].OwnerId; `line` counts from 1."""

    def __init__(
        self,
        file: Path | str,
        message: str,
        *,
        line: int | None = None,
        where: str | None = None,
        remedy: str | None = None,
    ) -> None:
        self.file, self.line, self.where = str(file), line, where or None
        self.message, self.remedy = message, remedy
        super().__init__(self.text)

    @property
    def text(self) -> str:
        """One line for people."""
        file = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(filter(None, (file, self.where, self.message)))


class InputErrors(Exception):
    """Everything that is wrong with some files, as far as it can be told at once."""

    def __init__(self, errors: Sequence[InputError]) -> None:
        super().__init__("\n".join(each.text for each in errors))
        self.errors = errors


def refused(file: Path | str, error: DomainError, *, line: int | None = None, where: str | None = None) -> InputErrors:
    """The refusals of an entry's act, as errors of its file."""
    return InputErrors(
        [InputError(file, refusal.message, line=line, where=where, remedy=refusal.remedy) for refusal in error.refusals]
    )
