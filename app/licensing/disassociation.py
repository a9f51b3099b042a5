"""Taking a configuration off resources in bulk: each stands or falls alone (SH-5, SH-6, TR-2)."""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection

from app.compute.resources import Resource, load, visible
from app.kernel.checks import Check, require
from app.kernel.database import Transaction
from app.kernel.errors import Refusal, not_found
from app.kernel.viewer import Viewer
from app.licensing import taken_off
from app.licensing.association_checks import core_check, use_checks
from app.licensing.associations import Association, on_resources
from app.licensing.bulk import BulkResult, at, check_number
from app.licensing.failures import note_failures
from app.licensing.release import release
from app.licensing.service import facts as facts_of
from app.linking.members import acts_in_members
from app.linking.usage import reasons


class DisassociationFacts:
    """What an account may take a configuration off, and what stands against it.

    An account always may for its own resources, also once a share has ended (SH-5). The owner of the configuration may
    for the resources of others, but only through their member role (SH-6): also for a member's image that the owner
    saw through that role alone, and sees no more (TR-2).
    """

    def __init__(
        self, connection: Connection, account_id: str, configuration_key: int, resource_keys: Collection[int]
    ) -> None:
        self.account_id = account_id
        self.configuration = facts_of(connection, [configuration_key]).get(configuration_key)
        owns = self.configuration is not None and self.configuration.owner_account_id == account_id
        present = on_resources(connection, resource_keys, configuration_key)
        self.reachable = {each.resource_key: each for each in present if owns or each.account_id == account_id}
        self.caller = [core_check(connection, account_id)]
        if self.configuration is None or not (owns or self.reachable):
            self.caller += use_checks(connection, account_id, configuration_key)
        self.resources = load(connection, self.reachable, gone=True)
        self._held = self._holders(connection, owns=owns)
        foreign = set(self._held.values()) - {account_id}
        self._crossing = (
            acts_in_members(connection, account_id, foreign, self.configuration) if self.configuration else None
        )

    def _holders(self, connection: Connection, *, owns: bool) -> dict[int, str]:
        """Whose consent each takes: that of who associated it, which is not an image's own account (EN-8)."""
        holders = {key: each.account_id for key, each in self.reachable.items()}
        if not owns:
            return holders
        images = {
            key: self.resources[key]
            for key, holder in holders.items()
            if holder == self.account_id != self.resources[key].account_id and self.resources[key].gone_at is None
        }
        seen = visible(connection, self.account_id, images)
        return holders | {key: image.account_id for key, image in images.items() if key not in seen}

    def checks(self, association: Association) -> list[Check]:
        """What taking the configuration off one resource asks."""
        holder = self._held[association.resource_key]
        own, foreign = holder == self.account_id, association.account_id != self.account_id
        if own or self._crossing is None or not (foreign or self._crossing.within_reach(holder)):
            return [Check("SH-5", "The resource is the account's own")]
        return self._crossing.checks(holder, self.resources[association.resource_key].arn, associating=False)


def disassociation_checks(
    connection: Connection, account_id: str, configuration_key: int, resource_key: int
) -> list[Check]:
    """Every check of one disassociation, for its explanation."""
    facts = DisassociationFacts(connection, account_id, configuration_key, [resource_key])
    association = facts.reachable.get(resource_key)
    if association is None:
        absent = not_found("The association").refusals[0]
        return [*facts.caller, Check("PM-2", "The association exists", absent)]
    return [*facts.caller, Check("PM-2", "The association exists"), *facts.checks(association)]


def disassociate(
    tx: Transaction, viewer: Viewer, configuration_key: int, resource_keys: Sequence[int | None]
) -> BulkResult:
    """Take a configuration off resources and release what they consume; the result's keys are of the resources."""
    check_number(resource_keys)
    keys = [key for key in resource_keys if key is not None]
    facts = DisassociationFacts(tx.connection, viewer.account_id, configuration_key, keys)
    require(facts.caller)
    result = BulkResult(configuration_key)
    failed: list[tuple[Resource, Refusal]] = []
    for position, key in enumerate(resource_keys):
        association = facts.reachable.get(key) if key is not None else None
        if association is None:
            result.refusals += not_found("The association", "input", "resourceIds", str(position)).refusals
            continue
        resource = facts.resources[association.resource_key]
        tx.concern(resource.arn, association.account_id)
        if facts.configuration is not None:
            tx.concern(facts.configuration.arn, facts.configuration.owner_account_id)
        refusals = reasons(facts.checks(association))
        result.refusals += [at(refusal, resource, position) for refusal in refusals]
        failed += [(resource, refusal) for refusal in refusals]
        if not refusals and resource.key not in result.done:
            result.done.append(resource.key)
    released = release(tx, result.done, forget=True, configuration_key=configuration_key)
    taken_off.note(tx, viewer, released)
    note_failures(tx, viewer, "DisassociateResources", configuration_key, failed)
    return result
