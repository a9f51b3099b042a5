"""The schema's rules of automated discovery, their dry run, and what became of their last run."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from sqlalchemy import ColumnElement

from app.compute.schema import LicensableResource
from app.inventory import syncs
from app.inventory.automated.matching import Reason
from app.inventory.automated.previewing import LeftOut, Preview
from app.inventory.automated.survey import rules
from app.inventory.search_schema import SearchScope
from app.kernel import reads
from app.kernel.graphql.errors import UserError, user_errors
from app.kernel.graphql.node import Node
from app.kernel.graphql.perform import Info
from app.kernel.graphql.regions import Region
from app.kernel.graphql.scalars import AccountId
from app.kernel.ids import node_id
from app.kernel.reads import Reading, Scope, column, computed, entity, one

if TYPE_CHECKING:
    from app.licensing.schema import LicenseConfiguration

strawberry.enum(
    Reason,
    name="DiscoveryReason",
    description="What becomes of a resource that a rule's filter finds.",
)


def sees_rule(rule: Any, scope: Scope) -> ColumnElement[bool]:
    """A rule is seen by the account that owns its license configuration."""
    seen: ColumnElement[bool] = rule.c.account_id == scope.viewer_account
    return seen


def _configurations() -> type:
    from app.licensing.schema import LicenseConfiguration

    return LicenseConfiguration


@strawberry.type(description="A tag whose bearers a rule leaves out.")
class ExcludedTag:
    key: str
    value: str | None = strawberry.field(description="Null: whatever its value.")


@strawberry.type(description="What became of a rule's last run.")
class DiscoveryRun:
    started_at: datetime = strawberry.field(description="Of the last one that began.")
    finished_at: datetime | None = strawberry.field(
        description="Of the last one that ended, whose figures these are. Null where none has; before startedAt where "
        "one runs, or a server ended in it."
    )
    matched: int = strawberry.field(description="Resources that the filter found.")
    associated: int = strawberry.field(description="Those that this run associated.")
    already_associated: int
    left_out: int = strawberry.field(description="By an exclusion, a person or a refusal; the preview tells which.")
    skipped: list[UserError] = strawberry.field(
        description="Members that were left out, or what stood against the whole run, with the remedy. At most 100."
    )


_RUN = ("run_started_at", "run_finished_at", "matched", "associated", "already_associated", "left_out", "skipped")


def _last_run(rows: Sequence[Mapping[str, Any]], _: Any, reading: Reading) -> list[DiscoveryRun | None]:
    return [_run(row) if row["run_started_at"] is not None else None for row in rows]


def _run(row: Mapping[str, Any]) -> DiscoveryRun:
    return DiscoveryRun(
        started_at=row["run_started_at"],
        finished_at=row["run_finished_at"],
        matched=row["matched"],
        associated=row["associated"],
        already_associated=row["already_associated"],
        left_out=row["left_out"],
        skipped=user_errors(syncs.told(row["skipped"])),
    )


def _excluded_tags(rows: Sequence[Mapping[str, Any]], _: Any, reading: Reading) -> list[list[ExcludedTag]]:
    return [[ExcludedTag(key=each["key"], value=each["value"]) for each in row["excluded_tags"]] for row in rows]


@entity(rules, prefix="drule", sight=sees_rule)
@strawberry.type(
    description="A rule of automated discovery: what its filter finds is put under its license configuration, at the "
    "end of each synchronisation and when it is run. What runs is counted past any limit, and an alert is raised; "
    "nothing is stopped. What a rule has associated stays so until it is disassociated."
)
class DiscoveryRule(Node):
    license_configuration: Annotated["LicenseConfiguration", strawberry.lazy("app.licensing.schema")] = one(
        _configurations, on=lambda rule, configuration, scope: configuration.c.id == rule.c.configuration_id
    )
    region: Region = one(
        lambda: Region,
        on=lambda rule, region, scope: region.c.code == rule.c.region,
        description="The license configuration's: what is elsewhere is not found.",
    )
    name: str = column()
    filter: str = column(description="In the language of resourceInventory.")
    scope: SearchScope = column()
    excluded_account_ids: list[AccountId] = column()
    excluded_tags: list[ExcludedTag] = computed(_excluded_tags, needs=("excluded_tags",))
    enabled: bool = column()
    previewed_at: datetime | None = column(
        description="When it was last previewed as it is now. Null: it was not, and can't be enabled."
    )
    last_run: DiscoveryRun | None = computed(_last_run, needs=_RUN)
    created_at: datetime = column()
    updated_at: datetime = column()


# ------------------------------------------------------------ the dry run


@strawberry.type(description="Resources that the filter finds and the rule leaves as they are.")
class DiscoveryLeftOut:
    reason: Reason
    count: int
    message: str
    remedy: str | None
    resource_ids: list[strawberry.ID] = strawberry.field(description="The first twenty.")


@strawberry.type(description="What a rule would do now. Nothing is associated or counted.")
class DiscoveryPreview:
    made: strawberry.Private[Preview]
    matched: int = strawberry.field(description="Resources that the filter finds.")
    would_associate: int
    violations: list[UserError] = strawberry.field(
        description="Rules of the license configuration that these would break, each with its resource in nodeIds: "
        "they would be counted all the same, and an alert raised. At most 100."
    )
    left_out: list[DiscoveryLeftOut]
    refused: list[UserError] = strawberry.field(
        description="Why resources that are left out as REFUSED can't be associated, and what cures it. At most 100."
    )
    skipped: list[UserError] = strawberry.field(
        description="Member accounts whose resources could not be searched, and why. At most 100."
    )
    consumed_before: int
    consumed_after: int
    license_count: int | None
    over_limit: bool = strawberry.field(description="Whether more would be consumed than the count.")
    complete: bool = strawberry.field(
        description="False where more than 20,000 resources would be associated: violations and consumption are then "
        "those of the first 20,000."
    )

    @strawberry.field(description="The first of those that it would associate.")
    async def resources(self, info: Info) -> list[LicensableResource]:
        return await reads.nodes(info, LicensableResource, self.made.new_keys, seen=True)


def told(made: Preview) -> DiscoveryPreview:
    """A preview as the schema tells it."""
    return DiscoveryPreview(
        made=made,
        matched=made.matched,
        would_associate=made.new,
        violations=user_errors(made.violations),
        left_out=[_left_out(each) for each in made.left_out],
        refused=user_errors(made.refused),
        skipped=user_errors(made.skipped),
        consumed_before=made.consumed_before,
        consumed_after=made.consumed_after,
        license_count=made.license_count,
        over_limit=made.license_count is not None and made.consumed_after > made.license_count,
        complete=made.complete,
    )


_WORDS: Mapping[Reason, tuple[str, str | None]] = {
    Reason.ALREADY_ASSOCIATED: ("carry the license configuration already", None),
    Reason.ACCOUNT_EXCLUDED: ("are in accounts that the rule excludes", "Take the account out of the exclusions."),
    Reason.TAG_EXCLUDED: ("have a tag that the rule excludes", "Take the tag off, or out of the exclusions."),
    Reason.TAKEN_OFF: (
        "were disassociated by a person",
        "Associate them by hand, or run the rule once with includeTakenOff true.",
    ),
    Reason.SAME_MACHINE: ("are the same machine as an instance or managed instance that is counted", None),
    Reason.REFUSED: ("can't be put under the license configuration", "See refused: it tells the cure of each."),
}


def _left_out(each: LeftOut) -> DiscoveryLeftOut:
    words, remedy = _WORDS[each.reason]
    return DiscoveryLeftOut(
        reason=each.reason,
        count=each.number,
        message=f"{each.number} that {words}.",
        remedy=remedy,
        resource_ids=[strawberry.ID(node_id("res", key)) for key in each.resource_keys],
    )


__all__ = ["DiscoveryPreview", "DiscoveryRule", "told"]
