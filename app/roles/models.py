"""The table of service-linked roles."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.tables import AccountId, Base, Json, Key, UtcDateTime, one_of
from app.roles.rules import ServiceLinkedRoleKind


class ServiceLinkedRoleRow(Base):
    """A role that an account holds. The policy is kept with it: what it grants is what is asked (RO-6)."""

    __tablename__ = "service_linked_role"
    __table_args__ = (UniqueConstraint("account_id", "kind"), one_of("kind", ServiceLinkedRoleKind))

    id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    account_id: Mapped[str] = mapped_column(AccountId, ForeignKey("account.account_id"))
    kind: Mapped[str] = mapped_column(String(32))
    arn: Mapped[str] = mapped_column(String(256))
    name: Mapped[str] = mapped_column(String(128))
    trusted_service: Mapped[str] = mapped_column(String(128))
    description: Mapped[str | None] = mapped_column(String(1000))
    policy: Mapped[dict[str, object]] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
