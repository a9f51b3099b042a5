"""What AWS Organizations answers: the organization, its accounts, its units and who is in them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field

from app.inventory.aws.shapes import AccountId, Email, Name, Shape, Word
from app.organizations.observed import ObservedAccount, ObservedOrganization, ObservedUnit
from app.organizations.rules import FeatureSet

TRUSTED = "license-manager.amazonaws.com"
"""The service principal of License Manager's trusted access (OR-3)."""

UNUSABLE = {"PENDING_ACTIVATION", "SUSPENDED", "PENDING_CLOSURE", "CLOSED"}
"""States of accounts in which no role can be assumed."""

ParentId = Annotated[str, Field(pattern=r"^(r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[0-9a-z]{8,32})$")]


class Organization(Shape):
    id: Annotated[str, Field(pattern=r"^o-[0-9a-z]{10,32}$")]
    master_account_id: AccountId
    master_account_email: Email | None = None
    feature_set: Literal["ALL", "CONSOLIDATED_BILLING"]


class DescribeOrganization(Shape):
    organization: Organization


class Account(Shape):
    id: AccountId
    name: Name
    email: Email | None = None
    status: Word | None = None
    state: Word | None = None

    @property
    def closed_as(self) -> str | None:
        """Its state where it can't be used. `State` tells more than `Status`, which AWS gives up for it."""
        told = self.state or self.status
        return told if told in UNUSABLE else None


class ListAccounts(Shape):
    """Also the answer of ListAccountsForParent."""

    accounts: list[Account]
    next_token: str | None = None


class Root(Shape):
    id: Annotated[str, Field(pattern=r"^r-[0-9a-z]{4,32}$")]


class ListRoots(Shape):
    roots: Annotated[list[Root], Field(min_length=1, max_length=1)]


class Unit(Shape):
    id: ParentId
    name: Name


class ListUnits(Shape):
    organizational_units: list[Unit]
    next_token: str | None = None


class Child(Shape):
    id: Annotated[str, Field(max_length=68)]
    type: Literal["ACCOUNT", "ORGANIZATIONAL_UNIT"]


class ListChildren(Shape):
    children: list[Child]
    next_token: str | None = None


class ServicePrincipal(Shape):
    service_principal: Annotated[str, Field(max_length=128)]


class ListServiceAccess(Shape):
    enabled_service_principals: list[ServicePrincipal]
    next_token: str | None = None


ANSWERS: dict[str, type[Any]] = {
    "describe-organization": DescribeOrganization,
    "list-accounts": ListAccounts,
    "list-roots": ListRoots,
    "list-organizational-units-for-parent": ListUnits,
    "list-accounts-for-parent": ListAccounts,
    "list-children": ListChildren,
    "list-aws-service-access-for-organization": ListServiceAccess,
}
"""The shape of each call's answer, by its name in the AWS CLI."""


@dataclass(slots=True)
class OrganizationAnswers:
    """The answers about one organization. Those that were asked for a parent are kept by its id; None is the root."""

    organization: Organization
    root_id: str | None = None
    accounts: list[Account] | None = None
    units: dict[str | None, list[Unit]] = field(default_factory=dict)
    placed: dict[str | None, list[str]] = field(default_factory=dict)
    service_principals: Sequence[str] | None = None

    def observed(self) -> ObservedOrganization:
        """The organization in the service's own words."""
        root = self.root_id or next((each for each in (*self.units, *self.placed) if each and each[:2] == "r-"), None)
        parent_of = {account: parent or root for parent, ids in self.placed.items() for account in ids}
        units = [
            ObservedUnit(unit.id, unit.name, _known(parent or root))
            for parent, found in self.units.items()
            for unit in found
        ]
        return ObservedOrganization(
            organization_id=self.organization.id,
            master_account_id=self.organization.master_account_id,
            master_email=self.organization.master_account_email,
            feature_set=FeatureSet(self.organization.feature_set),
            root_id=root,
            accounts=None if self.accounts is None else list(_accounts(self.accounts, parent_of)),
            units=units,
            parents=frozenset(_known(parent or root) for parent in self.units),
            service_access_enabled=None if self.service_principals is None else TRUSTED in self.service_principals,
        )


def _accounts(accounts: Iterable[Account], parent_of: Mapping[str, str | None]) -> Iterable[ObservedAccount]:
    return (
        ObservedAccount(each.id, each.name, each.email, parent_of.get(each.id), each.closed_as) for each in accounts
    )


def _known(parent: str | None) -> str:
    """The root's id, which units can't be placed without."""
    if parent is None:
        raise ValueError("the root's id is not given: list-roots is missing")
    return parent
