"""What each act across accounts does, action by action, through which role and on what (RO-6).

The one table that every check of a role's policy reads, and that `docs/crossing.md` prints.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.roles.rules import ServiceLinkedRoleKind as Role


class Act(StrEnum):
    """What the service does for one account in another, or for an account outside Tollgate."""

    LINK = "link the organization"
    UNLINK = "undo the link"
    ENABLE_DISCOVERY = "turn on discovery across accounts"
    SEARCH = "search the organization's inventory"
    SYNC = "bring the organization's inventory up to date"
    SYNC_OWN = "bring an account's own inventory up to date"
    CREATE_SHARE = "create a share tagged Service=LicenseManager"
    SHARE_WITH_MEMBERS = "share a license configuration with all member accounts"
    RENAME_SHARE = "rename a share tagged Service=LicenseManager"
    ADD_TO_SHARE = "add to a share tagged Service=LicenseManager"
    REMOVE_FROM_SHARE = "remove from a share tagged Service=LicenseManager"
    DELETE_SHARE = "delete a share tagged Service=LicenseManager"
    ACCEPT_SHARE = "accept a share for the invited account"
    ACT_IN_MEMBER = "associate or disassociate a resource of another account"
    PUBLISH = "publish to the account's topic"
    DELIVER = "deliver files to the account's bucket"


class On(StrEnum):
    """What an action is done on; its ARN is put in when it is asked."""

    ORGANIZATION = "the organization"
    BUCKET = "the bucket"
    OBJECTS = "the bucket's objects"
    SYNC_OBJECTS = "the bucket's objects under resource_sync/"
    QUERIES = "the Region's workgroup"
    CATALOG = "the Region's data catalog"
    SHARE = "the share"
    RESOURCE = "the resource"
    ACCOUNT = "the account's resources in the Region"
    TOPIC = "the topic"


class Tagged(StrEnum):
    """The condition key under which a share's tag Service is told: of one being made, or of one that is there."""

    REQUEST = "aws:RequestTag/Service"
    RESOURCE = "ram:ResourceTag/Service"


@dataclass(frozen=True, slots=True)
class Need:
    """One action that an act takes, of one role."""

    role: Role
    action: str
    on: On
    tagged: Tagged | None = None


def _needs(role: Role, on: On, service: str, *actions: str, tagged: Tagged | None = None) -> tuple[Need, ...]:
    return tuple(Need(role, f"{service}:{action}", on, tagged) for action in actions)


_CORE, _MASTER, _MEMBER = Role.CORE, Role.MASTER_ACCOUNT, Role.MEMBER_ACCOUNT
_FIND_SHARES = _needs(_MASTER, On.SHARE, "ram", "GetResourceShares", "GetResourceShareAssociations")
_MAKE_SHARE = (
    *_needs(_MASTER, On.SHARE, "ram", "CreateResourceShare", tagged=Tagged.REQUEST),
    *_needs(_MASTER, On.SHARE, "ram", "TagResource"),
)
_ADD = _needs(_MASTER, On.SHARE, "ram", "AssociateResourceShare", tagged=Tagged.RESOURCE)
_REMOVE = _needs(_MASTER, On.SHARE, "ram", "DisassociateResourceShare", tagged=Tagged.RESOURCE)
_DELETE = _needs(_MASTER, On.SHARE, "ram", "DeleteResourceShare", tagged=Tagged.RESOURCE)
_FIND_BUCKET = _needs(_MASTER, On.BUCKET, "s3", "GetBucketLocation", "ListBucket")

ACTS: Mapping[Act, tuple[Need, ...]] = {
    Act.LINK: (
        *_needs(
            _CORE,
            On.ORGANIZATION,
            "organizations",
            "DescribeOrganization",
            "ListAWSServiceAccessForOrganization",
        ),
        *_needs(
            _MASTER,
            On.ORGANIZATION,
            "organizations",
            "DescribeOrganization",
            "ListAWSServiceAccessForOrganization",
            "ListAccounts",
        ),
        *_FIND_BUCKET,
        *_FIND_SHARES,
        *_MAKE_SHARE,
        *_ADD,
    ),
    Act.UNLINK: (*_FIND_SHARES, *_REMOVE, *_DELETE),
    Act.ENABLE_DISCOVERY: (
        *_needs(_MASTER, On.ORGANIZATION, "organizations", "ListAccounts"),
        *_FIND_BUCKET,
        *_needs(
            _MASTER,
            On.BUCKET,
            "s3",
            "GetLifecycleConfiguration",
            "PutLifecycleConfiguration",
            "GetBucketPolicy",
            "PutBucketPolicy",
        ),
    ),
    Act.SEARCH: (
        *_needs(
            _MASTER,
            On.ORGANIZATION,
            "organizations",
            "ListAccounts",
            "ListRoots",
            "ListChildren",
            "ListParents",
            "ListAccountsForParent",
        ),
        *_FIND_BUCKET,
        *_needs(_MASTER, On.OBJECTS, "s3", "GetObject", "PutObject"),
        *_needs(_MASTER, On.QUERIES, "athena", "StartQueryExecution", "GetQueryExecution", "GetQueryResults"),
        *_needs(_MASTER, On.CATALOG, "glue", "GetTable", "GetPartition", "GetPartitions"),
        *_needs(_MEMBER, On.ACCOUNT, "ssm", "GetInventory", "ListInventoryEntries"),
    ),
    Act.SYNC: (
        *_needs(
            _MASTER,
            On.ORGANIZATION,
            "organizations",
            "DescribeOrganization",
            "ListAccounts",
            "DescribeAccount",
            "ListRoots",
            "ListChildren",
            "ListAWSServiceAccessForOrganization",
        ),
        *_FIND_BUCKET,
        *_needs(
            _MASTER,
            On.OBJECTS,
            "s3",
            "GetObject",
            "PutObject",
            "AbortMultipartUpload",
            "ListBucketMultipartUploads",
            "ListMultipartUploadParts",
        ),
        *_needs(_MASTER, On.SYNC_OBJECTS, "s3", "DeleteObject"),
        *_needs(
            _MEMBER,
            On.ACCOUNT,
            "ssm",
            "GetInventory",
            "ListInventoryEntries",
            "ListAssociations",
            "CreateAssociation",
            "ListResourceDataSync",
            "CreateResourceDataSync",
            "DeleteResourceDataSync",
        ),
    ),
    Act.SYNC_OWN: (
        *_needs(_CORE, On.ACCOUNT, "ec2", "DescribeInstances", "DescribeImages", "DescribeHosts"),
        *_needs(_CORE, On.ACCOUNT, "ssm", "GetInventory", "ListInventoryEntries", "CreateAssociation"),
    ),
    Act.CREATE_SHARE: _MAKE_SHARE,
    Act.SHARE_WITH_MEMBERS: (*_FIND_SHARES, *_ADD),
    Act.RENAME_SHARE: _needs(_MASTER, On.SHARE, "ram", "UpdateResourceShare", tagged=Tagged.RESOURCE),
    Act.ADD_TO_SHARE: _ADD,
    Act.REMOVE_FROM_SHARE: _REMOVE,
    Act.DELETE_SHARE: _DELETE,
    Act.ACCEPT_SHARE: _needs(_MEMBER, On.SHARE, "ram", "GetResourceShareInvitations", "AcceptResourceShareInvitation"),
    Act.ACT_IN_MEMBER: _needs(_MEMBER, On.RESOURCE, "license-manager", "UpdateLicenseSpecificationsForResource"),
    Act.PUBLISH: _needs(_CORE, On.TOPIC, "sns", "Publish"),
    Act.DELIVER: (
        *_needs(_CORE, On.BUCKET, "s3", "GetBucketLocation", "ListBucket"),
        *_needs(_CORE, On.OBJECTS, "s3", "PutObject"),
    ),
}


def needs(act: Act, role: Role) -> tuple[Need, ...]:
    """The actions that an act takes of one role."""
    return tuple(each for each in ACTS[act] if each.role is role)
