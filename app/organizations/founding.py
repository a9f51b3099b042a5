"""An organization founded by its master, its feature set, and License Manager's trusted access (OR-1, OR-3)."""

from sqlalchemy import select, update

from app.kernel.database import Transaction
from app.kernel.errors import DomainError
from app.kernel.ids import new_hex, new_key
from app.kernel.tables import table_of
from app.kernel.viewer import Viewer
from app.organizations import events
from app.organizations.accounts import already_in_organization, enter
from app.organizations.models import AccountRow, OrganizationRow
from app.organizations.rules import FeatureSet
from app.organizations.service import require_master
from app.organizations.units import add_root

accounts = table_of(AccountRow)
organizations = table_of(OrganizationRow)


def create_organization(tx: Transaction, viewer: Viewer, feature_set: FeatureSet) -> int:
    """The caller founds an organization and is its master account; refused in another one. Returns its key."""
    return found(tx, viewer.account_id, feature_set)


def found(
    tx: Transaction,
    master_account_id: str,
    feature_set: FeatureSet,
    *,
    organization_id: str | None = None,
    root_id: str | None = None,
) -> int:
    """Write an organization with its root and its master account; ids are made unless given. Returns its key."""
    own = accounts.c.account_id == master_account_id
    if tx.execute(select(accounts.c.organization_id).where(own)).scalar() is not None:
        raise DomainError(already_in_organization(master_account_id))
    key = new_key()
    tx.add(
        organizations,
        {
            "id": key,
            "organization_id": organization_id or f"o-{new_hex(10)}",
            "master_account_id": master_account_id,
            "feature_set": feature_set,
            "service_access_enabled": False,
            "linked_at": None,
            "discovery_enabled_at": None,
            "created_at": tx.now,
        },
    )
    enter(tx, key, add_root(tx, key, root_id), master_account_id)
    return key


def enable_all_features(tx: Transaction, viewer: Viewer) -> int:
    """The master enables all features, for good; done already, it stays so (OR-1). Returns the organization's key."""
    master = require_master(tx.connection, viewer.account_id)
    tx.concern(master.organization.arn, master.account_id)
    own = organizations.c.id == master.organization_key
    tx.execute(update(organizations).where(own).values(feature_set=FeatureSet.ALL))
    return master.organization_key


def set_service_access(tx: Transaction, viewer: Viewer, *, enabled: bool) -> int:
    """The master turns trusted access on or off; nobody is told where it was so already (OR-3)."""
    master = require_master(tx.connection, viewer.account_id, "OR-3")
    tx.concern(master.organization.arn, master.account_id)
    differs = organizations.c.service_access_enabled.is_not(enabled)
    own = organizations.c.id == master.organization_key
    done = tx.execute(update(organizations).where(own, differs).values(service_access_enabled=enabled))
    if done.rowcount:
        events.tell(tx, events.MembershipChange(events.ChangeKind.SERVICE_ACCESS, master.organization_key))
    return master.organization_key
