"""What the collector may ask of AWS: what the roles' policies grant, and what the operator added (RO-6)."""

import json
from collections.abc import Collection

from app.roles.policies import Request, grants, parse
from app.roles.rules import ServiceLinkedRoleKind, definitions

INSTANCES, IMAGES, HOSTS = "ec2:DescribeInstances", "ec2:DescribeImages", "ec2:DescribeHosts"
TEMPLATES, TEMPLATE_VERSIONS = "ec2:DescribeLaunchTemplates", "ec2:DescribeLaunchTemplateVersions"
INVENTORY, INFORMATION = "ssm:GetInventory", "ssm:DescribeInstanceInformation"
ORGANIZATION, ACCOUNTS = "organizations:DescribeOrganization", "organizations:ListAccounts"
ROOTS, CHILDREN = "organizations:ListRoots", "organizations:ListChildren"
UNITS = "organizations:ListOrganizationalUnitsForParent"
SERVICE_ACCESS = "organizations:ListAWSServiceAccessForOrganization"
IDENTITY, ASSUME = "sts:GetCallerIdentity", "sts:AssumeRole"

OF_AN_ACCOUNT = (INSTANCES, IMAGES, HOSTS, TEMPLATES, TEMPLATE_VERSIONS, INVENTORY, INFORMATION)
OF_THE_MASTER = (ORGANIZATION, ACCOUNTS, ROOTS, CHILDREN, UNITS, SERVICE_ACCESS)
OF_THE_CALLER = (IDENTITY, ASSUME)
"""What the collector does as itself: who it is, which AWS lets everyone ask, and becoming the role in a member."""

_CORE, _MASTER = ServiceLinkedRoleKind.CORE, ServiceLinkedRoleKind.MASTER_ACCOUNT


def of_an_account(additional: Collection[str]) -> frozenset[str]:
    """The actions that are used in an account: those of its core role, and what the operator added."""
    return frozenset(each for each in OF_AN_ACCOUNT if each in additional or _granted(_CORE, each))


def of_the_master(additional: Collection[str]) -> frozenset[str]:
    """The actions that are used to read the organization, in its master account."""
    return frozenset(each for each in OF_THE_MASTER if each in additional or _granted(_MASTER, each))


def session_policy(actions: Collection[str]) -> str:
    """What a session of an assumed role is held to by AWS itself, whatever else the role may do."""
    statement = {"Effect": "Allow", "Action": sorted(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))


def _granted(kind: ServiceLinkedRoleKind, action: str) -> bool:
    return grants(parse(definitions()[kind].policy), Request(action, "*", {}))
