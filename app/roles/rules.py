"""The rules of service-linked roles (RO), without I/O: the three definitions, and who may hold which."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from typing import Any

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
