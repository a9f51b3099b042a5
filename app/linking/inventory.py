"""What searching and synchronising the inventory of a whole organization asks, account by account (IN-2, TR-1)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, literal

from app.kernel.checks import Check
from app.kernel.errors import ErrorCode, Refusal
from app.kernel.ids import arn
from app.kernel.regions import Region, regions
from app.kernel.regions import region as region_of
from app.linking.acts import Act, On, needs
from app.linking.parties import organization_arns, parties, party
from app.linking.rules import (
    DataCatalog,
    Party,
    access_on,
    catalog_upgraded,
    discovery_on,
    in_organization,
    is_linked,
    is_master,
    role_checks,
    supports,
)
from app.linking.settings import settings_of
from app.linking.sight import inventories_closed_to
from app.linking.usage import reasons
from app.organizations.rules import Membership, not_in_organization
from app.organizations.service import closed_accounts, members, membership
from app.roles.rules import ServiceLinkedRoleKind as Role


@dataclass(frozen=True, slots=True)
class Across:
    """How far an act reaches over an organization.

    `checks` of the whole: where one failed, nothing is reached. `account_ids`: the master's and those of the members
    that grant the actions; `skipped`: for each other member the refusal that leaves it out. `regions`: those asked.
    """

    checks: Sequence[Check]
    regions: Sequence[str] = ()
    account_ids: Sequence[str] = ()
    skipped: Sequence[Refusal] = ()


def search(connection: Connection, account_id: str, region: str | None) -> Across:
    """What searching the organization asks (IN-2); with no Region, in all with support whose catalog is upgraded."""
    return _across(connection, Act.SEARCH, account_id, region)


def search_at_all(connection: Connection, account_id: str, region: str | None) -> list[Check]:
    """What searching asks of the whole; the accounts that it reaches are `inventory_seen_by` in `sight` (PM-2)."""
    return list(_whole(connection, Act.SEARCH, account_id, region)[0])


def left_out(connection: Connection, account_id: str, region: str | None) -> list[Refusal]:
    """The members that a search of the organization leaves out, each with the reason: what its member role lacks.

    What `search` says of each where it is not refused as a whole, found without asking those that it reaches.
    """
    searched = _asked(region)[0]
    lacking = connection.execute(inventories_closed_to(literal(account_id))).scalars()
    closed = parties(connection, dict.fromkeys(lacking), [Role.MEMBER_ACCOUNT])
    refused = [reasons(_member_checks(Act.SEARCH, each, searched)) for each in closed.values()]
    return [each[0] for each in refused if each]


def synchronise(connection: Connection, account_id: str, region: str | None) -> Across:
    """What bringing the inventory of all member accounts up to date asks (IN-3)."""
    return _across(connection, Act.SYNC, account_id, region)


def own_checks(connection: Connection, account_id: str, region: str) -> list[Check]:
    """What bringing an account's own inventory up to date asks of its core role (RO-6)."""
    caller = party(connection, account_id, Role.CORE)
    return role_checks(needs(Act.SYNC_OWN, Role.CORE), caller, region_of(region), _resources(account_id, region))


def organization_read(connection: Connection, account_id: str, region: str) -> list[Refusal]:
    """What stands in the way of reading the organization of its master account from AWS (RO-6).

    Until it is linked there is no master role to ask: its structure is then read as it is imported.
    """
    caller = party(connection, account_id, Role.MASTER_ACCOUNT)
    if caller.place is None or not caller.place.is_master or not caller.place.organization.linked:
        return []
    arns = organization_arns(connection, caller.place, region)
    needed = [each for each in needs(Act.SYNC, Role.MASTER_ACCOUNT) if each.on is On.ORGANIZATION]
    return reasons(role_checks(needed, caller, region_of(region), arns))


def collected(
    connection: Connection, account_id: str, targets: Collection[tuple[str, str]]
) -> dict[tuple[str, str], Refusal | None]:
    """What collecting with an account's credentials asks, by account and Region: why not, or None (IN-2, RO-2).

    Of each account its core role; of another account than the caller's own also what bringing the organization's
    inventory up to date asks.
    """
    ids = sorted({each for each, _ in targets})
    place = membership(connection, account_id)
    inside = {each.account_id: each for each in members(connection, place.organization_key)} if place else {}
    closed = closed_accounts(connection, place.organization_key) if place else {}
    known = parties(connection, {each: inside.get(each) for each in ids}, [Role.CORE, Role.MEMBER_ACCOUNT])
    whole: dict[str, list[Refusal]] = {}
    answers: dict[tuple[str, str], Refusal | None] = {}
    for each, code in sorted(targets):
        checks = role_checks(needs(Act.SYNC_OWN, Role.CORE), known[each], region_of(code), _resources(each, code))
        refused = reasons(checks)
        if each != account_id and each not in inside:
            refused = [not_in_organization(each) if place is None else _elsewhere(each, place)]
        elif each in closed and each != account_id:
            refused = [_closed(each, closed[each])]
        elif each != account_id and not refused:
            if code not in whole:
                whole[code] = reasons(_whole(connection, Act.SYNC, account_id, code)[0])
            refused = whole[code] or reasons(_member_checks(Act.SYNC, known[each], region_of(code)))
        answers[each, code] = refused[0] if refused else None
    return answers


def _closed(account_id: str, state: str) -> Refusal:
    ways = {
        "PENDING_ACTIVATION": "Finish its sign-up in AWS.",
        "SUSPENDED": "AWS Support reopens it, within 90 days of its closure.",
        "PENDING_CLOSURE": "AWS is closing it; its Support reopens it, within 90 days.",
    }
    return Refusal(
        code=ErrorCode.CONFLICT,
        message=f"Account {account_id} is not asked: its state in AWS is {state}.",
        remedy=f"{ways.get(state, 'AWS does not bring it back.')} What it holds stays as it is known and goes on "
        "consuming: disassociate what is gone. It is asked again once AWS tells that it is active.",
        rule="IN-2",
        account_id=account_id,
    )


def _elsewhere(account_id: str, place: Membership) -> Refusal:
    return replace(
        not_in_organization(account_id),
        message=f"Account {account_id} is not in organization {place.organization_id}.",
        remedy=f"The master account, {place.master_account_id}, invites it: inviteAccount.",
        rule="IN-2",
    )


def _across(connection: Connection, act: Act, account_id: str, region: str | None) -> Across:
    checks, codes, place = _whole(connection, act, account_id, region)
    if place is None or not all(check.passed for check in checks):
        return Across(checks, codes)
    return _by_member(connection, act, place, checks, codes)


def _whole(
    connection: Connection, act: Act, account_id: str, region: str | None
) -> tuple[Sequence[Check], Sequence[str], Membership | None]:
    """What an act asks of the organization and its master, and the Regions in which it is done."""
    asked = _asked(region)
    caller = party(connection, account_id, Role.MASTER_ACCOUNT)
    place = caller.place
    whole = [in_organization(account_id, place, "IN-2"), supports(asked[0], "Work across accounts")]
    if place is None:
        return whole, (), None
    organization = place.organization
    whole += [
        is_master(place, "IN-2"),
        access_on(organization, account_id),
        is_linked(organization, "IN-2"),
        discovery_on(organization),
    ]
    if not all(check.passed for check in whole):
        return whole, (), place
    codes = [each.code for each in asked]
    if act is Act.SEARCH:
        usable = _upgraded(connection, account_id, codes)
        whole.append(catalog_upgraded(codes, bool(usable), account_id))
        codes = usable or codes
    arns = organization_arns(connection, place, codes[0])
    whole += role_checks(needs(act, Role.MASTER_ACCOUNT), caller, region_of(codes[0]), arns)
    return whole, codes, place


def _asked(region: str | None) -> list[Region]:
    return [region_of(region)] if region else [each for each in regions() if each.supports_cross_account]


def _upgraded(connection: Connection, account_id: str, codes: Sequence[str]) -> list[str]:
    found = settings_of(connection, account_id, codes)
    upgraded = {each.region for each in found if each.data_catalog is DataCatalog.GLUE}
    return [code for code in codes if code in upgraded]


def _by_member(
    connection: Connection, act: Act, place: Membership, whole: Sequence[Check], codes: Sequence[str]
) -> Across:
    """Let in the members whose role grants the actions; leave out the others, each with its reasons."""
    places = {each.account_id: each for each in members(connection, place.organization_key)}
    reached, skipped = [place.account_id], list[Refusal]()
    for account_id, member in parties(connection, places, [Role.MEMBER_ACCOUNT]).items():
        if account_id == place.account_id:
            continue
        refused = reasons(_member_checks(act, member, region_of(codes[0])))
        if refused:
            skipped.append(refused[0])
        else:
            reached.append(account_id)
    return Across(whole, codes, reached, skipped)


def _member_checks(act: Act, member: Party, region: Region) -> list[Check]:
    arns = _resources(member.account_id, region.code)
    return role_checks(needs(act, Role.MEMBER_ACCOUNT), member, region, arns)


def _resources(account_id: str, region: str) -> dict[On, str]:
    return {On.ACCOUNT: arn("ssm", region, account_id, "*")}
