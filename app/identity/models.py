"""Tables of credentials. No secret is ever stored as it was given out."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.tables import AccountId, Base, Key, UtcDateTime, one_of
from app.kernel.viewer import Permission


class ApiTokenRow(Base):
    """An API token: its first characters to recognise it by, and the SHA-256 of all of it."""

    __tablename__ = "api_token"
    __table_args__ = (one_of("permission", Permission), Index(None, "account_id"))

    id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    prefix: Mapped[str] = mapped_column(String(16))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(128))
    account_id: Mapped[str] = mapped_column(AccountId, ForeignKey("account.account_id"))
    permission: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class AccessKeyRow(Base):
    """An AWS-style access key; the secret is encrypted, since signatures are checked with the secret itself."""

    __tablename__ = "access_key"
    __table_args__ = (one_of("permission", Permission), Index(None, "account_id"))

    id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    access_key_id: Mapped[str] = mapped_column(String(32), unique=True)
    encrypted_secret: Mapped[str] = mapped_column(String(512))
    account_id: Mapped[str] = mapped_column(AccountId, ForeignKey("account.account_id"))
    permission: Mapped[str] = mapped_column(String(16))
    user_name: Mapped[str] = mapped_column(String(64))
    active: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
