"""The rules of settings and of work across accounts (ST, RG, RO-6), without I/O."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from croniter import CroniterError, croniter

from app.kernel.checks import Check
from app.kernel.errors import ErrorCode, Refusal
from app.kernel.regions import Region
from app.linking.acts import Need, On
from app.organizations.rules import FeatureSet, FormerMember, Membership, Organization, not_in_organization, not_master
from app.roles.policies import Policy, Request, grants
from app.roles.rules import GrantAnswer, definitions
from app.roles.rules import ServiceLinkedRoleKind as Role
from app.sharing.rules import SERVICE_TAG, unsupported

DEFAULT_SCHEDULE = "0 13 * * *"
"""Inventory is brought up to date every day at 13:00 UTC unless the settings say otherwise (IN-3)."""

MAX_SCHEDULE = 128
_MONTHS = "JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC"
_DAYS = "SUN|MON|TUE|WED|THU|FRI|SAT"
_PART = rf"(?:\*|[0-9]{{1,2}}|{_MONTHS}|{_DAYS})"
_RANGE = rf"{_PART}(?:-{_PART})?(?:/[0-9]{{1,2}})?"
_CRON_FIELD = re.compile(rf"{_RANGE}(?:,{_RANGE})*", re.IGNORECASE)


class DataCatalog(StrEnum):
    """Where inventory data of the organization can be queried (TR-1)."""

    ATHENA_MANAGED = "ATHENA_MANAGED"
    GLUE = "GLUE"


def is_schedule(text: str) -> bool:
    """Whether a text is a cron expression of five fields that comes round."""
    fields = text.split(" ")
    if len(text) > MAX_SCHEDULE or len(fields) != 5 or not all(_CRON_FIELD.fullmatch(each) for each in fields):
        return False
    try:
        next_run(text, datetime(2024, 1, 1))  # noqa: DTZ001 - any instant will do, before a leap day
    except CroniterError:
        return False
    return True


def next_run(schedule: str, after: datetime) -> datetime:
    """The next instant of a schedule, UTC."""
    found: datetime = croniter(schedule, after).get_next(datetime)
    return found


# ------------------------------------------------------------ where accounts stand


def in_organization(account_id: str, place: Membership | None, rule: str) -> Check:
    """Whether an account is in an organization at all."""
    refusal = replace(not_in_organization(account_id), rule=rule) if place is None else None
    return Check(rule, "The account is in an organization", refusal)


def is_master(place: Membership, rule: str) -> Check:
    """Whether an account is the master of its organization."""
    return Check(rule, "The caller is the master account", None if place.is_master else not_master(place, rule))


def all_features(whole: Organization) -> Check:
    """Whether the organization has all features enabled (ST-2)."""
    refusal = Refusal(
        code=ErrorCode.ALL_FEATURES_REQUIRED,
        message=f"Organization {whole.organization_id} has only consolidated billing enabled.",
        remedy="The master account enables all features: enableAllFeatures.",
        rule="ST-2",
        account_id=whole.master_account_id,
    )
    return Check("ST-2", "All features are enabled", None if whole.feature_set is FeatureSet.ALL else refusal)


def access_on(whole: Organization, account_id: str, rule: str = "OR-3") -> Check:
    """Whether License Manager's trusted access is on for an account's organization (OR-3)."""
    refusal = None if whole.service_access_enabled else access_off(whole, account_id, rule)
    return Check(rule, "License Manager's trusted access is on", refusal)


def access_off(whole: Organization, account_id: str, rule: str) -> Refusal:
    """The refusal of work across accounts while trusted access is off."""
    return Refusal(
        code=ErrorCode.SERVICE_ACCESS_DISABLED,
        message=f"License Manager does not reach account {account_id}: its trusted access to organization "
        f"{whole.organization_id} is turned off.",
        remedy=f"The master account, {whole.master_account_id}, turns it on: enableServiceAccess.",
        rule=rule,
        account_id=account_id,
    )


def is_linked(whole: Organization, rule: str) -> Check:
    """Whether License Manager is linked to the organization."""
    refusal = Refusal(
        code=ErrorCode.ORGANIZATION_NOT_LINKED,
        message=f"Organization {whole.organization_id} is not linked.",
        remedy=f"The master account, {whole.master_account_id}, links it: updateServiceSettings with "
        "linkOrganization true.",
        rule=rule,
    )
    return Check(rule, "The organization is linked", None if whole.linked else refusal)


def supports(region: Region, what: str) -> Check:
    """Whether a Region supports work across accounts (RG-2)."""
    refusal = None if region.supports_cross_account else unsupported(region, what)
    return Check("RG-2", f"{region.code} supports work across accounts", refusal)


def discovery_on(whole: Organization) -> Check:
    """Whether discovery across accounts is on (IN-2)."""
    refusal = Refusal(
        code=ErrorCode.CROSS_ACCOUNT_DISCOVERY_DISABLED,
        message=f"Discovery across the accounts of organization {whole.organization_id} is not on.",
        remedy="The master account turns it on: updateServiceSettings with enableCrossAccountDiscovery true. "
        "It can't be turned off again.",
        rule="IN-2",
    )
    return Check("IN-2", "Discovery across accounts is on", None if whole.discovery_enabled else refusal)


def catalog_upgraded(regions: Sequence[str], upgraded: bool, account_id: str) -> Check:
    """Whether the inventory can be queried where it is searched (TR-1)."""
    asked = regions[0] if len(regions) == 1 else "any Region"
    refusal = Refusal(
        code=ErrorCode.CATALOG_NOT_UPGRADED,
        message=f"The organization's inventory can't be queried in {asked}: the data catalog of account {account_id} "
        "is still the one that Athena manages.",
        remedy=f'Upgrade it to the AWS Glue Data Catalog: upgradeDataCatalog(region: "{regions[0]}"), as an '
        f"administrator of account {account_id}.",
        rule="TR-1",
        account_id=account_id,
    )
    return Check("TR-1", "The data catalog is upgraded", None if upgraded else refusal)


# ------------------------------------------------------------ what roles grant


@dataclass(frozen=True, slots=True)
class Party:
    """An account as the crossing sees it: its place, and the policies of the roles that it has."""

    account_id: str
    place: Membership | None
    policies: Mapping[Role, Policy]


def role_checks(
    needed: Sequence[Need], party: Party, region: Region, arns: Mapping[On, str], *, missing: Refusal | None = None
) -> list[Check]:
    """Whether a role of an account grants every action that an act takes of it, on the very resources (RO-6, RO-7).

    All needs are of one role. `missing` is the refusal where the role is not there, in the act's own words.
    """
    if not needed:
        return []
    kind = needed[0].role
    name = definitions()[kind].name
    policy = party.policies.get(kind)
    there = f"Account {party.account_id} has {name}"
    if policy is None:
        return [Check("RO-6", there, missing or _answer(needed[0], party, region, arns, None).refusal)]
    if not region.supports_service_linked_roles:
        refusal = _answer(needed[0], party, region, arns, policy).refusal
        return [Check("RO-7", f"Service-linked roles can be used in {region.code}", refusal)]
    checks = [Check("RO-6", there)]
    for need in needed:
        refusal = _answer(need, party, region, arns, policy).refusal
        checks.append(Check("RO-6", f"{name} of account {party.account_id} grants {need.action}", refusal))
    return checks


def _answer(need: Need, party: Party, region: Region, arns: Mapping[On, str], policy: Policy | None) -> GrantAnswer:
    context = {need.tagged.value: SERVICE_TAG[1]} if need.tagged else {}
    resource = arns[need.on]
    return GrantAnswer(
        account_id=party.account_id,
        kind=need.role,
        action=need.action,
        resource_arn=resource,
        region=region.code,
        role_present=policy is not None,
        region_supported=region.supports_service_linked_roles,
        policy_grants=policy is not None and grants(policy, Request(need.action, resource, context)),
    )


def member_role_missing(account_id: str, owner_account_id: str) -> Refusal:
    """The refusal of acting on the resources of a member that deleted its role, as help (TR-2)."""
    definition = definitions()[Role.MEMBER_ACCOUNT]
    return Refusal(
        code=ErrorCode.ROLE_MISSING,
        message=f"Account {account_id} has deleted its member role, {definition.name}, so nobody but the account "
        "itself can associate or disassociate its resources. Those that are associated go on consuming licenses of "
        f"account {owner_account_id}.",
        remedy=f"An administrator of account {account_id} creates the role again: createServiceLinkedRole(input: "
        f'{{serviceName: "{definition.trusted_service}"}}). Then try again; or that account disassociates its '
        "resources itself.",
        rule="TR-2",
        account_id=account_id,
    )


# ------------------------------------------------------------ what the link does not reach


def link_failures(whole: Organization, accounts: Iterable[str], former: Iterable[FormerMember]) -> list[Refusal]:
    """The accounts that an organization's link does not reach any more, each with which of the two causes (TR-9)."""
    if whole.linked_at is None:
        return []
    linked_at = whole.linked_at
    gone = [removed(whole, each) for each in former if each.left_at >= linked_at]
    if whole.service_access_enabled:
        return gone
    return [*gone, *(access_off(whole, each, "TR-9") for each in accounts)]


def removed(whole: Organization, former: FormerMember) -> Refusal:
    """The first of the causes: an account is not in the organization any more."""
    return Refusal(
        code=ErrorCode.NOT_IN_ORGANIZATION,
        message=f"The link does not reach account {former.account_id} any more: on {former.left_at:%d %B %Y} it was "
        f"removed from organization {whole.organization_id}, or left it. Its resources stay associated and go on "
        "consuming.",
        remedy=f"The master account, {whole.master_account_id}, invites it again: inviteAccount(accountId: "
        f'"{former.account_id}").',
        rule="TR-9",
        account_id=former.account_id,
    )


def irreversible(message: str, remedy: str, rule: str, *field: str) -> Refusal:
    """The refusal of undoing what can't be undone (ST-4, TR-7)."""
    return Refusal(code=ErrorCode.IRREVERSIBLE, message=message, remedy=remedy, rule=rule, field=field)
