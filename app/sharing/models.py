"""Tables of resource shares, their invitations, and the accounts that they reach."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.tables import AccountId, Base, Key, RegionCode, UtcDateTime, one_of
from app.organizations.rules import InvitationState
from app.sharing.rules import ResourceShareStatus

_MANAGED = text("managed AND status = 'ACTIVE'")
_PRESENT = text("ended IS NULL")


class ResourceShareRow(Base):
    """A share (SH-1). `managed` marks the one of its Region that the service made for the organization (ST-3)."""

    __tablename__ = "resource_share"
    __table_args__ = (
        one_of("status", ResourceShareStatus),
        Index(None, "owner_account_id", "region", "id"),
        Index(
            "uq_resource_share_managed",
            "owner_account_id",
            "region",
            unique=True,
            sqlite_where=_MANAGED,
            postgresql_where=_MANAGED,
        ),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    arn: Mapped[str] = mapped_column(String(256), unique=True)
    name: Mapped[str] = mapped_column(String(128))
    owner_account_id: Mapped[str] = mapped_column(AccountId, ForeignKey("account.account_id"))
    region: Mapped[str] = mapped_column(RegionCode)
    status: Mapped[str] = mapped_column(String(16))
    allow_external_principals: Mapped[bool]
    managed: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ShareItemRow(Base):
    """A license configuration in a share. `ended` is a key made when it was taken out: keys order what was when.

    No foreign key across slices: the configuration's deletion takes it out.
    """

    __tablename__ = "resource_share_item"
    __table_args__ = (
        Index(
            "uq_resource_share_item_present",
            "share_id",
            "configuration_id",
            unique=True,
            sqlite_where=_PRESENT,
            postgresql_where=_PRESENT,
        ),
        Index(None, "configuration_id"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    share_id: Mapped[int] = mapped_column(ForeignKey("resource_share.id"))
    configuration_id: Mapped[int] = mapped_column(Key)
    ended: Mapped[int | None] = mapped_column(Key)


class SharePrincipalRow(Base):
    """An account id, a unit id or an organization id that a share is meant for."""

    __tablename__ = "resource_share_principal"
    __table_args__ = (Index(None, "principal"),)

    share_id: Mapped[int] = mapped_column(ForeignKey("resource_share.id"), primary_key=True)
    principal: Mapped[str] = mapped_column(String(68), primary_key=True)


class ShareTagRow(Base):
    """A tag of a share."""

    __tablename__ = "resource_share_tag"

    share_id: Mapped[int] = mapped_column(ForeignKey("resource_share.id"), primary_key=True)
    key: Mapped[str] = mapped_column(String(128), primary_key=True)
    value: Mapped[str] = mapped_column(String(256))


class ShareInvitationRow(Base):
    """An account outside the linked organization, asked whether it takes a share (SH-2)."""

    __tablename__ = "resource_share_invitation"
    __table_args__ = (UniqueConstraint("share_id", "account_id"), one_of("state", InvitationState))

    id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    share_id: Mapped[int] = mapped_column(ForeignKey("resource_share.id"))
    account_id: Mapped[str] = mapped_column(AccountId, index=True)
    state: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ShareReachRow(Base):
    """That a share is in force for an account; kept when it ends (TR-8), `ended` as in ShareItemRow.

    Worked out anew whenever a share, a membership, a link or trusted access changes, in the same transaction, so that
    sight is one indexed look-up in every query: an account sees what is in the shares that reach it. A share of 50
    configurations that reaches 1,000 accounts costs 1,050 rows, not 50,000.

    `organization_id`: the key of the organization that the owner and the account were in together, if any. `invited`:
    by an accepted invitation, not by the organization's link.
    """

    __tablename__ = "resource_share_reach"
    __table_args__ = (
        Index(
            "uq_resource_share_reach_present",
            "share_id",
            "account_id",
            unique=True,
            sqlite_where=_PRESENT,
            postgresql_where=_PRESENT,
        ),
        Index(None, "account_id", "ended", "share_id"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    share_id: Mapped[int] = mapped_column(ForeignKey("resource_share.id"))
    account_id: Mapped[str] = mapped_column(AccountId)
    organization_id: Mapped[int | None] = mapped_column(Key)
    invited: Mapped[bool]
    ended: Mapped[int | None] = mapped_column(Key)
