"""The one place that every act across accounts asks, and that explains it: the same checks for both.

Membership, trusted access, the link, discovery, the Region, the share, and the policy of the role that acts: does it
grant this very action on this very resource (RO-6)? What each act takes of which role stands in `acts`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from app.kernel.checks import Check
from app.kernel.errors import ErrorCode, Refusal
from app.kernel.regions import Region
from app.kernel.regions import region as region_of
from app.linking.acts import Act, On, needs
from app.linking.inventory import Across, collected, organization_read, own_checks, search, synchronise
from app.linking.members import ActsInMembers, acts_in_members
from app.linking.parties import account_ids, organization_arns, party
from app.linking.rules import (
    access_on,
    all_features,
    in_organization,
    irreversible,
    is_linked,
    is_master,
    role_checks,
    supports,
)
from app.linking.usage import checks_to_use, reasons, require_usable
from app.organizations.rules import Membership
from app.roles.rules import ServiceLinkedRoleKind as Role
from app.roles.rules import role_missing
from app.sharing.rules import together
from app.sharing.store import managed

# ------------------------------------------------------------ the link


def checks_to_link(connection: Connection, account_id: str, region: str) -> list[Check]:
    """What linking the organization asks (ST-2); what the link does not reach is told account by account (TR-9)."""
    caller = party(connection, account_id, Role.CORE, Role.MASTER_ACCOUNT)
    place, where = caller.place, region_of(region)
    checks = [in_organization(account_id, place, "ST-2")]
    if place is None:
        return [*checks, supports(where, "Linking")]
    checks += [is_master(place, "ST-2"), all_features(place.organization), *_reached(connection, place)]
    checks.append(supports(where, "Linking"))
    if not where.supports_cross_account or not place.is_master:
        return checks
    arns = organization_arns(connection, place, region)
    checks += role_checks(needs(Act.LINK, Role.CORE), caller, where, arns)
    if Role.MASTER_ACCOUNT in caller.policies:  # where it is not, linking creates it (ST-3)
        checks += role_checks(needs(Act.LINK, Role.MASTER_ACCOUNT), caller, where, arns)
    return checks


def _reached(connection: Connection, place: Membership) -> list[Check]:
    if place.service_access_enabled or not place.is_master:
        return [access_on(place.organization, place.account_id, "TR-9")]
    return [access_on(place.organization, each, "TR-9") for each in account_ids(connection, place)]


def checks_to_unlink(connection: Connection, account_id: str, region: str) -> list[Check]:
    """What undoing the link asks: it can be undone until discovery is on (ST-4)."""
    caller = party(connection, account_id, Role.MASTER_ACCOUNT)
    place, where = caller.place, region_of(region)
    checks = [in_organization(account_id, place, "ST-4"), supports(where, "Linking")]
    if place is None:
        return checks
    refusal = irreversible(
        "The link can't be undone: discovery across accounts is on, and works through it.",
        "There is no way back. Single accounts can be taken out of the organization.",
        "ST-4",
        "input",
        "linkOrganization",
    )
    kept = place.organization.discovery_enabled
    checks += [
        is_master(place, "ST-4"),
        Check("ST-4", "Discovery across accounts is not on", refusal if kept else None),
    ]
    if place.is_master and place.organization.linked and where.supports_cross_account:
        arns = organization_arns(connection, place, region)
        checks += role_checks(needs(Act.UNLINK, Role.MASTER_ACCOUNT), caller, where, arns)
    return checks


def checks_to_enable_discovery(connection: Connection, account_id: str, region: str) -> list[Check]:
    """What turning on discovery across accounts asks (ST-4); members are asked at each search (IN-2)."""
    checks = _of_linked_master(connection, account_id, region_of(region), "ST-4", "Discovery across accounts")
    if not all(check.passed for check in checks):
        return checks
    return [*checks, *_of_master_role(connection, account_id, region, Act.ENABLE_DISCOVERY)]


def _of_linked_master(connection: Connection, account_id: str, where: Region, rule: str, what: str) -> list[Check]:
    place = party(connection, account_id).place
    checks = [in_organization(account_id, place, rule), supports(where, what)]
    if place is not None:
        checks += [is_master(place, rule), access_on(place.organization, account_id)]
        checks.append(is_linked(place.organization, rule))
    return checks


def _of_master_role(
    connection: Connection, account_id: str, region: str, *acts: Act, share_arn: str | None = None
) -> list[Check]:
    """Whether the master role grants what some acts take, in the linked organization of a master account."""
    caller = party(connection, account_id, Role.MASTER_ACCOUNT)
    assert caller.place is not None
    arns = dict(organization_arns(connection, caller.place, region))
    if share_arn is not None:
        arns[On.SHARE] = share_arn
    needed = dict.fromkeys(need for act in acts for need in needs(act, Role.MASTER_ACCOUNT))
    return role_checks(list(needed), caller, region_of(region), arns)


# ------------------------------------------------------------ shares


def checks_to_share_with_members(connection: Connection, account_id: str, region: str) -> list[Check]:
    """What sharing a license configuration with all member accounts asks (IN-6): the service does it for the master.

    In a Region whose share is not there yet, that it may be created.
    """
    checks = _of_linked_master(connection, account_id, region_of(region), "IN-6", "Sharing")
    if not all(check.passed for check in checks):
        return checks
    there = managed(connection, account_id, region) is not None
    acts = (Act.SHARE_WITH_MEMBERS,) if there else (Act.CREATE_SHARE, Act.SHARE_WITH_MEMBERS)
    return [*checks, *_of_master_role(connection, account_id, region, *acts)]


@dataclass(frozen=True, slots=True)
class ChangeOfShare:
    """What an owner does with a share of its own.

    `units`: principals are added that are units or the organization; `inside`, `outside`: the accounts that are added,
    in the owner's organization and not. `serviced`: the share is tagged Service=LicenseManager (SH-1).
    """

    acts: Sequence[Act]
    serviced: bool
    share_arn: str | None = None
    units: bool = False
    inside: Sequence[str] = ()
    outside: Sequence[str] = ()
    allow_external_principals: bool = False


def checks_to_change_share(
    connection: Connection, place: Membership | None, account_id: str, region: str, change: ChangeOfShare
) -> list[Check]:
    """What creating, changing or deleting a share asks (SH-1, SH-2).

    A share tagged Service=LicenseManager of a linked organization's master is the service's to change, by the master
    role; any other is changed by the account itself.
    """
    checks = [supports(region_of(region), "Sharing")]
    if not checks[0].passed:
        return checks
    if change.units:
        checks.append(in_organization(account_id, place, "SH-2"))
    if place is not None and (change.units or change.inside):
        checks.append(access_on(place.organization, account_id))
    if place is not None and change.units:
        checks.append(is_linked(place.organization, "SH-2"))
    checks += [_external(each, change.allow_external_principals) for each in change.outside]
    if change.serviced and place is not None and place.is_master and place.organization.linked:
        checks += _of_master_role(connection, account_id, region, *change.acts, share_arn=change.share_arn)
    return checks


def _external(account_id: str, allowed: bool) -> Check:
    refusal = Refusal(
        code=ErrorCode.NOT_IN_ORGANIZATION,
        message=f"Account {account_id} is not in the owner's organization, and the share allows no others.",
        remedy="Create the share with allowExternalPrincipals true; the account is then invited.",
        rule="SH-2",
        field=("input", "principals"),
        account_id=account_id,
    )
    return Check("SH-2", f"Account {account_id} may be named", None if allowed else refusal)


def checks_to_accept(
    connection: Connection, owner: Membership | None, account_id: str, share_arn: str, region: str
) -> list[Check]:
    """What accepting a share for an invited account asks: that it is a member, and its member role grants it (SH-2)."""
    invited = party(connection, account_id, Role.MEMBER_ACCOUNT)
    checks = [in_organization(account_id, invited.place, "SH-2")]
    if invited.place is None:
        return checks
    # A role that is left over from another organization is nobody's to use in a master account.
    refusal = role_missing(account_id, Role.MEMBER_ACCOUNT) if invited.place.is_master else None
    checks.append(Check("SH-2", "The account is a member", refusal))
    if owner is not None and together(owner, invited.place):
        checks.append(access_on(owner.organization, account_id))
    needed = needs(Act.ACCEPT_SHARE, Role.MEMBER_ACCOUNT)
    return [*checks, *role_checks(needed, invited, region_of(region), {On.SHARE: share_arn})]


# ------------------------------------------------------------ an account's own topic and bucket


def checks_to_publish(connection: Connection, account_id: str, topic_arn: str, region: str) -> list[Check]:
    """What publishing to an account's topic asks of its core role (AL-3)."""
    publisher = party(connection, account_id, Role.CORE)
    return role_checks(needs(Act.PUBLISH, Role.CORE), publisher, region_of(region), {On.TOPIC: topic_arn})


def checks_to_deliver(connection: Connection, account_id: str, bucket: str, region: str) -> list[Check]:
    """What delivering files to an account's bucket asks of its core role (AU-3)."""
    deliverer = party(connection, account_id, Role.CORE)
    arns = {On.BUCKET: bucket, On.OBJECTS: f"{bucket}/delivered"}
    return role_checks(needs(Act.DELIVER, Role.CORE), deliverer, region_of(region), arns)


__all__ = [
    "Across",
    "ActsInMembers",
    "ChangeOfShare",
    "acts_in_members",
    "checks_to_accept",
    "checks_to_change_share",
    "checks_to_deliver",
    "checks_to_enable_discovery",
    "checks_to_link",
    "checks_to_publish",
    "checks_to_share_with_members",
    "checks_to_unlink",
    "checks_to_use",
    "collected",
    "organization_read",
    "own_checks",
    "reasons",
    "require_usable",
    "search",
    "synchronise",
]
