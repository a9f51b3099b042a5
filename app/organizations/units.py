"""Organizational units: a tree with one root, five levels under it at most (OR-1)."""

from sqlalchemy import select

from app.kernel.database import Transaction
from app.kernel.errors import DomainError, ErrorCode, Refusal, invalid, not_found
from app.kernel.ids import check_text, key_of, new_hex, new_key, node_id
from app.kernel.tables import table_of
from app.kernel.viewer import Viewer
from app.organizations.locks import lock
from app.organizations.models import OrganizationalUnitRow
from app.organizations.rules import MAX_UNIT_DEPTH, ROOT_NAME
from app.organizations.service import path, require_master, units_of

units = table_of(OrganizationalUnitRow)


def create(tx: Transaction, viewer: Viewer, name: str, parent_id: str | None) -> int:
    """The master makes a unit under another, or under the root; names are unique among siblings. Returns its key."""
    check_text(name, "A unit's name", 128, "input", "name")
    master = require_master(tx.connection, viewer.account_id)
    lock(tx, master.organization_key)
    parent = unit_in(tx, master.organization_key, parent_id, "input", "parentId")
    above = path(tx.connection, parent)
    if len(above) > MAX_UNIT_DEPTH:
        raise invalid(
            f"Units nest {MAX_UNIT_DEPTH} levels under the root; this parent is on the last.",
            "input",
            "parentId",
            remedy="Name a parent that is nearer to the root.",
            rule="OR-1",
        )
    _check_free(tx, parent, name)
    tx.concern(master.organization.arn, master.account_id)
    suffix = above[-1].unit_id.removeprefix("r-")
    return add(tx, master.organization_key, parent, name, f"ou-{suffix}-{new_hex(12)}")


def add_root(tx: Transaction, organization_key: int, unit_id: str | None = None) -> int:
    """Write an organization's root; its id is made unless given. Returns its key."""
    return add(tx, organization_key, None, ROOT_NAME, unit_id or f"r-{new_hex(10)}")


def add(tx: Transaction, organization_key: int, parent: int | None, name: str, unit_id: str) -> int:
    """Write a unit; returns its key."""
    key = new_key()
    tx.add(
        units,
        {"id": key, "unit_id": unit_id, "organization_id": organization_key, "parent_id": parent, "name": name},
    )
    return key


def unit_in(tx: Transaction, organization_key: int, global_id: str | None, *field: str) -> int:
    """The key of a unit of an organization by its global id, the root where none is given; else NOT_FOUND."""
    tree = units_of(tx.connection, organization_key)
    if global_id is None:
        return next(unit.key for unit in tree.values() if unit.parent is None)
    key = key_of(global_id, "ou", "The organizational unit", *field)
    if key not in tree:
        raise not_found("The organizational unit", *field)
    return key


def _check_free(tx: Transaction, parent: int, name: str) -> None:
    taken = tx.execute(select(units.c.id).where(units.c.parent_id == parent, units.c.name == name)).scalar()
    if taken is not None:
        raise DomainError(
            Refusal(
                code=ErrorCode.CONFLICT,
                message=f"The parent has a unit named “{name}” already.",
                remedy="Choose another name.",
                rule="OR-1",
                field=("input", "name"),
                node_ids=(node_id("ou", taken),),
            )
        )
