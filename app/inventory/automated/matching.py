"""What a rule finds, and what of it is left out for which reason, as SQL: one classification for preview and run.

A server that EC2 and an agent both tell of is one machine, an instance and a managed instance of the same id in one
account and Region. It is counted once: as the instance where the filter finds both, else as what is counted already;
and what is excluded of the one is excluded of the other.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    String,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal,
    or_,
    select,
)

from app.compute.rules import InstanceState, ResourceType
from app.compute.searching import resources, tags
from app.inventory.automated.definition import Rule
from app.inventory.rules import DiscoveryScope
from app.inventory.search.conditions import holds
from app.inventory.search.find import all_keys, prepare
from app.inventory.search.ground import Ground, names_of, parameters
from app.inventory.search.naming import keys_of
from app.inventory.search.reach import REGION, OrganizationReach, OwnReach
from app.licensing.carried import carries
from app.licensing.taken_off import is_taken_off

INSTANCE, MANAGED = ResourceType.INSTANCE, ResourceType.MANAGED_INSTANCE
KINDS = (INSTANCE, ResourceType.DEDICATED_HOST, MANAGED)
"""What a rule finds: what can use licenses. Images and templates decide over launches: a person licenses them."""

Predicate = ColumnElement[bool]


class Reason(StrEnum):
    """What becomes of a resource that a filter finds. All but NEW leave it as it is."""

    NEW = "NEW"
    ALREADY_ASSOCIATED = "ALREADY_ASSOCIATED"
    ACCOUNT_EXCLUDED = "ACCOUNT_EXCLUDED"
    TAG_EXCLUDED = "TAG_EXCLUDED"
    TAKEN_OFF = "TAKEN_OFF"
    SAME_MACHINE = "SAME_MACHINE"
    REFUSED = "REFUSED"


class Matching:
    """One rule, with the units and licenses of its filter looked up as its account sees them.

    `refused`: accounts whose resources can't be put under the configuration. `include_taken_off`: what a person took
    off is found like anything else.
    """

    def __init__(
        self, connection: Connection, rule: Rule, *, refused: Collection[str] = (), include_taken_off: bool = False
    ) -> None:
        self._connection, self._rule, self._refused = connection, rule, refused
        self._include_taken_off = include_taken_off
        self._expression = rule.definition.expression
        self._keys = keys_of(connection, rule.account_id, self._expression)
        names = names_of(self._expression)
        self._values = {**parameters(names, self._keys), REGION: rule.region}
        viewer = literal(rule.account_id, String())
        self._ground = Ground(connection.dialect.name, viewer, names, self._bind)
        across = rule.definition.scope is DiscoveryScope.ORGANIZATION
        self._reach = OrganizationReach(region=True) if across else OwnReach(region=True)

    def _bind(self, name: str) -> ColumnElement[Any]:
        return bindparam(None, self._values[name], String(), unique=True)

    # ------------------------------------------------------------ what is read

    def figures(self, now: datetime) -> list[Any]:
        """Rows of a reason, an account, how many, and the first key and ARN: all that the filter finds."""
        resource = resources()
        reason = self._reason(resource).label("reason")
        columns = (func.count().label("number"), func.min(resource.c.arn).label("arn"))
        statement = (
            select(reason, resource.c.account_id, *columns)
            .where(*self._found(resource, now))
            .group_by(reason, resource.c.account_id)
            .order_by(resource.c.account_id)
        )
        return list(self._connection.execute(statement))

    def some(self, reason: Reason, now: datetime, limit: int, *, after: int = 0, account_id: str = "") -> list[int]:
        """The first keys of what is found for a reason, after a key; of one account, where it is named."""
        resource = resources()
        asked = [*self._found(resource, now), self._reason(resource) == reason.value, resource.c.id > after]
        if account_id:
            asked.append(resource.c.account_id == account_id)
        statement = select(resource.c.id).where(*asked).order_by(resource.c.id).limit(limit)
        return list(self._connection.execute(statement).scalars())

    def still_new(self, keys: Sequence[int]) -> set[int]:
        """Those of some resources that the filter still finds and nothing stands against."""
        resource = resources()
        asked = [
            resource.c.id.in_(keys),
            *_there(resource),
            *self._reach.holds(resource, self._ground),
            holds(self._expression, resource, self._ground),
            self._reason(resource) == Reason.NEW.value,
        ]
        return set(self._connection.execute(select(resource.c.id).where(*asked)).scalars())

    def _found(self, resource: FromClause, now: datetime) -> list[Predicate]:
        search = prepare(
            self._connection,
            self._expression,
            self._reach,
            viewer_account=self._rule.account_id,
            region=self._rule.region,
            keys=self._keys,
            now=now,
        )
        keys = all_keys(self._expression, search.whole, self._reach, self._ground)
        return [resource.c.id.in_(keys), *_there(resource)]

    # ------------------------------------------------------------ why what is left out

    def _reason(self, resource: FromClause) -> ColumnElement[str]:
        key, definition = self._rule.configuration_key, self._rule.definition
        reasons: list[tuple[Predicate, Reason]] = [(carries(resource.c.id, key), Reason.ALREADY_ASSOCIATED)]
        if definition.excluded_account_ids:
            excluded = resource.c.account_id.in_(definition.excluded_account_ids)
            reasons.append((excluded, Reason.ACCOUNT_EXCLUDED))
        if definition.excluded_tags:
            reasons.append((self._of_machine(resource, self._tagged), Reason.TAG_EXCLUDED))
        if not self._include_taken_off:
            taken_off = self._of_machine(resource, lambda key_: is_taken_off(key_, key))
            reasons.append((taken_off, Reason.TAKEN_OFF))
        reasons.append((self._counted_as_its_twin(resource), Reason.SAME_MACHINE))
        if self._refused:
            reasons.append((resource.c.account_id.in_(sorted(self._refused)), Reason.REFUSED))
        return case(*((asked, literal(why.value)) for asked, why in reasons), else_=literal(Reason.NEW.value))

    def _tagged(self, resource_key: ColumnElement[int]) -> Predicate:
        tag = tags()
        wanted = [
            and_(tag.c.key == each.key, tag.c.value == each.value) if each.value is not None else tag.c.key == each.key
            for each in self._rule.definition.excluded_tags
        ]
        tagged = select(tag.c.resource_id).where(tag.c.resource_id == resource_key, or_(*wanted))
        return exists(tagged.correlate_except(tag))

    def _of_machine(self, resource: FromClause, asked: Any) -> Predicate:
        """Whether something holds of a resource, or of the other that is the same machine."""
        twins = [
            self._twin(resource, mine, other, lambda twin: asked(twin.c.id))
            for mine, other in ((INSTANCE, MANAGED), (MANAGED, INSTANCE))
        ]
        return or_(asked(resource.c.id), *twins)

    def _counted_as_its_twin(self, resource: FromClause) -> Predicate:
        key = self._rule.configuration_key
        as_managed = self._twin(resource, INSTANCE, MANAGED, lambda twin: carries(twin.c.id, key))
        as_instance = self._twin(
            resource,
            MANAGED,
            INSTANCE,
            lambda twin: or_(carries(twin.c.id, key), holds(self._expression, twin, self._ground).is_(True)),
        )
        return or_(as_managed, as_instance)

    def _twin(self, resource: FromClause, mine: ResourceType, other: ResourceType, asked: Any) -> Predicate:
        """Whether a resource of one kind is the same machine as one of another kind, of which something holds."""
        twin = resources()
        same: Select[Any] = select(twin.c.id).where(
            twin.c.account_id == resource.c.account_id,
            twin.c.region == resource.c.region,
            twin.c.type == other.value,
            twin.c.resource_id == resource.c.resource_id,
            *_there(twin),
            asked(twin),
        )
        return and_(resource.c.type == mine.value, exists(same.correlate_except(twin)))


def _there(resource: FromClause) -> list[Predicate]:
    """Of a kind that a rule finds, not gone and not terminated."""
    ended = and_(resource.c.state.is_not(None), resource.c.state == InstanceState.TERMINATED.value)
    return [resource.c.gone_at.is_(None), resource.c.type.in_([each.value for each in KINDS]), ~ended]
