"""Who sees a license configuration or a share, as SQL that every slice puts in its own statements (PM-2, SH-3)."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select

from app.kernel.reads import Scope
from app.kernel.tables import table_of
from app.sharing.configurations import configurations
from app.sharing.models import ResourceShareRow, ShareInvitationRow, ShareItemRow, ShareReachRow
from app.sharing.reach import chunks
from app.sharing.rules import ResourceShareStatus
from app.sharing.store import Share

shares = table_of(ResourceShareRow)
invitations = table_of(ShareInvitationRow)


def shared_with(account_id: Any) -> Select[tuple[int]]:
    """The keys of the license configurations that are in force for an account through shares."""
    item, reach = table_of(ShareItemRow).alias(), table_of(ShareReachRow).alias()
    return (
        select(item.c.configuration_id)
        .join(reach, reach.c.share_id == item.c.share_id)
        .where(reach.c.account_id == account_id, reach.c.ended.is_(None), item.c.ended.is_(None))
    )


def sees_configuration(configuration: Any, scope: Scope) -> ColumnElement[bool]:
    """A license configuration is seen by its owner and by the accounts that a share of it reaches.

    `configuration` is an alias of a table with the columns `id` and `owner_account_id`.
    """
    return sees(configuration.c.id, configuration.c.owner_account_id, scope.viewer_account)


def sees(key: Any, owner_account_id: Any, viewer: Any) -> ColumnElement[bool]:
    """The same of any columns that hold a configuration's key and its owner, such as an alert's."""
    return or_(owner_account_id == viewer, key.in_(shared_with(viewer)))


def holds(share: Any, configuration: Any) -> ColumnElement[bool]:
    """Whether a share has a license configuration in it now."""
    item = table_of(ShareItemRow).alias()
    held = select(item.c.configuration_id).where(item.c.share_id == share.c.id, item.c.ended.is_(None))
    within: ColumnElement[bool] = configuration.c.id.in_(held.correlate(share))
    return within


def is_in(configuration: Any, share: Any) -> ColumnElement[bool]:
    """The same from the configuration's side: whether it is in an active share."""
    item = table_of(ShareItemRow).alias()
    holding = select(item.c.share_id).where(item.c.configuration_id == configuration.c.id, item.c.ended.is_(None))
    return and_(share.c.status == ResourceShareStatus.ACTIVE, share.c.id.in_(holding.correlate(configuration)))


def sees_share(share: Any, scope: Scope) -> ColumnElement[bool]:
    """A share is seen by its owner and by the accounts for which it is in force."""
    reach = table_of(ShareReachRow).alias()
    reaching = select(reach.c.share_id).where(reach.c.account_id == scope.viewer_account, reach.c.ended.is_(None))
    return or_(share.c.owner_account_id == scope.viewer_account, share.c.id.in_(reaching))


def sees_invitation(invitation: Any, scope: Scope) -> ColumnElement[bool]:
    """An invitation is seen by the invited account and by the share's owner."""
    share = shares.alias()
    own = select(share.c.id).where(share.c.owner_account_id == scope.viewer_account)
    return or_(invitation.c.account_id == scope.viewer_account, invitation.c.share_id.in_(own))


def share_seen(connection: Connection, share: Share, account_id: str) -> bool:
    """The same of one share and one account."""
    if share.owner_account_id == account_id:
        return True
    reach = table_of(ShareReachRow)
    mine = select(reach.c.id).where(reach.c.account_id == account_id, reach.c.ended.is_(None))
    return connection.execute(mine.where(reach.c.share_id == share.key)).first() is not None


def configurations_seen(
    connection: Connection, keys: Collection[int], account_ids: Collection[str]
) -> set[tuple[int, str]]:
    """Which of some accounts see which of some license configurations: their own and what shares give them.

    Pairs of key and account id, in two statements however many there are.
    """
    item, reach = table_of(ShareItemRow), table_of(ShareReachRow)
    wanted = set(account_ids)
    found = {
        (key, each.owner_account_id)
        for key, each in configurations(connection, keys).items()
        if each.owner_account_id in wanted
    }
    for some in chunks(keys):
        for accounts in chunks(wanted):
            rows = connection.execute(
                select(item.c.configuration_id, reach.c.account_id)
                .join(reach, reach.c.share_id == item.c.share_id)
                .where(
                    item.c.configuration_id.in_(some),
                    reach.c.account_id.in_(accounts),
                    item.c.ended.is_(None),
                    reach.c.ended.is_(None),
                )
            )
            found.update((row.configuration_id, row.account_id) for row in rows)
    return found
