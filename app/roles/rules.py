"""The rules of service-linked roles (RO), without I/O: the three definitions, and who may hold which."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from typing import Any

from app.kernel.errors import ErrorCode, Refusal
from app.organizations.rules import AccountRole


class ServiceLinkedRoleKind(StrEnum):
    """The three roles that License Manager depends on (RO-1)."""

    CORE = "CORE"
    MASTER_ACCOUNT = "MASTER_ACCOUNT"
    MEMBER_ACCOUNT = "MEMBER_ACCOUNT"


@dataclass(frozen=True, slots=True)
class Definition:
    """What is fixed about a role: its name, the one service that may assume it, its policy (RO-1)."""

    kind: ServiceLinkedRoleKind
    name: str
    trusted_service: str
    policy: Mapping[str, Any]

    def arn(self, account_id: str) -> str:
        """The role's ARN in an account."""
        return f"arn:aws:iam::{account_id}:role/aws-service-role/{self.trusted_service}/{self.name}"


@lru_cache(maxsize=1)
def definitions() -> Mapping[ServiceLinkedRoleKind, Definition]:
    """The three roles, from `data/service_linked_roles.json`."""
    text = resources.files("app.roles").joinpath("data/service_linked_roles.json").read_text(encoding="utf-8")
    found = [
        Definition(ServiceLinkedRoleKind(each["kind"]), each["name"], each["trustedService"], each["policy"])
        for each in json.loads(text)
    ]
    return {each.kind: each for each in found}


def definition_of(service_name: str) -> Definition | None:
    """The role that trusts a service, or None."""
    return next((each for each in definitions().values() if each.trusted_service == service_name), None)


def allowed_in(kind: ServiceLinkedRoleKind, role: AccountRole) -> bool:
    """Whether an account of a role may have a role of a kind created for it (RO-2)."""
    match kind:
        case ServiceLinkedRoleKind.CORE:
            return True
        case ServiceLinkedRoleKind.MASTER_ACCOUNT:
            return role is AccountRole.MASTER
        case ServiceLinkedRoleKind.MEMBER_ACCOUNT:
            return role is AccountRole.MEMBER


@dataclass(frozen=True, slots=True)
class GrantAnswer:
    """Whether an account's role grants an action on a resource, and what does not hold where it does not."""

    account_id: str
    kind: ServiceLinkedRoleKind
    action: str
    resource_arn: str
    region: str
    role_present: bool
    region_supported: bool
    policy_grants: bool

    @property
    def granted(self) -> bool:
        return self.role_present and self.region_supported and self.policy_grants

    @property
    def refusal(self) -> Refusal | None:
        """The refusal for whoever needed the grant; None where it is granted."""
        if self.granted:
            return None
        if not self.role_present:
            return role_missing(self.account_id, self.kind)
        name = definitions()[self.kind].name
        if not self.region_supported:
            return Refusal(
                code=ErrorCode.REGION_UNSUPPORTED,
                message=f"Service-linked roles can't be used in {self.region}, so {name} grants nothing there.",
                remedy="Work in a Region that supports service-linked roles; the query regions lists them.",
                rule="RO-7",
                account_id=self.account_id,
            )
        return Refusal(
            code=ErrorCode.ROLE_NOT_ALLOWED,
            message=f"The policy of {name} in account {self.account_id} does not grant {self.action} "
            f"on {self.resource_arn}.",
            remedy="The role must have its own policy: account "
            f"{self.account_id} deletes the role and creates it again.",
            rule="RO-6",
            account_id=self.account_id,
        )


def role_missing(account_id: str, kind: ServiceLinkedRoleKind) -> Refusal:
    """The refusal of what needs a role that is not there, with the way to make it."""
    definition = definitions()[kind]
    return Refusal(
        code=ErrorCode.ROLE_MISSING,
        message=f"Service role not found: account {account_id} has no {definition.name}.",
        remedy=f"An administrator of account {account_id} creates it: createServiceLinkedRole(input: "
        f'{{serviceName: "{definition.trusted_service}"}}).',
        rule="RO-2",
        account_id=account_id,
    )
