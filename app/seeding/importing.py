"""Imports what the AWS CLI printed, in one unit of work: all of it, or nothing."""

from collections.abc import Callable
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

__all__ = ["import_gathered", "services"]


def import_gathered(tx: Transaction, gathered: Gathered, on_part: Callable[[], None] = lambda: None) -> Changes:
    """Take what was read as a difference to what is known; what that changed. Read twice, it changes nothing.

    Raises InputErrors that name the folder. `on_part` is called after each account's Region.
    """
    changes = Changes()
    for folder, organization in gathered.organizations:
        try:
            changes.include(organizations.apply(tx, organization))
        except DomainError as error:
            raise refused(folder, error) from error
    for folder, observation in gathered.observations:
        changes.include(_observe(tx, folder, observation))
        on_part()
    return changes


def _observe(tx: Transaction, folder: Path, observation: Observation) -> Changes:
    changes = Changes()
    try:
        tx.flush()
        if not account_exists(tx.connection, observation.account_id):
            create_standalone(tx, observation.account_id, observation.account_id)
            changes.note("accounts", Change.ADDED)
        changes.include(inventory.apply(tx, observation))
    except DomainError as error:
        raise refused(folder, error) from error
    return changes
