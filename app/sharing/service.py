"""What the other slices ask of sharing, and what sharing does when organizations and roles change."""

from app.kernel.database import Transaction
from app.kernel.ids import node_id
from app.kernel.tagging import Taggable, Tags, taggable
from app.kernel.viewer import Viewer
from app.organizations import events as organization_events
from app.organizations.locks import hold
from app.organizations.service import members
from app.roles import events as role_events
from app.roles.rules import ServiceLinkedRoleKind
from app.sharing import shares, store
from app.sharing.configurations import ConfigurationFacts, provide
from app.sharing.history import has
from app.sharing.invitations import accept_for, end_between, open_for
from app.sharing.managed import share_with_members
from app.sharing.reach import follow_account, follow_organization, follow_shares
from app.sharing.sight import configurations_seen, is_in, sees, sees_configuration, shared_with


def configuration_deleted(tx: Transaction, configuration_key: int) -> None:
    """Take a license configuration that is deleted out of its shares (LC-11)."""
    store.end_items(tx, store.items.c.configuration_id == configuration_key)


def _follow_membership(tx: Transaction, change: organization_events.MembershipChange) -> None:
    """Sight follows who is where, and trusted access, in the same transaction (OR-3, OR-4)."""
    if change.account_id is None:
        follow_organization(tx, change.organization_key)
        return
    if change.kind is organization_events.ChangeKind.LEFT:
        others = [each.account_id for each in members(tx.connection, change.organization_key)]
        end_between(tx, change.account_id, others)
    follow_account(tx, change.account_id)


def _follow_role(tx: Transaction, change: role_events.RoleChange) -> None:
    """A member role that appears accepts what is open for its account (SH-2, RO-5)."""
    if change.kind is not ServiceLinkedRoleKind.MEMBER_ACCOUNT or not change.present:
        return
    for share_key, accounts in sorted(open_for(tx, change.account_ids).items()):
        share = store.load(tx.connection, share_key)
        if share is not None and share.active:
            owner = hold(tx, share.owner_account_id)
            accept_for(tx, share, owner, accounts)
            follow_shares(tx, [share_key])


def _open_tags(tx: Transaction, viewer: Viewer, key: int) -> Tags:
    """The tags of a share of the caller's account, held: one of them decides who may change the share (SH-1)."""
    hold(tx, viewer.account_id)
    shares.own_share(tx, viewer, node_id("share", key), "id")
    return store.tags_of(tx.connection, key)


taggable("share", Taggable(_open_tags, store.store_tags))
organization_events.on_membership_changed.append(_follow_membership)
role_events.on_role_changed.append(_follow_role)

__all__ = [
    "ConfigurationFacts",
    "configuration_deleted",
    "configurations_seen",
    "follow_organization",
    "has",
    "is_in",
    "provide",
    "sees",
    "sees_configuration",
    "share_with_members",
    "shared_with",
]
