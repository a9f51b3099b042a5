"""Operations that change something: each a unit of work with its record, and many alike in one.

What most calls of UpdateLicenseSpecificationsForResource do, one configuration put on or taken off one resource of the
caller's, the licensing slice does to many resources at once: waiting calls of one caller and one configuration become
one act, each with a record of its own. Where anything stands against any of them, each is tried alone.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.aws.audit import Called, record
from app.aws.calls import WRITES, Answer, Kept, Operation, Write, arn_of_region
from app.aws.errors import AwsError, error_of
from app.aws.operations.specifications import UPDATE
from app.compute.by_arn import own_by_arns
from app.compute.resources import Resource
from app.compute.rules import ResourceType
from app.kernel.database import Transaction
from app.kernel.errors import DomainError
from app.kernel.viewer import Permission
from app.licensing.bulk import associate
from app.licensing.disassociation import disassociate
from app.licensing.service import ConfigurationFacts, facts, keys_of_arns

Outcome = Answer | AwsError
_ACTS = {"AddLicenseSpecifications": associate, "RemoveLicenseSpecifications": disassociate}


@dataclass(frozen=True, slots=True)
class Command:
    """One call that changes something."""

    called: Called
    region: str


def act(tx: Transaction, command: Command) -> Outcome:
    """One unit of work: what was done and its record, or what was refused and its record."""
    called, viewer = command.called, command.called.credential.viewer
    served: Operation[Write] = WRITES[called.operation]
    outcome: Outcome
    refused: AwsError | None = None
    tx.begin_action()
    try:
        viewer.require(served.needs)
        with tx.savepoint():
            outcome = served.run(Write(viewer, command.region, called.given, tx))
    except DomainError as error:
        outcome = refused = error_of(error.refusals)
        if isinstance(error, Kept):
            error.keep(tx)
    except AwsError as error:
        outcome = refused = error
    record(tx, called, refused, read_only=False)
    return outcome


def act_on_many(tx: Transaction, commands: Sequence[Command]) -> list[Outcome]:
    """Several calls of UpdateLicenseSpecificationsForResource (a batch of the writer's); an outcome for each."""
    outcomes: dict[int, Outcome] = {}
    if len(commands) > 1:
        for alike in _alike(tx, commands):
            outcomes.update(_together(tx, alike))
    return [
        outcomes[position] if position in outcomes else act(tx, command) for position, command in enumerate(commands)
    ]


# ------------------------------------------------------------ alike


@dataclass(frozen=True, slots=True)
class _Alike:
    """Calls by one caller that do one thing with one configuration, each to another resource; by their places."""

    member: str
    configuration: ConfigurationFacts
    resources: dict[int, Resource]
    called: dict[int, Called]


def _alike(tx: Transaction, commands: Sequence[Command]) -> list[_Alike]:
    """The calls that can be one act, in an order of configurations that no two servers have differently."""
    grouped: dict[tuple[Any, ...], dict[int, Command]] = defaultdict(dict)
    for position, command in enumerate(commands):
        named = _only_specification(command)
        if named is not None:
            member, arn = named
            grouped[arn, member, command.region, command.called.credential.viewer][position] = command
    several = {key: group for key, group in grouped.items() if len(group) > 1}
    keys = keys_of_arns(tx.connection, {arn for arn, *_ in several}) if several else {}
    known = facts(tx.connection, keys.values())
    found = [
        _with_resources(tx, member, known[keys[arn]], viewer.account_id, group)
        for (arn, member, _, viewer), group in several.items()
        if keys.get(arn) in known
    ]
    return sorted(found, key=lambda each: each.configuration.key)


def _only_specification(command: Command) -> tuple[str, str] | None:
    """The member and the configuration's ARN of a call that names just one, well-formed, and may be done."""
    given = command.called.given
    named = [(member, given[member]) for member in _ACTS if given.get(member)]
    if len(named) != 1 or not command.called.credential.viewer.permission.includes(Permission.ADMINISTRATOR):
        return None
    (member, specifications), *_ = named
    if len(specifications) != 1:
        return None
    arn = specifications[0]["LicenseConfigurationArn"]
    try:
        arn_of_region(arn, command.region)
        arn_of_region(given["ResourceArn"], command.region)
    except AwsError:
        return None
    return member, arn


def _with_resources(
    tx: Transaction, member: str, configuration: ConfigurationFacts, account_id: str, group: dict[int, Command]
) -> _Alike:
    arns = {position: command.called.given["ResourceArn"] for position, command in group.items()}
    own = own_by_arns(tx.connection, account_id, set(arns.values()))
    taken: set[str] = set()
    resources: dict[int, Resource] = {}
    for position, arn in arns.items():
        if arn in own and arn not in taken and own[arn].type != ResourceType.LAUNCH_TEMPLATE:
            resources[position] = own[arn]
            taken.add(arn)
    return _Alike(member, configuration, resources, {position: group[position].called for position in resources})


def _together(tx: Transaction, alike: _Alike) -> dict[int, Outcome]:
    """Do all of it, each with its record; nothing of it, and no outcomes, where anything stands against any."""
    if len(alike.resources) < 2:
        return {}
    viewer = next(iter(alike.called.values())).credential.viewer
    tx.begin_action()
    try:
        with tx.savepoint():
            keys = [resource.key for resource in alike.resources.values()]
            result = _ACTS[alike.member](tx, viewer, alike.configuration.key, keys)
            if result.refusals:
                raise DomainError(*result.refusals)
    except DomainError:
        return {}
    for position, resource in alike.resources.items():
        tx.begin_action()
        tx.concern(resource.arn, resource.account_id)
        tx.concern(alike.configuration.arn, alike.configuration.owner_account_id)
        record(tx, alike.called[position], None, read_only=False)
    return {position: {} for position in alike.resources}


BATCHED = {UPDATE: act_on_many}
"""Operations of which several waiting calls become one act."""
