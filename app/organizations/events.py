"""What other slices do when a membership or trusted access changes, in the same transaction.

A slice appends its function to `on_membership_changed` when its service is imported; the composition root imports the
services in the order in which they must act. Each function is called after the change has been written. What every
account has from its first moment is added by `on_account_created`, with the account's own row.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from app.kernel.database import Transaction


class ChangeKind(StrEnum):
    """What changed."""

    JOINED = "JOINED"
    """An account was created in the organization or accepted its invitation; also the master that founds it."""
    LEFT = "LEFT"
    """An account left or was removed; it is in no organization now (OR-4)."""
    MOVED = "MOVED"
    """An account is in another unit of the same organization."""
    SERVICE_ACCESS = "SERVICE_ACCESS"
    """Trusted access was turned on or off, for every account (OR-3)."""


@dataclass(frozen=True, slots=True)
class MembershipChange:
    """A change of an organization; `account_id` is None where it concerns all of its accounts."""

    kind: ChangeKind
    organization_key: int
    account_id: str | None = None


on_membership_changed: list[Callable[[Transaction, MembershipChange], None]] = []
on_account_created: list[Callable[[Transaction, str], None]] = []


def tell(tx: Transaction, change: MembershipChange) -> None:
    """Let every registered slice follow a change."""
    tx.flush()
    for follow in on_membership_changed:
        follow(tx, change)
