"""Tables of resource shares, their invitations, and the sight that they grant."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.tables import AccountId, Base, Key, RegionCode, UtcDateTime, one_of
from app.organizations.rules import InvitationState
from app.sharing.rules import ResourceShareStatus


class ResourceShareRow(Base):
    """A share (SH-1). `managed` marks the one that linking made (ST-3)."""

    __tablename__ = "resource_share"
    __table_args__ = (one_of("status", ResourceShareStatus), Index(None, "owner_account_id", "region", "id"))

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
    """A license configuration in a share. No foreign key across slices: the configuration's deletion takes it out."""

    __tablename__ = "resource_share_item"
    __table_args__ = (Index(None, "configuration_id"),)

    share_id: Mapped[int] = mapped_column(ForeignKey("resource_share.id"), primary_key=True)
    configuration_id: Mapped[int] = mapped_column(Key, primary_key=True)


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


class LicenseGrantRow(Base):
    """That an account sees a license configuration which is not its own; kept when it ends (TR-8).

    Worked out anew whenever a share, a membership, a link or a role changes, in the same transaction, so that sight is
    one indexed look-up in every query.
    """

    __tablename__ = "license_grant"
    __table_args__ = (Index(None, "account_id", "in_force", "configuration_id"),)

    configuration_id: Mapped[int] = mapped_column(Key, primary_key=True)
    account_id: Mapped[str] = mapped_column(AccountId, primary_key=True)
    share_id: Mapped[int] = mapped_column(ForeignKey("resource_share.id"))
    in_force: Mapped[bool]
    granted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
