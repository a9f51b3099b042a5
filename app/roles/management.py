"""What an account does with its service-linked roles: create by service name, describe, delete (RO-1 to RO-5)."""

from typing import Any

from sqlalchemy import Connection, delete, select, update

from app.kernel.checks import Check, require
from app.kernel.database import Transaction
from app.kernel.errors import DomainError, ErrorCode, Refusal, invalid, not_found
from app.kernel.ids import check_text, key_of, node_id
from app.kernel.tables import table_of
from app.kernel.viewer import Viewer
from app.organizations.locks import lock
from app.organizations.rules import AccountRole
from app.organizations.service import membership
from app.roles import events
from app.roles.models import ServiceLinkedRoleRow
from app.roles.rules import Definition, ServiceLinkedRoleKind, allowed_in, definition_of, definitions
from app.roles.service import add

roles = table_of(ServiceLinkedRoleRow)
MAX_DESCRIPTION = 1000


def create(tx: Transaction, viewer: Viewer, service_name: str, description: str | None) -> int:
    """Create a role by the name of the service that it trusts (RO-2). Returns its key."""
    if description is not None:
        check_text(description, "A role's description", MAX_DESCRIPTION, "input", "description", minimum=0)
    definition = definition_of(service_name)
    if definition is None:
        raise invalid(
            f"“{service_name[:100]}” is not a service with a role here.",
            "input",
            "serviceName",
            remedy="One of: " + ", ".join(each.trusted_service for each in definitions().values()) + ".",
            rule="RO-1",
        )
    _check_allowed(tx.connection, viewer.account_id, definition)
    _check_absent(tx.connection, viewer.account_id, definition)
    key = add(tx, viewer.account_id, definition.kind, description)
    events.tell(tx, events.RoleChange(definition.kind, [viewer.account_id], present=True))
    return key


def describe(tx: Transaction, viewer: Viewer, role_id: str, description: str) -> int:
    """Edit a role's description; nothing else of it can change (RO-1). Returns its key."""
    check_text(description, "A role's description", MAX_DESCRIPTION, "input", "description", minimum=0)
    role = own_role(tx.connection, viewer.account_id, role_id, "input", "id")
    tx.concern(role.arn, role.account_id)
    tx.execute(update(roles).where(roles.c.id == role.id).values(description=description))
    key: int = role.id
    return key


def remove(tx: Transaction, viewer: Viewer, role_id: str) -> str:
    """Delete a role where nothing is in the way (RO-3, RO-4). Returns its global id."""
    role = own_role(tx.connection, viewer.account_id, role_id, "id")
    kind = ServiceLinkedRoleKind(role.kind)
    tx.concern(role.arn, role.account_id)
    _hold(tx, role.account_id, role.id, kind)
    require(delete_checks(tx.connection, role.account_id, kind))
    tx.execute(delete(roles).where(roles.c.id == role.id))
    events.tell(tx, events.RoleChange(kind, [role.account_id], present=False))
    return role_id


def _hold(tx: Transaction, account_id: str, key: int, kind: ServiceLinkedRoleKind) -> None:
    """Let no one begin to need the role between its checks and its deletion: see `require_core` and `mark_linked`."""
    own = membership(tx.connection, account_id)
    if kind is ServiceLinkedRoleKind.MASTER_ACCOUNT and own is not None:
        lock(tx, own.organization_key)
    tx.execute(select(roles.c.id).where(roles.c.id == key).with_for_update())


def own_role(connection: Connection, account_id: str, role_id: str, *field: str) -> Any:
    """The row of an account's own role; ACCESS_DENIED for one that its master sees, NOT_FOUND for any other."""
    key = key_of(role_id, "role", "The service-linked role", *field)
    row = connection.execute(select(roles).where(roles.c.id == key)).one_or_none()
    if row is None:
        raise not_found("The service-linked role", *field)
    if row.account_id != account_id:
        holder = membership(connection, row.account_id)
        if holder is None or holder.master_account_id != account_id:
            raise not_found("The service-linked role", *field)
        raise DomainError(
            Refusal(
                code=ErrorCode.ACCESS_DENIED,
                message=f"The role belongs to account {row.account_id}; only that account changes or deletes it.",
                remedy=f"Ask an administrator of account {row.account_id}.",
                rule="RO-4",
                field=field,
                account_id=row.account_id,
                node_ids=(role_id,),
            )
        )
    return row


def delete_checks(connection: Connection, account_id: str, kind: ServiceLinkedRoleKind) -> list[Check]:
    """What deleting a role asks: the core role goes last and unused, the master role after the link."""
    match kind:
        case ServiceLinkedRoleKind.CORE:
            return [*_others_gone(connection, account_id), *_nothing_owned(connection, account_id)]
        case ServiceLinkedRoleKind.MASTER_ACCOUNT:
            return [_not_linked(connection, account_id)]
        case ServiceLinkedRoleKind.MEMBER_ACCOUNT:
            return [Check("RO-4", "A member may always delete its own member role")]


def _others_gone(connection: Connection, account_id: str) -> list[Check]:
    rows = connection.execute(
        select(roles.c.id, roles.c.name).where(
            roles.c.account_id == account_id, roles.c.kind != ServiceLinkedRoleKind.CORE
        )
    ).all()
    names = " and ".join(row.name for row in rows)
    refusal = Refusal(
        code=ErrorCode.ROLE_IN_USE,
        message=f"The core role is deleted last; the account still has {names}.",
        remedy=f"Delete {names} first.",
        rule="RO-3",
        account_id=account_id,
        node_ids=tuple(node_id("role", row.id) for row in rows),
    )
    return [Check("RO-3", "The master and member roles are deleted before the core role", refusal if rows else None)]


def _nothing_owned(connection: Connection, account_id: str) -> list[Check]:
    description = "The account owns nothing that the core role is needed for"
    found = events.obstacles(connection, account_id)
    refused = [
        Refusal(
            code=ErrorCode.ROLE_IN_USE,
            message=f"The account still owns {each.count} {each.what}.",
            remedy="Disassociate all resources, then delete the license configurations.",
            rule="RO-3",
            account_id=account_id,
            node_ids=each.node_ids,
        )
        for each in found
    ]
    return [Check("RO-3", description, refusal) for refusal in refused] or [Check("RO-3", description)]


def _not_linked(connection: Connection, account_id: str) -> Check:
    description = "The master role is not deleted while the organization is linked"
    own = membership(connection, account_id)
    if own is None or not own.is_master or own.linked_at is None:
        return Check("RO-4", description)
    for_good = own.discovery_enabled_at is not None
    return Check(
        "RO-4",
        description,
        Refusal(
            code=ErrorCode.ROLE_IN_USE,
            message=f"Organization {own.organization_id} is linked, and the link works through this role.",
            remedy="The role stays: with discovery across accounts on, the link can't be undone."
            if for_good
            else "Undo the link first: updateServiceSettings with linkOrganization false.",
            rule="RO-4",
            account_id=account_id,
        ),
    )


def _check_allowed(connection: Connection, account_id: str, definition: Definition) -> None:
    own = membership(connection, account_id)
    role = AccountRole.STANDALONE if own is None else own.role
    if not allowed_in(definition.kind, role):
        wanted = "master" if definition.kind is ServiceLinkedRoleKind.MASTER_ACCOUNT else "member"
        raise DomainError(
            Refusal(
                code=ErrorCode.ROLE_NOT_ALLOWED,
                message=f"{definition.name} is for a {wanted} account of an organization; "
                f"account {account_id} is {role.lower()}.",
                remedy="Create it in such an account.",
                rule="RO-2",
                field=("input", "serviceName"),
                account_id=account_id,
            )
        )


def _check_absent(connection: Connection, account_id: str, definition: Definition) -> None:
    there = select(roles.c.id).where(roles.c.account_id == account_id, roles.c.kind == definition.kind)
    key = connection.execute(there).scalar()
    if key is not None:
        raise DomainError(
            Refusal(
                code=ErrorCode.CONFLICT,
                message=f"The account has {definition.name} already.",
                remedy="There is nothing to do.",
                rule="RO-2",
                account_id=account_id,
                node_ids=(node_id("role", key),),
            )
        )
