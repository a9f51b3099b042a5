"""The inventory: an account's own, or the whole organization's for its master (IN-1, IN-2)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.aws.calls import Answer, Read, reads
from app.aws.errors import invalid_value, too_many_filters
from app.aws.filters import MOST_FILTERS
from app.aws.names import RESOURCE
from app.aws.paging import page_of
from app.compute.resources import Resource, load
from app.inventory.listing import list_resources
from app.inventory.search.terms import And, Expression, Field, Not, Operator, Term
from app.kernel.checks import require
from app.kernel.ids import check_account_id, check_text
from app.kernel.regions import region as region_of
from app.kernel.tags import LONGEST_KEY
from app.linking.inventory import search
from app.organizations.service import membership

LONGEST_VALUE = 256
_TAG = "tag:"
_FIELDS: Mapping[str, Field] = {
    "account_id": Field.ACCOUNT,
    "application_name": Field.APPLICATION,
    "platform": Field.PLATFORM,
    "resource_id": Field.ID,
}
_CONDITIONS: Mapping[str, Callable[[Field, str, str], Expression]] = {
    "EQUALS": lambda field, key, value: Term(field, Operator.EQUALS, value, 0, key),
    "NOT_EQUALS": lambda field, key, value: Not(Term(field, Operator.EQUALS, value, 0, key)),
    "BEGINS_WITH": lambda field, key, value: Term(field, Operator.BEGINS, value, 0, key),
    "CONTAINS": lambda field, key, value: Term(field, Operator.CONTAINS, value, 0, key),
}


@reads("ListResourceInventory")
def list_inventory(call: Read) -> Answer:
    page = page_of(call, "ListResourceInventory")
    filters = call.given.get("Filters", [])
    if len(filters) > MOST_FILTERS:
        raise too_many_filters("filters", len(filters), MOST_FILTERS)
    parts = tuple(_expression(each) for each in filters)
    found = list_resources(
        call.connection,
        call.viewer.account_id,
        And(parts) if parts else None,
        region=call.region,
        account_ids=_accounts(call, filters),
        types=list(RESOURCE),
        after=page.after or 0,
        limit=page.read,
    )
    shown, token = page.shown(found, lambda each: each.key)
    return {"ResourceInventoryList": _described(call, shown), "NextToken": token}


def _expression(given: Mapping[str, str]) -> Expression:
    name, value = given["Name"], given.get("Value")
    if value is None:
        raise invalid_value(f"The filter {name[:64]} has no value.")
    check_text(value, f"The value of the filter {name[:64]}", LONGEST_VALUE, minimum=0)
    field, key = _field(name)
    if field is Field.ACCOUNT and given["Condition"] in ("EQUALS", "NOT_EQUALS"):
        check_account_id(value)
    return _CONDITIONS[given["Condition"]](field, key, value)


def _field(name: str) -> tuple[Field, str]:
    if name.startswith(_TAG):
        return Field.TAG, check_text(name.removeprefix(_TAG), "A tag's key", LONGEST_KEY)
    if name not in _FIELDS:
        raise invalid_value(f"“{name[:64]}” is not a filter here: there are {', '.join(_FIELDS)} and tag:KEY.")
    return _FIELDS[name], ""


def _accounts(call: Read, filters: Sequence[Mapping[str, Any]]) -> Sequence[str]:
    """The accounts that are read: where discovery is on, for the master all that let it in; else its own.

    Members that can't be read are left out: AWS's answer has no place to name them. Who asks for its own account by a
    filter needs nothing of the others.
    """
    own = call.viewer.account_id
    if any((each["Name"], each["Condition"], each.get("Value")) == ("account_id", "EQUALS", own) for each in filters):
        return [own]
    place = membership(call.connection, own)
    across = place is not None and place.is_master and place.organization.discovery_enabled
    if not across or not region_of(call.region).supports_cross_account:
        return [own]
    reached = search(call.connection, own, call.region)
    require(reached.checks)
    return reached.account_ids


def _described(call: Read, shown: Sequence[Resource]) -> list[Answer]:
    keys = {key for each in shown for key in (each.image_key, each.host_key) if key is not None}
    beside = {key: each.resource_id for key, each in load(call.connection, keys, gone=True).items()}
    return [
        {
            "ResourceId": each.resource_id,
            "ResourceType": RESOURCE[each.type],
            "ResourceArn": each.arn,
            "Platform": each.platform,
            "ResourceOwningAccountId": each.account_id,
            "MarketplaceProductCodes": [each.product_code] if each.product_code else None,
            "AmiId": beside.get(each.image_key) if each.image_key else None,
            "HostId": beside.get(each.host_key) if each.host_key else None,
            "Region": each.region,
            "InstanceType": each.instance_type,
        }
        for each in shown
    ]
