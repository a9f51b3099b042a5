"""Asks AWS what an organization is: its accounts, its units, and who is in them."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, TypeVar

from app.inventory.aws import organizations, permissions
from app.inventory.aws.clients import Asker
from app.inventory.aws.organizations import OrganizationAnswers
from app.inventory.aws.refusals import CallRefused, unexpected
from app.inventory.aws.shapes import Shape, Unexpected, read
from app.organizations.observed import ObservedOrganization, ObservedUnit

S = TypeVar("S", bound=Shape)
NOT_IN_USE = "AWSOrganizationsNotInUseException"


def organization(asker: Asker, account_id: str) -> ObservedOrganization | None:
    """The organization whose master account the caller is; None for any other account. Raises CallRefused.

    Units have their names where the action that tells them is allowed.
    """
    try:
        return _organization(_Asked(asker), account_id)
    except Unexpected as error:
        raise CallRefused(unexpected(error, permissions.ORGANIZATION, account_id)) from None


def _organization(asked: "_Asked", account_id: str) -> ObservedOrganization | None:
    try:
        (described,) = asked.all(permissions.ORGANIZATION, organizations.DescribeOrganization)
    except CallRefused as error:
        if error.code == NOT_IN_USE:
            return None
        raise
    if described.organization.master_account_id != account_id:
        return None
    answers = OrganizationAnswers(described.organization)
    (root,) = (each for page in asked.all(permissions.ROOTS, organizations.ListRoots) for each in page.roots)
    answers.root_id = root.id
    answers.accounts = [
        each for page in asked.all(permissions.ACCOUNTS, organizations.ListAccounts) for each in page.accounts
    ]
    answers.service_principals = [
        each.service_principal
        for page in asked.all(permissions.SERVICE_ACCESS, organizations.ListServiceAccess)
        for each in page.enabled_service_principals
    ]
    units, parents = list[ObservedUnit](), [root.id]
    for parent in parents:  # grows as it goes down
        below = list(asked.units(parent))
        units += below
        parents += [each.unit_id for each in below]
        answers.placed[parent] = list(asked.children(parent, "ACCOUNT"))
    return replace(answers.observed(), units=units, parents=frozenset(parents))


class _Asked:
    def __init__(self, asker: Asker) -> None:
        self._asker = asker

    def all(self, action: str, shape: type[S], **parameters: Any) -> Iterator[S]:
        for page in self._asker.pages(action, **parameters):
            yield read(shape, dict(page))

    def units(self, parent: str) -> Iterator[ObservedUnit]:
        if permissions.UNITS in self._asker.allowed:
            for page in self.all(permissions.UNITS, organizations.ListUnits, ParentId=parent):
                yield from (ObservedUnit(each.id, each.name, parent) for each in page.organizational_units)
        else:
            for id_ in self.children(parent, "ORGANIZATIONAL_UNIT"):
                yield ObservedUnit(id_, None, parent)

    def children(self, parent: str, kind: str) -> Iterator[str]:
        for page in self.all(permissions.CHILDREN, organizations.ListChildren, ParentId=parent, ChildType=kind):
            yield from (each.id for each in page.children)
