"""What an operation is given, and how it is declared."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection

from app.aws.errors import AwsError, invalid_value
from app.kernel.database import Transaction
from app.kernel.errors import DomainError
from app.kernel.viewer import Permission, Viewer

Answer = dict[str, Any]
LONGEST_ARN = 2048


@dataclass(frozen=True, slots=True)
class Call:
    """Who calls, in which Region, and the members of the input, read by its shape."""

    viewer: Viewer
    region: str
    given: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Read(Call):
    """An operation that only reads."""

    connection: Connection


@dataclass(frozen=True, slots=True)
class Write(Call):
    """An operation that changes something, in one unit of work."""

    tx: Transaction

    @property
    def connection(self) -> Connection:
        """For the reads within; what was added is written first."""
        self.tx.flush()
        return self.tx.connection


C = TypeVar("C", Read, Write)


@dataclass(frozen=True, slots=True)
class Operation(Generic[C]):
    """One operation: what it needs of the caller, and what it does."""

    run: Callable[[C], Answer]
    needs: Permission
    core_role: bool


READS: dict[str, Operation[Read]] = {}
WRITES: dict[str, Operation[Write]] = {}


def reads(name: str, *, core_role: bool = True) -> Callable[[Callable[[Read], Answer]], Callable[[Read], Answer]]:
    """Declare an operation that reads; any permission suffices. `core_role`: whether AWS asks the core role of it."""

    def declare(run: Callable[[Read], Answer]) -> Callable[[Read], Answer]:
        READS[name] = Operation(run, Permission.AUDITOR, core_role)
        return run

    return declare


def writes(name: str) -> Callable[[Callable[[Write], Answer]], Callable[[Write], Answer]]:
    """Declare an operation that changes something, for administrators. The services ask for the core role."""

    def declare(run: Callable[[Write], Answer]) -> Callable[[Write], Answer]:
        WRITES[name] = Operation(run, Permission.ADMINISTRATOR, False)
        return run

    return declare


class Kept(DomainError):
    """A refusal of which something is kept: `keep` writes it once what the operation did is undone."""

    def __init__(self, refused: DomainError, keep: Callable[[Transaction], None]) -> None:
        super().__init__(*refused.refusals)
        self.keep = keep


def refuse_unsupported(given: dict[str, Any], *members: str) -> None:
    """Refuse members of later API versions that would have to change something; false and empty ask for nothing."""
    for member in members:
        if given.get(member):
            raise invalid_value(f"{member} is not supported here: leave it out.")


def arn_of_region(arn: str, region: str) -> str:
    """An ARN that the Region's endpoint can have; another Region's is refused by its text alone."""
    parts = arn.split(":", 5)
    if len(arn) > LONGEST_ARN or len(parts) != 6 or parts[0] != "arn":
        raise invalid_value(f"“{arn[:128]}” is not an ARN.")
    if parts[3] != region:
        raise invalid_value(f"{arn[:256]} is not found: it is of the Region “{parts[3][:32]}”, the call of {region}.")
    return arn


def unknown(arn: str) -> AwsError:
    """The answer to an ARN that names nothing, or nothing that the caller may see (PM-2)."""
    return invalid_value(f"{arn[:256]} is not found.")
