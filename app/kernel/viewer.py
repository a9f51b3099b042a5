"""Who calls, and what it may do in its account (PM-1)."""

from dataclasses import dataclass
from enum import StrEnum

from app.kernel.errors import DomainError, ErrorCode, Refusal


class Permission(StrEnum):
    """What a caller may do in its account, each including the ones before it."""

    AUDITOR = "AUDITOR"
    USER = "USER"
    ADMINISTRATOR = "ADMINISTRATOR"

    def includes(self, needed: "Permission") -> bool:
        """Whether this permission suffices where another is needed."""
        order = tuple(Permission)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True)
class Viewer:
    """The caller: its account, who in it, what it may do. `credential_id` names the token or key, never shows it."""

    account_id: str
    principal_arn: str
    permission: Permission
    principal_name: str
    credential_id: str

    def require(self, needed: Permission) -> None:
        """Refuse with ACCESS_DENIED what this caller's permission does not include."""
        if not self.permission.includes(needed):
            raise DomainError(
                Refusal(
                    code=ErrorCode.ACCESS_DENIED,
                    message=f"This takes the permission {needed.lower()}; the caller has {self.permission.lower()}.",
                    remedy=f"Use a token of the account with the permission {needed.lower()}.",
                    rule="PM-1",
                )
            )
