"""Resources by their ARNs, as AWS writes them."""

import re
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, literal

from app.compute.folding import fold
from app.compute.loaders import sees
from app.compute.models import ResourceRow
from app.compute.resources import Resource, found, held, select_resources
from app.compute.rules import ResourceType
from app.kernel.regions import partition
from app.kernel.tables import table_of

resources = table_of(ResourceRow)
LONGEST = 512
_ARN = re.compile(r"arn:([a-z-]+):(ec2|ssm):([a-z0-9-]+):([0-9]{12})?:([a-z-]+)/([A-Za-z0-9._-]{1,128})")
_KINDS = {
    ("ec2", "image"): ResourceType.IMAGE,
    ("ec2", "instance"): ResourceType.INSTANCE,
    ("ec2", "dedicated-host"): ResourceType.DEDICATED_HOST,
    ("ec2", "launch-template"): ResourceType.LAUNCH_TEMPLATE,
    ("ssm", "managed-instance"): ResourceType.MANAGED_INSTANCE,
}


@dataclass(frozen=True, slots=True)
class ResourceName:
    """An ARN taken apart. AWS writes an image's without an account: it is then found among those that are seen."""

    type: ResourceType
    region: str
    account_id: str | None
    resource_id: str


def parse(arn: str) -> ResourceName | None:
    """The parts of a resource's ARN; None where it can be none."""
    matched = _ARN.fullmatch(arn) if len(arn) <= LONGEST else None
    if matched is None:
        return None
    part, service, region, account_id, kind, resource_id = matched.groups()
    type_ = _KINDS.get((service, kind))
    if type_ is None or part != partition(region) or (account_id is None and type_ is not ResourceType.IMAGE):
        return None
    return ResourceName(type_, region, account_id, resource_id)


def seen_by_arn(connection: Connection, viewer_account: str, arn: str, *, hold: bool = False) -> Resource | None:
    """The resource of an ARN, where it is there and the account sees it (PM-2).

    With `hold`, it neither goes nor changes before the unit of work ends.
    """
    name = parse(arn)
    if name is None:
        return None
    statement = select_resources().where(
        resources.c.region == name.region,
        resources.c.type == name.type.value,
        resources.c.resource_id == name.resource_id,
        resources.c.gone_at.is_(None),
    )
    if name.account_id is not None:
        statement = statement.where(resources.c.account_id == name.account_id)
    else:
        statement = statement.where(resources.c.resource_id_folded == fold(name.resource_id))
    if name.account_id != viewer_account:
        statement = statement.where(sees(resources, literal(viewer_account)))
    rows = found(connection, held(statement) if hold else statement.order_by(resources.c.id))
    own = [each for each in rows.values() if each.account_id == viewer_account]
    return next(iter(own or rows.values()), None)


def own_by_arns(connection: Connection, account_id: str, arns: Collection[str]) -> dict[str, Resource]:
    """An account's own resources by ARN, those that are there; in as many statements as they are of Regions and types.

    An ARN without an account is left out: whose resource it names is not told by it.
    """
    wanted: dict[tuple[str, ResourceType], dict[str, str]] = defaultdict(dict)
    for arn in arns:
        name = parse(arn)
        if name is not None and name.account_id == account_id:
            wanted[name.region, name.type][name.resource_id] = arn
    by_arn: dict[str, Resource] = {}
    for (region, type_), ids in wanted.items():
        statement = select_resources().where(
            resources.c.account_id == account_id,
            resources.c.region == region,
            resources.c.type == type_.value,
            resources.c.resource_id.in_(sorted(ids)),
            resources.c.gone_at.is_(None),
        )
        by_arn.update((ids[each.resource_id], each) for each in found(connection, statement).values())
    return by_arn
