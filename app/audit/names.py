"""What the actions are called in records: AWS's names where AWS has the operation (AU-4)."""

from functools import lru_cache
from typing import NamedTuple

OWN_SOURCE = "tollgate"
"""The source of actions that AWS has no operation for."""


class EventName(NamedTuple):
    """A record's `eventName` and `eventSource`."""

    name: str
    source: str


_OPERATIONS = {
    "license-manager": {
        "licenseConfiguration": "GetLicenseConfiguration",
        "licenseConfigurations": "ListLicenseConfigurations",
        "resourceInventory": "ListResourceInventory",
        "createLicenseConfiguration": "CreateLicenseConfiguration",
        "updateLicenseConfiguration": "UpdateLicenseConfiguration",
        "deleteLicenseConfiguration": "DeleteLicenseConfiguration",
        "associateResources": "UpdateLicenseSpecificationsForResource",
        "disassociateResources": "UpdateLicenseSpecificationsForResource",
        "updateServiceSettings": "UpdateServiceSettings",
        "tagResource": "TagResource",
        "untagResource": "UntagResource",
    },
    "ec2": {
        "regions": "DescribeRegions",
        "registerImage": "RegisterImage",
        "shareImage": "ModifyImageAttribute",
        "deregisterImage": "DeregisterImage",
        "createLaunchTemplate": "CreateLaunchTemplate",
        "deleteLaunchTemplate": "DeleteLaunchTemplate",
        "allocateHosts": "AllocateHosts",
        "releaseHost": "ReleaseHosts",
        "launchInstances": "RunInstances",
        "startInstances": "StartInstances",
        "stopInstances": "StopInstances",
        "terminateInstances": "TerminateInstances",
    },
    "organizations": {
        "organization": "DescribeOrganization",
        "account": "DescribeAccount",
        "accountInvitations": "ListHandshakesForAccount",
        "createOrganization": "CreateOrganization",
        "enableAllFeatures": "EnableAllFeatures",
        "enableServiceAccess": "EnableAWSServiceAccess",
        "disableServiceAccess": "DisableAWSServiceAccess",
        "createOrganizationalUnit": "CreateOrganizationalUnit",
        "createAccount": "CreateAccount",
        "moveAccount": "MoveAccount",
        "removeAccount": "RemoveAccountFromOrganization",
        "leaveOrganization": "LeaveOrganization",
        "inviteAccount": "InviteAccountToOrganization",
        "acceptAccountInvitation": "AcceptHandshake",
        "rejectAccountInvitation": "DeclineHandshake",
    },
    "iam": {
        "createServiceLinkedRole": "CreateServiceLinkedRole",
        "updateServiceLinkedRole": "UpdateRoleDescription",
        "deleteServiceLinkedRole": "DeleteServiceLinkedRole",
        "createAccessKey": "CreateAccessKey",
        "updateAccessKey": "UpdateAccessKey",
        "deleteAccessKey": "DeleteAccessKey",
    },
    "ram": {
        "resourceShares": "GetResourceShares",
        "resourceShareInvitations": "GetResourceShareInvitations",
        "createResourceShare": "CreateResourceShare",
        "updateResourceShare": "UpdateResourceShare",
        "deleteResourceShare": "DeleteResourceShare",
        "acceptResourceShareInvitation": "AcceptResourceShareInvitation",
        "rejectResourceShareInvitation": "RejectResourceShareInvitation",
    },
    "glue": {"upgradeDataCatalog": "ImportCatalogToGlue"},
    "ssm": {"putInventory": "PutInventory", "deregisterManagedInstance": "DeregisterManagedInstance"},
    "sts": {"viewer": "GetCallerIdentity"},
    "cloudtrail": {"auditEvents": "LookupEvents"},
}
_EVENTS = {
    action: EventName(name, f"{service}.amazonaws.com")
    for service, operations in _OPERATIONS.items()
    for action, name in operations.items()
}
_SOURCES = {event.name: event.source for event in _EVENTS.values()}


def known_fields() -> frozenset[str]:
    """The GraphQL fields that AWS has an operation for."""
    return frozenset(_EVENTS)


@lru_cache(maxsize=1024)
def event_name(action: str) -> EventName:
    """The event of an action: a GraphQL root field, or an AWS operation, alone or as `service:Operation`.

    A field that AWS has no operation for is itself in PascalCase, from Tollgate.
    """
    known = _EVENTS.get(action)
    if known is not None:
        return known
    service, colon, operation = action.partition(":")
    if colon:
        return EventName(operation, f"{service}.amazonaws.com")
    name = action[:1].upper() + action[1:]
    return EventName(name, _SOURCES.get(name, OWN_SOURCE))
