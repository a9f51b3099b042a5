"""Refusals as the contract's UserError types."""

from collections.abc import Iterable
from typing import Any

import strawberry

from app.kernel import errors as domain
from app.kernel.graphql.scalars import AccountId

strawberry.enum(domain.ErrorCode, description="Why an action was refused.")


@strawberry.interface(
    description="Why an action, or a part of it, was refused. Nothing of a refused part has taken effect."
)
class UserError:
    code: domain.ErrorCode
    message: str = strawberry.field(description="What stands in the way, in plain words.")
    remedy: str | None = strawberry.field(description="What would cure it, and who can.")
    rule: str | None = strawberry.field(description="The rule that refused, as numbered in the documentation.")
    field: list[str] | None = strawberry.field(description="The input field at fault, from the input's root.")
    account_id: AccountId | None = strawberry.field(description="The account concerned, in work across accounts.")
    node_ids: list[strawberry.ID] = strawberry.field(description="The ids of the objects in the way.")


@strawberry.type(description="A refusal with no facts beyond the common ones.")
class Refusal(UserError):
    pass


@strawberry.type(description="A hard limit would be passed.")
class LicenseLimitExceeded(UserError):
    requested: int
    available: int


@strawberry.type(description="A rule of a license configuration is broken.")
class LicenseRuleViolated(UserError):
    license_rule: str = strawberry.field(description="The license rule, such as minimumCores.")
    required: str
    actual: str


def user_error(refusal: domain.Refusal) -> UserError:
    """The contract's type for a refusal."""
    common: dict[str, Any] = {
        "code": refusal.code,
        "message": refusal.message,
        "remedy": refusal.remedy,
        "rule": refusal.rule,
        "field": list(refusal.field) if refusal.field else None,
        "account_id": refusal.account_id,
        "node_ids": list(refusal.node_ids),
    }
    match refusal:
        case domain.LimitExceeded():
            return LicenseLimitExceeded(**common, requested=refusal.requested, available=refusal.available)
        case domain.RuleViolated():
            return LicenseRuleViolated(
                **common, license_rule=refusal.license_rule, required=refusal.required, actual=refusal.actual
            )
        case _:
            return Refusal(**common)


def user_errors(refusals: Iterable[domain.Refusal]) -> list[UserError]:
    return [user_error(refusal) for refusal in refusals]
