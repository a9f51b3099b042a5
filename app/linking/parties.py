"""Loads the accounts that an act concerns: where they stand, and which policies their roles have."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection

from app.linking.acts import On
from app.linking.arns import bucket_arn, on_organization
from app.linking.rules import Party
from app.linking.settings import settings
from app.organizations.rules import Membership
from app.organizations.service import members, membership
from app.roles.policies import Policy
from app.roles.rules import ServiceLinkedRoleKind as Role
from app.roles.service import policies_of


def party(connection: Connection, account_id: str, *kinds: Role) -> Party:
    """One account, with the policies of some of its roles."""
    place = membership(connection, account_id)
    return parties(connection, {account_id: place}, kinds)[account_id]


def parties(connection: Connection, places: Mapping[str, Membership | None], kinds: Iterable[Role]) -> dict[str, Party]:
    """Accounts whose places are known, with policies; one statement for each kind of role."""
    policies: dict[str, dict[Role, Policy]] = {account_id: {} for account_id in places}
    for kind in kinds:
        for account_id, policy in policies_of(connection, list(places), kind).items():
            policies[account_id][kind] = policy
    return {account_id: Party(account_id, place, policies[account_id]) for account_id, place in places.items()}


def account_ids(connection: Connection, place: Membership) -> Sequence[str]:
    """The accounts of an organization, the master among them."""
    return [each.account_id for each in members(connection, place.organization_key)]


def organization_arns(connection: Connection, place: Membership, region: str) -> Mapping[On, str]:
    """What acts for an organization are done on, in a Region; the bucket is the master's."""
    found = settings(connection, place.master_account_id, region)
    bucket = (found.s3_bucket_arn if found else None) or bucket_arn(place.organization_id)
    return on_organization(place.organization.arn, bucket, region, place.master_account_id)
