"""What other slices do when a role appears or goes, and what they know of that keeps a role from being deleted.

A slice appends its functions when its service is imported; the composition root imports the services.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from app.kernel.database import Transaction
from app.roles.rules import ServiceLinkedRoleKind


@dataclass(frozen=True, slots=True)
class RoleChange:
    """Roles of one kind that were created or deleted in some accounts, told after it has been written."""

    kind: ServiceLinkedRoleKind
    account_ids: Sequence[str]
    present: bool


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something that an account owns and that its core role is needed for (RO-3).

    `what` in the plural, such as "license configurations"; `count` of all, `node_ids` of the first 100 at most.
    """

    what: str
    count: int
    node_ids: tuple[str, ...]


on_role_changed: list[Callable[[Transaction, RoleChange], None]] = []
in_the_way: list[Callable[[Connection, str], Sequence[Obstacle]]] = []


def tell(tx: Transaction, change: RoleChange) -> None:
    """Let every registered slice follow a change."""
    tx.flush()
    for follow in on_role_changed:
        follow(tx, change)


def obstacles(connection: Connection, account_id: str) -> list[Obstacle]:
    """All that is in the way of deleting an account's core role."""
    return [obstacle for find in in_the_way for obstacle in find(connection, account_id) if obstacle.count]
