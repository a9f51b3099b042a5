"""Imports what the AWS CLI printed, in one unit of work: all of it, or nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from app import services
from app.inventory import observed as inventory
from app.inventory.observation import Observation
from app.kernel.changes import Change, Changes
from app.kernel.database import Transaction
from app.kernel.errors import DomainError
from app.organizations import observed as organizations
from app.organizations.accounts import create_standalone
from app.organizations.service import account_exists
from app.seeding.errors import refused
from app.seeding.files import Gathered
from app.seeding.operator import record

__all__ = ["import_gathered", "services"]


def import_gathered(tx: Transaction, gathered: Gathered, on_part: Callable[[], None] = lambda: None) -> Changes:
    """Take what was read as a difference to what is known; what that changed. Read twice, it changes nothing.

    Raises InputErrors that name the folder. `on_part` is called after each account's Region.
    """
    changes = Changes()
    for folder, organization in gathered.organizations:
        with _part(tx, folder, organization.master_account_id, "importOrganization", {}) as part:
            part.include(organizations.apply(tx, organization))
        changes.include(part)
    for folder, observation in gathered.observations:
        with _part(tx, folder, observation.account_id, "importInventory", {"region": observation.region}) as part:
            _observe(tx, observation, part)
        changes.include(part)
        on_part()
    return changes


def _observe(tx: Transaction, observation: Observation, changes: Changes) -> None:
    tx.flush()
    if not account_exists(tx.connection, observation.account_id):
        create_standalone(tx, observation.account_id, observation.account_id)
        changes.note("accounts", Change.ADDED)
    changes.include(inventory.apply(tx, observation))


@contextmanager
def _part(tx: Transaction, folder: Path, account_id: str, action: str, parameters: dict[str, str]) -> Iterator[Changes]:
    """What one folder changes, which leaves one record (AU-1); refusals are told with the folder."""
    tx.begin_action()
    changes = Changes()
    try:
        yield changes
    except DomainError as error:
        raise refused(folder, error) from error
    if changes:
        record(tx, account_id, action, parameters)
