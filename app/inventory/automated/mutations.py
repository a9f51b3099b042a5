"""Root fields that list rules of automated discovery, make and change them, preview and run them."""

import asyncio
from typing import Any

import strawberry
import structlog

from app.inventory.automated import managing, previewing, running
from app.inventory.automated.definition import Definition, ExcludedTag, Rule
from app.inventory.automated.managing import WHAT, CreateRule, UpdateRule
from app.inventory.automated.outcome import Outcome
from app.inventory.automated.previewing import Preview
from app.inventory.automated.schema import DiscoveryPreview, DiscoveryRule, told
from app.inventory.rules import DiscoveryScope
from app.inventory.search_schema import SearchScope
from app.kernel import reads
from app.kernel.context import Context
from app.kernel.database import Database, Transaction
from app.kernel.errors import DomainError
from app.kernel.graphql.errors import user_errors
from app.kernel.graphql.node import Connection
from app.kernel.graphql.payloads import DeletePayload, ObjectPayload, made
from app.kernel.graphql.perform import Info, act, perform
from app.kernel.graphql.scalars import AccountId
from app.kernel.ids import key_of, parse_node_id
from app.kernel.reads import Scope
from app.kernel.viewer import Permission, Viewer

log = structlog.get_logger(__name__)
WAIT_SECONDS = 10.0
_going_on: set[asyncio.Task[Outcome | None]] = set()


# ------------------------------------------------------------ inputs


@strawberry.input
class ExcludedTagInput:
    key: str
    value: str | None = strawberry.field(default=None, description="Left out: whatever its value.")


@strawberry.input
class CreateDiscoveryRuleInput:
    license_configuration_id: strawberry.ID
    name: str
    filter: str = strawberry.field(description="In the language of resourceInventory.")
    scope: SearchScope = SearchScope.ACCOUNT
    excluded_account_ids: list[AccountId] = strawberry.field(default_factory=list, description="At most 100.")
    excluded_tags: list[ExcludedTagInput] = strawberry.field(default_factory=list, description="At most 50.")

    def command(self) -> CreateRule:
        return CreateRule(
            configuration_key=key_of(
                self.license_configuration_id, "lc", "The license configuration", "input", "licenseConfigurationId"
            ),
            name=self.name,
            definition=Definition(
                filter=self.filter,
                scope=DiscoveryScope(self.scope.name),
                excluded_account_ids=_distinct(self.excluded_account_ids),
                excluded_tags=_tags(self.excluded_tags),
            ),
        )


@strawberry.input(description="What is left out stays as it is. A rule that then finds something else is disabled.")
class UpdateDiscoveryRuleInput:
    id: strawberry.ID
    name: str | None = None
    filter: str | None = None
    scope: SearchScope | None = None
    excluded_account_ids: list[AccountId] | None = None
    excluded_tags: list[ExcludedTagInput] | None = None

    def command(self) -> UpdateRule:
        return UpdateRule(
            key=_key(self.id, "input", "id"),
            name=self.name,
            filter=self.filter,
            scope=None if self.scope is None else DiscoveryScope(self.scope.name),
            excluded_account_ids=None if self.excluded_account_ids is None else _distinct(self.excluded_account_ids),
            excluded_tags=None if self.excluded_tags is None else _tags(self.excluded_tags),
        )


@strawberry.input
class PreviewDiscoveryRuleInput:
    id: strawberry.ID
    first: int = strawberry.field(default=20, description="So many resources are shown, at most 100.")


@strawberry.input
class RunDiscoveryRuleInput:
    id: strawberry.ID
    include_taken_off: bool = strawberry.field(
        default=False, description="Associate also what a person disassociated, and forget that they did."
    )


def _distinct(values: list[AccountId]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def _tags(given: list[ExcludedTagInput]) -> tuple[ExcludedTag, ...]:
    return tuple(dict.fromkeys(ExcludedTag(each.key, each.value) for each in given))


def _key(id: str, *field: str) -> int:
    return key_of(id, "drule", WHAT, *field)


# ------------------------------------------------------------ payloads


@strawberry.type
class DiscoveryRulePayload(ObjectPayload):
    discovery_rule: DiscoveryRule | None = made(DiscoveryRule)


@strawberry.type
class PreviewDiscoveryRulePayload(DiscoveryRulePayload):
    preview: DiscoveryPreview | None = None


@strawberry.type
class RunDiscoveryRulePayload(DiscoveryRulePayload):
    finished: bool = strawberry.field(
        default=False, description="False where it takes long: it goes on, and the rule's lastRun tells when it ends."
    )


# ------------------------------------------------------------ root fields


def _of_configuration(rule: Any, scope: Scope) -> list[Any]:
    if scope.arguments.get("licenseConfigurationId") is None:
        return []
    return [rule.c.configuration_id == scope.argument("licenseConfigurationId", convert=_configuration_or_none)]


def _configuration_or_none(id: str) -> int:
    parsed = parse_node_id(id)
    return parsed.key if parsed is not None and parsed.prefix == "lc" else -1


@strawberry.type
class DiscoveryRuleQuery:
    @strawberry.field(description="The account's rules of automated discovery, of one configuration or of all.")
    async def discovery_rules(
        self,
        info: Info,
        license_configuration_id: strawberry.ID | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[DiscoveryRule]:
        found: Connection[DiscoveryRule] = await reads.connection_of(info, DiscoveryRule, _of_configuration)
        return found


@strawberry.type
class DiscoveryRuleMutation:
    @strawberry.mutation(
        description="Make a rule of one of the account's own license configurations. It is disabled: preview it, then "
        "enable it."
    )
    async def create_discovery_rule(self, info: Info, input: CreateDiscoveryRuleInput) -> DiscoveryRulePayload:
        return await perform(
            info,
            DiscoveryRulePayload,
            lambda tx, viewer: managing.create(tx, viewer, input.command()),
        )

    @strawberry.mutation(
        description="Change a rule. One whose filter, scope or exclusions change is disabled until it is previewed and "
        "enabled again."
    )
    async def update_discovery_rule(self, info: Info, input: UpdateDiscoveryRuleInput) -> DiscoveryRulePayload:
        return await perform(
            info,
            DiscoveryRulePayload,
            lambda tx, viewer: managing.edit(tx, viewer, input.command()),
        )

    @strawberry.mutation(description="Delete a rule; what it has associated stays associated.")
    async def delete_discovery_rule(self, info: Info, id: strawberry.ID) -> DeletePayload:
        return await perform(
            info,
            DeletePayload,
            lambda tx, viewer: managing.remove(tx, viewer, _key(id, "id")),
            result="deleted_id",
        )

    @strawberry.mutation(
        description="The dry run: what a rule would associate now, what it would leave out and why, and what that "
        "consumes. Nothing of it is done; that the rule was previewed is noted, so that it can be enabled."
    )
    async def preview_discovery_rule(self, info: Info, input: PreviewDiscoveryRuleInput) -> PreviewDiscoveryRulePayload:
        made = await _previewed(info.context, input)

        def note(tx: Transaction, viewer: Viewer) -> int:
            if isinstance(made, DomainError):
                raise made
            assert made is not None, "an administrator's preview is made"
            return managing.note_preview(tx, viewer, _key(input.id, "input", "id"), made.version)

        try:
            key = await act(info, note)
        except DomainError as error:
            return PreviewDiscoveryRulePayload(errors=user_errors(error.refusals))
        assert isinstance(made, Preview)
        return PreviewDiscoveryRulePayload(key=key, preview=told(made))

    @strawberry.mutation(description="Have a rule evaluated from now on; it must have been previewed as it is.")
    async def enable_discovery_rule(self, info: Info, id: strawberry.ID) -> DiscoveryRulePayload:
        return await perform(
            info,
            DiscoveryRulePayload,
            lambda tx, viewer: managing.enable(tx, viewer, _key(id, "id")),
        )

    @strawberry.mutation(description="Have a rule find nothing more; what it has associated stays associated.")
    async def disable_discovery_rule(self, info: Info, id: strawberry.ID) -> DiscoveryRulePayload:
        return await perform(
            info,
            DiscoveryRulePayload,
            lambda tx, viewer: managing.disable(tx, viewer, _key(id, "id")),
        )

    @strawberry.mutation(
        description="Evaluate an enabled rule now, and not at the end of the next synchronisation. What takes long "
        "goes on after the answer."
    )
    async def run_discovery_rule(self, info: Info, input: RunDiscoveryRuleInput) -> RunDiscoveryRulePayload:
        def begin(tx: Transaction, viewer: Viewer) -> Rule:
            key = _key(input.id, "input", "id")
            return running.begin(tx, managing.require_enabled(tx, viewer, key, "input", "id"))

        try:
            rule = await act(info, begin)
        except DomainError as error:
            return RunDiscoveryRulePayload(errors=user_errors(error.refusals))
        finished = await _run(info.context.database, rule, input.include_taken_off)
        return RunDiscoveryRulePayload(key=rule.key, finished=finished)


async def _previewed(context: Context, input: PreviewDiscoveryRuleInput) -> Preview | DomainError | None:
    """The preview or why there is none; not even tried for a caller that may not preview."""
    viewer, now = context.viewer, context.clock.now()
    if not viewer.permission.includes(Permission.ADMINISTRATOR):
        return None
    try:
        key = _key(input.id, "input", "id")
        return await context.database.read(
            lambda connection: previewing.preview(connection, viewer.account_id, key, now, input.first), snapshot=True
        )
    except DomainError as error:
        return error


async def _run(database: Database, rule: Rule, include_taken_off: bool) -> bool:
    """Until it has ended, or for a while; it then goes on beside the requests."""
    task = asyncio.create_task(running.run(database, rule, include_taken_off=include_taken_off))
    _going_on.add(task)
    task.add_done_callback(_ended)
    done, _ = await asyncio.wait({task}, timeout=WAIT_SECONDS)
    if done:
        await task
    return bool(done)


def _ended(task: asyncio.Task[Outcome | None]) -> None:
    """What could not be finished is made up for by the next synchronisation."""
    _going_on.discard(task)
    if not task.cancelled() and task.exception() is not None:
        log.warning("a discovery rule could not be evaluated", error=type(task.exception()).__name__)
