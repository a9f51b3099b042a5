"""Why an action would be allowed or refused, by the very checks that it runs, without doing it."""

from collections.abc import Callable, Mapping
from enum import StrEnum

import strawberry
from sqlalchemy import Connection

from app.compute.resources import visible
from app.kernel.checks import Check, asked
from app.kernel.errors import DomainError, invalid, not_found
from app.kernel.graphql.errors import UserError, user_error
from app.kernel.graphql.perform import Info
from app.kernel.graphql.scalars import RegionCode
from app.kernel.ids import parse_node_id
from app.kernel.regions import region as known_region
from app.kernel.viewer import Permission, Viewer
from app.licensing.association_checks import AssociationFacts, caller_checks
from app.licensing.configurations import delete_checks as configuration_delete_checks
from app.licensing.disassociation import disassociation_checks
from app.linking.crossing import checks_to_enable_discovery, checks_to_link, search
from app.roles.management import delete_checks as role_delete_checks
from app.roles.management import own_role
from app.roles.rules import ServiceLinkedRoleKind
from app.sharing.managed import checks_to_share


class Action(StrEnum):
    """What a decision can be asked about."""

    LINK_ORGANIZATION = "LINK_ORGANIZATION"
    ENABLE_CROSS_ACCOUNT_DISCOVERY = "ENABLE_CROSS_ACCOUNT_DISCOVERY"
    SEARCH_ORGANIZATION = "SEARCH_ORGANIZATION"
    SHARE = "SHARE"
    ASSOCIATE = "ASSOCIATE"
    DISASSOCIATE = "DISASSOCIATE"
    DELETE_LICENSE_CONFIGURATION = "DELETE_LICENSE_CONFIGURATION"
    DELETE_SERVICE_LINKED_ROLE = "DELETE_SERVICE_LINKED_ROLE"


strawberry.enum(Action, description="What a decision can be asked about.")


@strawberry.input
class DecisionInput:
    action: Action
    region: RegionCode | None = None
    license_configuration_id: strawberry.ID | None = None
    resource_id: strawberry.ID | None = None
    service_linked_role_id: strawberry.ID | None = None


@strawberry.type(name="Check")
class CheckType:
    rule: str
    description: str
    passed: bool
    error: UserError | None = strawberry.field(description="Set where it did not pass.")


@strawberry.type(description="What a launch would do, or why an action would be refused: every check, passed or not.")
class Decision:
    allowed: bool
    checks: list[CheckType]


Explain = Callable[[Connection, Viewer, DecisionInput], list[Check]]


def explain(connection: Connection, viewer: Viewer, question: DecisionInput) -> list[Check]:
    """The checks of an action, in the order in which it runs them; the first is the caller's permission (PM-1)."""
    # The search alone is a read.
    needed = Permission.AUDITOR if question.action is Action.SEARCH_ORGANIZATION else Permission.ADMINISTRATOR
    permission = asked("PM-1", f"The caller has the permission {needed.lower()}", lambda: viewer.require(needed))
    return [permission, *_EXPLANATIONS[question.action](connection, viewer, question)]


def _region(question: DecisionInput) -> str:
    if question.region is None:
        raise invalid("This action is asked about in a Region.", "input", "region")
    return known_region(question.region, "input", "region").code


def _key(given: str | None, prefix: str, name: str) -> int:
    """The key in an id that the action needs; a key that no row has where the id can name nothing."""
    if given is None:
        raise invalid(f"This action is asked about with {name}.", "input", name)
    parsed = parse_node_id(given)
    return parsed.key if parsed and parsed.prefix == prefix else -1


def _configuration(question: DecisionInput) -> int:
    return _key(question.license_configuration_id, "lc", "licenseConfigurationId")


def _link(connection: Connection, viewer: Viewer, question: DecisionInput) -> list[Check]:
    return checks_to_link(connection, viewer.account_id, _region(question))


def _discover(connection: Connection, viewer: Viewer, question: DecisionInput) -> list[Check]:
    return checks_to_enable_discovery(connection, viewer.account_id, _region(question))


def _search(connection: Connection, viewer: Viewer, question: DecisionInput) -> list[Check]:
    region = _region(question) if question.region is not None else None
    return list(search(connection, viewer.account_id, region).checks)


def _share(connection: Connection, viewer: Viewer, question: DecisionInput) -> list[Check]:
    return checks_to_share(connection, viewer.account_id, _configuration(question))


def _associate(connection: Connection, viewer: Viewer, question: DecisionInput) -> list[Check]:
    configuration, resource_key = _configuration(question), _key(question.resource_id, "res", "resourceId")
    checks = caller_checks(connection, viewer.account_id, configuration)
    resource = visible(connection, viewer.account_id, [resource_key]).get(resource_key)
    if resource is None:
        absent = not_found("The resource", "input", "resourceId").refusals[0]
        return [*checks, Check("PM-2", "The resource exists", absent)]
    checks.append(Check("PM-2", "The resource exists"))
    if not all(check.passed for check in checks):
        return checks
    facts = AssociationFacts(connection, viewer.account_id, configuration, [resource], lock=False)
    return [*checks, *facts.checks(resource)]


def _disassociate(connection: Connection, viewer: Viewer, question: DecisionInput) -> list[Check]:
    return disassociation_checks(
        connection, viewer.account_id, _configuration(question), _key(question.resource_id, "res", "resourceId")
    )


def _delete_configuration(connection: Connection, viewer: Viewer, question: DecisionInput) -> list[Check]:
    return configuration_delete_checks(connection, viewer.account_id, _configuration(question))


def _delete_role(connection: Connection, viewer: Viewer, question: DecisionInput) -> list[Check]:
    if question.service_linked_role_id is None:
        raise invalid("This action is asked about with serviceLinkedRoleId.", "input", "serviceLinkedRoleId")
    try:
        role = own_role(connection, viewer.account_id, question.service_linked_role_id)
    except DomainError as error:
        return [Check("PM-2", "The role is the account's own", error.refusals[0])]
    return role_delete_checks(connection, viewer.account_id, ServiceLinkedRoleKind(role.kind))


_EXPLANATIONS: Mapping[Action, Explain] = {
    Action.LINK_ORGANIZATION: _link,
    Action.ENABLE_CROSS_ACCOUNT_DISCOVERY: _discover,
    Action.SEARCH_ORGANIZATION: _search,
    Action.SHARE: _share,
    Action.ASSOCIATE: _associate,
    Action.DISASSOCIATE: _disassociate,
    Action.DELETE_LICENSE_CONFIGURATION: _delete_configuration,
    Action.DELETE_SERVICE_LINKED_ROLE: _delete_role,
}


@strawberry.type
class DecisionQuery:
    @strawberry.field(description="Why an action would be allowed or refused, without doing it.")
    async def decision(self, info: Info, input: DecisionInput) -> Decision:
        viewer = info.context.viewer
        checks = await info.context.database.read(lambda connection: explain(connection, viewer, input), snapshot=True)
        return Decision(
            allowed=all(check.passed for check in checks),
            checks=[
                CheckType(
                    rule=check.rule,
                    description=check.description,
                    passed=check.passed,
                    error=user_error(check.refusal) if check.refusal else None,
                )
                for check in checks
            ],
        )
