"""What putting a configuration on a resource, or taking it off, asks: one list for the act and for its explanation."""

from collections.abc import Collection, Iterable

from sqlalchemy import Connection

from app.compute.resources import Resource, load
from app.compute.rules import InstanceState, ResourceType
from app.compute.subjects import is_consuming, subject_of
from app.kernel.checks import Check, asked
from app.kernel.errors import ErrorCode, Refusal, not_found
from app.kernel.ids import node_id
from app.licensing.gate import Book, Gate, Judgement
from app.licensing.service import ConfigurationFacts, facts
from app.linking.members import ActsInMembers, acts_in_members
from app.linking.usage import checks_to_use
from app.roles.service import require_core

NAMED = ("input", "licenseConfigurationId")
"""The input field that names the configuration, of the acts and of their explanation."""


def caller_checks(connection: Connection, account_id: str, configuration_key: int) -> list[Check]:
    """What is asked once of the caller: its core role (RO-2), and that it may use the configuration (SH-4, TR-8)."""
    return [core_check(connection, account_id), *use_checks(connection, account_id, configuration_key)]


def use_checks(connection: Connection, account_id: str, configuration_key: int) -> list[Check]:
    """That the account may use the configuration that the input names."""
    return [each.at(*NAMED) for each in checks_to_use(connection, account_id, configuration_key)]


def core_check(connection: Connection, account_id: str) -> Check:
    """That the account has granted License Manager its core role."""
    return asked("RO-2", "The account has the core service-linked role", lambda: require_core(connection, account_id))


class AssociationFacts:
    """What the associations of one configuration with some resources are judged by, read once for all of them."""

    def __init__(
        self,
        connection: Connection,
        account_id: str,
        configuration_key: int,
        resources: Collection[Resource],
        *,
        lock: bool,
    ) -> None:
        self.account_id = account_id
        self.hosts = load(connection, {each.host_key for each in resources if each.host_key})
        self.gate = Gate.open(connection, [configuration_key], lock=lock, host_keys=host_keys(resources))
        found = facts(connection, [configuration_key]).get(configuration_key)
        if found is None or configuration_key not in self.gate.books:
            # Deleted while its lock was waited for.
            raise not_found("The license configuration", *NAMED)
        self.configuration: ConfigurationFacts = found
        self.book: Book = self.gate.books[configuration_key]
        foreign = {each.account_id for each in resources if self.is_foreign(each)}
        self.crossing: ActsInMembers = acts_in_members(connection, account_id, foreign, self.configuration)

    def is_foreign(self, resource: Resource) -> bool:
        """A shared image is the sharee's to use (EN-8); any other account's resource is reached across accounts."""
        return resource.account_id != self.account_id and resource.type != ResourceType.IMAGE

    def checks(self, resource: Resource) -> list[Check]:
        """Everything that associating the resource asks; the gate is asked where all else passes."""
        checks = self.checks_of_found(resource)
        if all(check.passed for check in checks) and self.counts(resource):
            checks += self._gate(self.judge(resource))
        return checks

    def checks_of_found(self, resource: Resource) -> list[Check]:
        """The same for what was found running: it can't be stopped, so that the gate counts and does not refuse it."""
        checks = [self._region(resource)]
        if self.is_foreign(resource):
            checks += self.crossing.checks(resource.account_id, resource.arn, associating=True)
        return [*checks, self._not_terminated(resource), self._tracks(resource)]

    def counts(self, resource: Resource) -> bool:
        """Whether the resource consumes as soon as it is associated."""
        return self.book.active and is_consuming(resource)

    def judge(self, resource: Resource) -> Judgement:
        """What the gate says of one more such resource, as things stand."""
        host = self.hosts.get(resource.host_key) if resource.host_key else None
        return self.gate.judge([self.book.key], subject_of(resource, host))

    def _region(self, resource: Resource) -> Check:
        text = "The resource is in the license configuration's Region"
        if resource.region == self.book.region:
            return Check("RG-3", text)
        refusal = Refusal(
            code=ErrorCode.REGION_MISMATCH,
            message=f"{resource.resource_id} is in {resource.region}; the license configuration is in "
            f"{self.book.region}.",
            remedy="Use a license configuration of the resource's own Region.",
            rule="RG-3",
        )
        return Check("RG-3", text, refusal)

    def _not_terminated(self, resource: Resource) -> Check:
        text = "The resource is not terminated"
        if resource.state != InstanceState.TERMINATED:
            return Check("EN-5", text)
        refusal = Refusal(
            code=ErrorCode.INVALID_INPUT,
            message=f"{resource.resource_id} is terminated: it uses no licenses any more.",
            rule="EN-5",
        )
        return Check("EN-5", text, refusal)

    def _tracks(self, resource: Resource) -> Check:
        text = "The license configuration is active, or the resource does not run"
        return Check("LC-10", text, inactive(self.book) if not self.book.active and is_consuming(resource) else None)

    def _gate(self, judgement: Judgement) -> list[Check]:
        text = "The license configuration's rules and limit let it"
        hard = [finding.refusal for finding in judgement.findings if finding.hard]
        return [Check("EN-6", text, refusal) for refusal in hard] or [Check("EN-6", text)]


def inactive(book: Book | ConfigurationFacts) -> Refusal:
    """An inactive configuration tracks nothing, so nothing that runs can be put under it."""
    return Refusal(
        code=ErrorCode.LICENSE_CONFIGURATION_INACTIVE,
        message=f"“{book.name}” is inactive and tracks nothing.",
        remedy="Its owner can activate it again.",
        rule="LC-10",
        node_ids=(node_id("lc", book.key),),
    )


def host_keys(resources: Iterable[Resource]) -> set[int]:
    """The hosts whose sockets some resources bear on: those that they run on, or are."""
    return {
        key for each in resources if (key := each.key if each.type == ResourceType.DEDICATED_HOST else each.host_key)
    }
