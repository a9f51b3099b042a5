"""What every section of a seed file is applied with: one unit of work, names, and errors that say where."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

from app.compute.named import resource_named
from app.compute.rules import ResourceType
from app.inventory.aws.shapes import dotted
from app.kernel.changes import Change, Changes
from app.kernel.database import Transaction
from app.kernel.errors import DomainError, Refusal, invalid, not_found
from app.kernel.viewer import Viewer
from app.licensing.named import configuration_named
from app.organizations.service import account_exists
from app.seeding.document import Document, Place
from app.seeding.errors import InputError, InputErrors
from app.seeding.format import OfAccount
from app.seeding.operator import operator, record


@dataclass(slots=True)
class Step:
    """One entry that is being applied."""

    changes: Changes
    changed: bool = False

    def done(self, what: str, change: Change, number: int = 1) -> None:
        """Count what the entry changed."""
        self.changes.note(what, change, number)
        self.changed = True


class Seeder:
    """Applies a seed file's entries through the services, in one unit of work."""

    def __init__(self, tx: Transaction, document: Document) -> None:
        self.tx, self.document = tx, document
        self.changes = Changes()

    @contextmanager
    def entry(
        self, place: Place, account_id: str, action: str, parameters: Mapping[str, Any], *, known: bool = True
    ) -> Iterator[Step]:
        """Apply one entry for an account, which must be `known`; refusals are told with the entry's line.

        What the entry changes leaves one record of the action (AU-1).
        """
        self.tx.begin_action()
        step = Step(self.changes)
        try:
            self.tx.flush()
            if known and not account_exists(self.tx.connection, account_id):
                raise not_found(f"Account {account_id}", "account")
            yield step
            self.tx.flush()
        except DomainError as error:
            self._refuse(place, error.refusals, error)
        if step.changed:
            record(self.tx, account_id, action, parameters)

    def _refuse(self, place: Place, refusals: Sequence[Refusal], cause: Exception) -> NoReturn:
        errors = []
        for refusal in refusals:
            at = self._at(place, refusal.field or ())
            line = self.document.line(at)
            errors.append(
                InputError(self.document.file, refusal.message, line=line, where=dotted(at), remedy=refusal.remedy)
            )
        raise InputErrors(errors) from cause

    def _at(self, place: Place, field: Sequence[str]) -> Place:
        """The place of an input's field in the file: the nearest that is there."""
        parts = field[1:] if field[:1] == ("input",) else field
        for length in range(len(parts), 0, -1):
            at = (*place, *(int(part) if part.isdigit() else part for part in parts[:length]))
            if at in self.document.lines:
                return at
        return place

    # ------------------------------------------------------------ who and what is named

    def viewer(self, account_id: str) -> Viewer:
        """The operator, acting for an account."""
        return operator(account_id)

    def licenses(self, part: OfAccount, names: Sequence[str]) -> list[int]:
        """The keys of license configurations by name; raises NOT_FOUND, with the position of the name."""
        return [self._license(part, name, position) for position, name in enumerate(names)]

    def _license(self, part: OfAccount, text: str, position: int) -> int:
        owner, name = _owned(part.account, text)
        key = configuration_named(self.tx.connection, owner, part.region, name)
        if key is None:
            what = f"The license configuration “{text}” in {part.region}"
            raise not_found(what, "licenseConfigurations", str(position))
        return key

    def resource(self, part: OfAccount, kind: ResourceType, text: str | None, field: str) -> int | None:
        """The key of a resource by name, None where none is named; raises NOT_FOUND, pointing at the field."""
        if text is None:
            return None
        owner, name = _owned(part.account, text)
        key = resource_named(self.tx.connection, owner, part.region, kind, name)
        if key is None:
            raise not_found(f"“{text}” in {part.region}", field)
        return key


def fixed(what: str, field: str) -> DomainError:
    """The refusal of changing what can't change after it was made."""
    return invalid(
        f"{what} is there already with another {field}, which can't change.",
        field,
        remedy="Give it another name, or take it away first.",
    )


def _owned(account_id: str, text: str) -> tuple[str, str]:
    """An owner and a name: OWNER/NAME, or a name alone of one's own."""
    owner, slash, name = text.partition("/")
    return (owner, name) if slash and len(owner) == 12 and owner.isdigit() else (account_id, text)
