"""Tables of resources: images, launch templates, Dedicated Hosts, instances and managed instances, in one.

One table for what can carry licenses, so that search, pages and associations read one index whatever the kinds.
"""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import TypeEngine

from app.compute.folding import folds, version_key_of
from app.compute.rules import InstanceState, LaunchMechanism, ResourceType, Tenancy
from app.kernel.tables import AccountId, Base, Json, Key, RegionCode, UtcDateTime, one_of

_THERE = text("gone_at IS NULL")
_CAPTURED = text("captured_at IS NOT NULL")
_WITH_NAME = text("name_folded IS NOT NULL")
_NAMED = text("type IN ('IMAGE', 'LAUNCH_TEMPLATE') AND gone_at IS NULL")


def _folded(length: int) -> TypeEngine[str]:
    """A text that compares by code points on both databases; folding makes some letters three."""
    return String(3 * length).with_variant(String(3 * length, collation="C"), "postgresql")


class ResourceRow(Base):
    """A resource; which columns hold something depends on its type. `gone_at`: deregistered, released or purged.

    Cores, vCPUs and sockets: an instance's as customised, a host's physical ones, a managed instance's as reported.
    The folded columns are searched; they follow from the others when a row is written, and are changed with them.
    """

    __tablename__ = "resource"
    __table_args__ = (
        one_of("type", ResourceType),
        one_of("state", InstanceState, nullable=True),
        one_of("tenancy", Tenancy, nullable=True),
        one_of("mechanism", LaunchMechanism, nullable=True),
        CheckConstraint(
            "type <> 'INSTANCE' OR (instance_type IS NOT NULL AND state IS NOT NULL AND tenancy IS NOT NULL"
            " AND mechanism IS NOT NULL AND vcpus IS NOT NULL AND cores IS NOT NULL AND threads_per_core IS NOT NULL)",
            name="instance_complete",
        ),
        UniqueConstraint("account_id", "region", "type", "resource_id"),
        Index(None, "account_id", "region", "id", sqlite_where=_THERE, postgresql_where=_THERE),
        Index(None, "account_id", "id", sqlite_where=_THERE, postgresql_where=_THERE),
        Index(None, "type", "id", sqlite_where=_THERE, postgresql_where=_THERE),
        Index(
            "uq_resource_name",
            "account_id",
            "region",
            "type",
            "name",
            unique=True,
            sqlite_where=_NAMED,
            postgresql_where=_NAMED,
        ),
        Index(None, "host_id"),
        Index(None, "resource_id_folded", "id", sqlite_where=_THERE, postgresql_where=_THERE),
        Index(None, "name_folded", "id", sqlite_where=_WITH_NAME, postgresql_where=_WITH_NAME),
        Index(None, "platform_folded", "id", sqlite_where=_THERE, postgresql_where=_THERE),
        Index(None, "instance_type", "id", sqlite_where=_THERE, postgresql_where=_THERE),
        Index(None, "active", "captured_at", sqlite_where=_CAPTURED, postgresql_where=_CAPTURED),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    type: Mapped[str] = mapped_column(String(16))
    arn: Mapped[str] = mapped_column(String(512))
    resource_id: Mapped[str] = mapped_column(String(128))
    resource_id_folded: Mapped[str] = mapped_column(_folded(128), default=folds("resource_id"))
    account_id: Mapped[str] = mapped_column(AccountId, ForeignKey("account.account_id"))
    region: Mapped[str] = mapped_column(RegionCode)
    name: Mapped[str | None] = mapped_column(String(255))
    name_folded: Mapped[str | None] = mapped_column(_folded(255), default=folds("name"))
    platform: Mapped[str | None] = mapped_column(String(128))
    platform_folded: Mapped[str | None] = mapped_column(_folded(128), default=folds("platform"))
    product_code: Mapped[str | None] = mapped_column(String(128))
    instance_type: Mapped[str | None] = mapped_column(String(64))
    instance_family: Mapped[str | None] = mapped_column(String(64))
    image_id: Mapped[int | None] = mapped_column(Key)
    launch_template_id: Mapped[int | None] = mapped_column(Key)
    host_id: Mapped[int | None] = mapped_column(Key)
    tenancy: Mapped[str | None] = mapped_column(String(32))
    state: Mapped[str | None] = mapped_column(String(16))
    mechanism: Mapped[str | None] = mapped_column(String(16))
    vcpus: Mapped[int | None]
    cores: Mapped[int | None]
    threads_per_core: Mapped[int | None]
    sockets: Mapped[int | None]
    active: Mapped[bool] = mapped_column(default=True)
    launched_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    captured_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    gone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ResourceTagRow(Base):
    """A tag of a resource."""

    __tablename__ = "resource_tag"
    __table_args__ = (Index(None, "key", "value_folded", "resource_id"),)

    resource_id: Mapped[int] = mapped_column(ForeignKey("resource.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(String(128), primary_key=True)
    value: Mapped[str] = mapped_column(String(256))
    value_folded: Mapped[str] = mapped_column(_folded(256), default=folds("value"))


class ApplicationRow(Base):
    """Software found on a managed instance. `version_key` sorts as versions do."""

    __tablename__ = "application"
    __table_args__ = (
        Index(None, "resource_id"),
        Index(None, "name_folded", "resource_id"),
        Index(None, "publisher_folded", "resource_id"),
        Index(None, "version_key", "resource_id"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    resource_id: Mapped[int] = mapped_column(ForeignKey("resource.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(256))
    name_folded: Mapped[str] = mapped_column(_folded(256), default=folds("name"))
    version: Mapped[str | None] = mapped_column(String(128))
    version_key: Mapped[str | None] = mapped_column(_folded(256), default=version_key_of("version"))
    publisher: Mapped[str | None] = mapped_column(String(256))
    publisher_folded: Mapped[str | None] = mapped_column(_folded(256), default=folds("publisher"))


class SearchWordRow(Base):
    """A folded text that occurs: an application's name, a publisher, a resource's name, or the value of a tag's key.

    It is written with the first row that has it, and its trigrams are indexed: what contains a part of a word is then
    found by the few different words, not by all rows. `kind` is a Word.
    """

    __tablename__ = "search_word"
    __table_args__ = (UniqueConstraint("text", "kind", "key"), Index(None, "kind", "key"))

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    key: Mapped[str] = mapped_column(String(128))
    text: Mapped[str] = mapped_column(_folded(256))


class ImageShareRow(Base):
    """That an image's owner lets another account see and launch it (EN-8)."""

    __tablename__ = "image_share"
    __table_args__ = (Index(None, "account_id"),)

    image_id: Mapped[int] = mapped_column(ForeignKey("resource.id", ondelete="CASCADE"), primary_key=True)
    account_id: Mapped[str] = mapped_column(AccountId, primary_key=True)


class LaunchRequestRow(Base):
    """A launch that went through under a client token: what was asked and what it started (EN-12)."""

    __tablename__ = "launch_request"

    account_id: Mapped[str] = mapped_column(AccountId, primary_key=True)
    region: Mapped[str] = mapped_column(RegionCode, primary_key=True)
    client_token: Mapped[str] = mapped_column(String(64), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    result: Mapped[dict[str, object]] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
