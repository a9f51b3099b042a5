"""Tables of organizations, units, accounts and invitations."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.tables import AccountId, Base, Key, UtcDateTime, one_of
from app.organizations.rules import FeatureSet, InvitationState


class OrganizationRow(Base):
    """One organization; `linked_at` and `discovery_enabled_at` hold for all of it, in every Region with support."""

    __tablename__ = "organization"
    __table_args__ = (one_of("feature_set", FeatureSet),)

    id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    organization_id: Mapped[str] = mapped_column(String(34), unique=True)
    master_account_id: Mapped[str] = mapped_column(AccountId, unique=True)
    feature_set: Mapped[str] = mapped_column(String(32))
    service_access_enabled: Mapped[bool] = mapped_column(default=False)
    linked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    discovery_enabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class OrganizationalUnitRow(Base):
    """A unit in an organization's tree; the root has no parent."""

    __tablename__ = "organizational_unit"
    __table_args__ = (UniqueConstraint("parent_id", "name"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    unit_id: Mapped[str] = mapped_column(String(68), unique=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"), index=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("organizational_unit.id"))
    name: Mapped[str] = mapped_column(String(128))


class AccountRow(Base):
    """An account; it is in at most one organization (OR-2). `id` serves paging and global ids.

    `closed_as`: the state in AWS of one that can't be used there, such as SUSPENDED.
    """

    __tablename__ = "account"
    __table_args__ = (Index(None, "organization_id", "id"), Index(None, "unit_id", "id"))

    id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    account_id: Mapped[str] = mapped_column(AccountId, unique=True)
    name: Mapped[str] = mapped_column(String(128))
    email: Mapped[str | None] = mapped_column(String(254))
    organization_id: Mapped[int | None] = mapped_column(ForeignKey("organization.id"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("organizational_unit.id"))
    closed_as: Mapped[str | None] = mapped_column(String(32))
    joined_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class FormerMemberRow(Base):
    """An account that left or was removed: what the link no longer reaches, and why (TR-9)."""

    __tablename__ = "former_member"

    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.account_id"), primary_key=True)
    left_at: Mapped[datetime] = mapped_column(UtcDateTime)


class AccountInvitationRow(Base):
    """An account asked to join."""

    __tablename__ = "account_invitation"
    __table_args__ = (one_of("state", InvitationState),)

    id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"), index=True)
    account_id: Mapped[str] = mapped_column(AccountId, index=True)
    state: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
