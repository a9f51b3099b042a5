"""Acts of one account on the resources of others: associating and disassociating them (SH-4, SH-6, TR-2)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from app.kernel.checks import Check
from app.kernel.errors import ErrorCode, Refusal
from app.kernel.regions import Region
from app.kernel.regions import region as region_of
from app.linking.acts import Act, On, needs
from app.linking.parties import parties
from app.linking.rules import (
    Party,
    access_on,
    in_organization,
    is_linked,
    member_role_missing,
    role_checks,
    supports,
)
from app.linking.usage import never_shared, reasons, shared_checks
from app.organizations.rules import Membership, not_master
from app.organizations.service import members, membership
from app.roles.rules import ServiceLinkedRoleKind as Role
from app.sharing.configurations import ConfigurationFacts
from app.sharing.rules import together

_NEEDS = needs(Act.ACT_IN_MEMBER, Role.MEMBER_ACCOUNT)


@dataclass(slots=True)
class ActsInMembers:
    """What stands against an account's acts on the resources of others, read once for many resources."""

    connection: Connection
    actor_account_id: str
    actor: Membership | None
    configuration: ConfigurationFacts
    region: Region
    others: Mapping[str, Party]
    _usable: dict[str, list[Check]] = field(default_factory=dict)

    def within_reach(self, account_id: str) -> bool:
        """Whether another account is of the organization, in a Region with support: its consent could be had."""
        return self.region.supports_cross_account and together(self.actor, self.others[account_id].place)

    def checks(self, account_id: str, resource_arn: str, *, associating: bool) -> list[Check]:
        """What the act asks for a resource of another account; its owner's association needs the share as well."""
        checks = [supports(self.region, "Work on the resources of other accounts")]
        if not checks[0].passed:
            return checks
        if self.actor is None:
            return [*checks, in_organization(self.actor_account_id, None, "SH-6")]
        other = self.others[account_id]
        beside = self._beside(other)
        if not beside.passed:
            return [*checks, beside]
        checks += [
            beside,
            self._entitled(self.actor),
            access_on(self.actor.organization, account_id),
            is_linked(self.actor.organization, "SH-6"),
            *role_checks(_NEEDS, other, self.region, {On.RESOURCE: resource_arn}, missing=self._no_role(other)),
        ]
        return [*checks, *self._shared(account_id)] if associating else checks

    def refusals(self, account_id: str, resource_arn: str, *, associating: bool) -> list[Refusal]:
        """The refusals among the checks, each naming the account."""
        found = reasons(self.checks(account_id, resource_arn, associating=associating))
        return [each if each.account_id else replace(each, account_id=account_id) for each in found]

    def _beside(self, other: Party) -> Check:
        text = "The resource's account is in the caller's organization"
        if together(self.actor, other.place):
            return Check("SH-6", text)
        refusal = Refusal(
            code=ErrorCode.NOT_IN_ORGANIZATION,
            message=f"Account {other.account_id} is not in the organization of account {self.actor_account_id}, so its "
            "resources can't be changed from there; what they consume goes on counting.",
            remedy=f"The account itself disassociates them, or account {other.account_id} joins the organization.",
            rule="OR-4",
            account_id=other.account_id,
        )
        return Check("OR-4", text, refusal)

    def _entitled(self, actor: Membership) -> Check:
        text = "The caller is the master account or owns the license configuration"
        owns = self.configuration.owner_account_id == self.actor_account_id
        return Check("SH-6", text, None if owns or actor.is_master else not_master(actor, "SH-6"))

    def _no_role(self, other: Party) -> Refusal:
        if other.place is not None and other.place.is_master:
            return Refusal(
                code=ErrorCode.ROLE_NOT_ALLOWED,
                message=f"Account {other.account_id} is the master account: no other account acts on its resources.",
                remedy="The master account does it itself.",
                rule="SH-6",
                account_id=other.account_id,
            )
        return member_role_missing(other.account_id, self.configuration.owner_account_id)

    def _shared(self, account_id: str) -> list[Check]:
        if account_id == self.configuration.owner_account_id:
            return []
        if account_id not in self._usable:
            found = shared_checks(self.connection, account_id, self.configuration)
            self._usable[account_id] = found or [never_shared(account_id, self.configuration)]
        return self._usable[account_id]


def acts_in_members(
    connection: Connection, actor_account_id: str, account_ids: Collection[str], configuration: ConfigurationFacts
) -> ActsInMembers:
    """Load what an account's acts on the resources of others need, in few statements however many accounts."""
    actor = membership(connection, actor_account_id)
    beside = {each.account_id: each for each in members(connection, actor.organization_key)} if actor else {}
    others = {account_id: beside.get(account_id) for account_id in account_ids if account_id != actor_account_id}
    return ActsInMembers(
        connection=connection,
        actor_account_id=actor_account_id,
        actor=actor,
        configuration=configuration,
        region=region_of(configuration.region),
        others=parties(connection, others, [Role.MEMBER_ACCOUNT]),
    )
