"""What the other slices ask of roles: is one there, and does its policy grant the very action (RO-6)?"""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, String, bindparam, cast, select

from app.kernel.database import Transaction
from app.kernel.errors import DomainError
from app.kernel.ids import new_key
from app.kernel.regions import region as region_of
from app.kernel.tables import table_of
from app.kernel.viewer import Permission, Viewer
from app.roles import events
from app.roles.models import ServiceLinkedRoleRow
from app.roles.policies import Policy, Request, parse_text
from app.roles.policies import grants as policy_grants
from app.roles.rules import GrantAnswer, ServiceLinkedRoleKind, definitions, role_missing

roles = table_of(ServiceLinkedRoleRow)
_ACCOUNTS_AT_ONCE = 20_000  # databases bound the parameters of a statement


def grants(
    connection: Connection,
    account_id: str,
    kind: ServiceLinkedRoleKind,
    action: str,
    resource_arn: str,
    *,
    region: str,
    context_tags: Mapping[str, str] = {},
) -> GrantAnswer:
    """Whether a role in an account grants an action, such as ssm:GetInventory, on a resource (RO-6, RO-7).

    `context_tags` are whole condition keys: `aws:RequestTag/Service` of what is being made, `ram:ResourceTag/Service`
    of a share that is there.
    """
    return grants_of_many(
        connection, [account_id], kind, action, resource_arn, region=region, context_tags=context_tags
    )[account_id]


def grants_of_many(
    connection: Connection,
    account_ids: Sequence[str],
    kind: ServiceLinkedRoleKind,
    action: str,
    resource_arn: str,
    *,
    region: str,
    context_tags: Mapping[str, str] = {},
) -> dict[str, GrantAnswer]:
    """The same for many accounts, each by its own role, in one statement; equal policies are judged once."""
    supported = region_of(region).supports_service_linked_roles
    request = Request(action, resource_arn, context_tags)
    texts = _policies(connection, account_ids, kind)
    judged = {text: policy_grants(parse_text(text), request) for text in set(texts.values())}
    return {
        each: GrantAnswer(
            account_id=each,
            kind=kind,
            action=action,
            resource_arn=resource_arn,
            region=region,
            role_present=each in texts,
            region_supported=supported,
            policy_grants=each in texts and judged[texts[each]],
        )
        for each in account_ids
    }


def policies_of(connection: Connection, account_ids: Sequence[str], kind: ServiceLinkedRoleKind) -> dict[str, Policy]:
    """The policy of a role by account, for whoever asks it of many resources; an account without it is left out."""
    return {each: parse_text(text) for each, text in _policies(connection, account_ids, kind).items()}


def _policies(connection: Connection, account_ids: Sequence[str], kind: ServiceLinkedRoleKind) -> dict[str, str]:
    """The policy's text by account; an account without the role is left out."""
    found: dict[str, str] = {}
    for start in range(0, len(account_ids), _ACCOUNTS_AT_ONCE):
        some = account_ids[start : start + _ACCOUNTS_AT_ONCE]
        rows = connection.execute(
            select(roles.c.account_id, cast(roles.c.policy, String).label("policy")).where(
                roles.c.kind == kind, roles.c.account_id.in_(some)
            )
        )
        found.update((row.account_id, row.policy) for row in rows)
    return found


def present(connection: Connection, account_id: str, kind: ServiceLinkedRoleKind) -> bool:
    """Whether an account has a role."""
    statement = select(roles.c.id).where(roles.c.account_id == account_id, roles.c.kind == kind)
    return connection.execute(statement).first() is not None


def present_in(connection: Connection, account_ids: Sequence[str], kind: ServiceLinkedRoleKind) -> set[str]:
    """Those of many accounts that have a role, in one statement."""
    found: set[str] = set()
    for start in range(0, len(account_ids), _ACCOUNTS_AT_ONCE):
        some = account_ids[start : start + _ACCOUNTS_AT_ONCE]
        statement = select(roles.c.account_id).where(roles.c.kind == kind, roles.c.account_id.in_(some))
        found.update(connection.execute(statement).scalars())
    return found


# Asked by almost every act: made once.
_CORE = select(roles.c.id).where(
    roles.c.account_id == bindparam("account"), roles.c.kind == ServiceLinkedRoleKind.CORE.value
)
_HELD_CORE = _CORE.with_for_update(read=True, key_share=True)


def core_role(account_id: str, agent: str) -> Viewer:
    """An account's core role as it acts itself, where no one called: what discovery finds is put in by it."""
    role = definitions()[ServiceLinkedRoleKind.CORE]
    return Viewer(account_id, role.arn(account_id), Permission.ADMINISTRATOR, role.name, agent)


def require_core(connection: Connection, account_id: str, *, hold: bool = False) -> None:
    """Refuse with ROLE_MISSING where an account has not yet granted License Manager its core role (RO-2).

    With `hold`, the role can't be deleted before the unit of work ends: for those that make what keeps it (RO-3).
    """
    if connection.execute(_HELD_CORE if hold else _CORE, {"account": account_id}).first() is None:
        raise DomainError(role_missing(account_id, ServiceLinkedRoleKind.CORE))


def ensure(tx: Transaction, account_id: str, kind: ServiceLinkedRoleKind) -> None:
    """Create a role where the account does not have it; its place in the organization is not asked."""
    ensure_many(tx, [account_id], kind)


def ensure_many(tx: Transaction, account_ids: Sequence[str], kind: ServiceLinkedRoleKind) -> list[str]:
    """Create a role in each account that lacks it, in two statements; returns those accounts. Who follows is told."""
    tx.flush()
    there = present_in(tx.connection, account_ids, kind)
    lacking = [each for each in dict.fromkeys(account_ids) if each not in there]
    for account_id in lacking:
        add(tx, account_id, kind, None)
    if lacking:
        events.tell(tx, events.RoleChange(kind, lacking, present=True))
    return lacking


def add(tx: Transaction, account_id: str, kind: ServiceLinkedRoleKind, description: str | None) -> int:
    """Write a role as it is defined, and note that it was touched; returns its key."""
    definition = definitions()[kind]
    key = new_key()
    tx.add(
        roles,
        {
            "id": key,
            "account_id": account_id,
            "kind": kind,
            "arn": definition.arn(account_id),
            "name": definition.name,
            "trusted_service": definition.trusted_service,
            "description": description,
            "policy": definition.policy,
            "created_at": tx.now,
        },
    )
    tx.concern(definition.arn(account_id), account_id)
    return key


__all__ = [
    "GrantAnswer",
    "add",
    "core_role",
    "ensure",
    "ensure_many",
    "grants",
    "grants_of_many",
    "policies_of",
    "present",
    "present_in",
    "require_core",
    "role_missing",
]
