"""What the other slices ask of license configurations: their facts by key, and what is in the way of RO-3."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, bindparam, func, select

from app.kernel.ids import node_id
from app.kernel.tables import table_of
from app.licensing.definition import LicenseRules
from app.licensing.models import AssociationRow, LicenseConfigurationRow, LicenseConfigurationTagRow
from app.licensing.rules import CountingType, Status
from app.linking.usage import require_usable
from app.roles.events import Obstacle, in_the_way
from app.sharing.configurations import provide

CONFIGURATION = table_of(LicenseConfigurationRow)
ASSOCIATION = table_of(AssociationRow)
TAG = table_of(LicenseConfigurationTagRow)
_AT_ONCE = 10_000  # databases bound the parameters of a statement
_FIRST = 100
_FACTS = select(CONFIGURATION).where(CONFIGURATION.c.id.in_(bindparam("keys", expanding=True)))
_TAGS = (
    select(TAG)
    .where(TAG.c.configuration_id.in_(bindparam("keys", expanding=True)))
    .order_by(TAG.c.configuration_id, TAG.c.key)
)


@dataclass(frozen=True, slots=True)
class ConfigurationFacts:
    """A license configuration as it stands."""

    key: int
    arn: str
    owner_account_id: str
    region: str
    name: str
    description: str | None
    rules: LicenseRules
    license_count: int | None
    hard_limit: bool
    status: Status
    version: int
    consumed: int
    alert_thresholds: tuple[int, ...]
    alerted: int
    created_at: datetime

    @property
    def id(self) -> str:
        """Its global id."""
        return node_id("lc", self.key)


def facts(connection: Connection, keys: Collection[int]) -> dict[int, ConfigurationFacts]:
    """License configurations by key; absent ones are left out."""
    found: dict[int, ConfigurationFacts] = {}
    for some in _parts(keys):
        found.update((row.id, facts_of(row)) for row in connection.execute(_FACTS, {"keys": some}))
    return found


def facts_of(row: Any) -> ConfigurationFacts:
    """The facts in a row of the table."""
    return ConfigurationFacts(
        key=row.id,
        arn=row.arn,
        owner_account_id=row.owner_account_id,
        region=row.region,
        name=row.name,
        description=row.description,
        rules=LicenseRules(
            CountingType(row.counting_type),
            row.minimum,
            row.maximum,
            row.honor_vcpu_optimization,
            tuple(row.allowed_tenancy),
            tuple(row.rule_order),
        ),
        license_count=row.license_count,
        hard_limit=row.hard_limit,
        status=Status(row.status),
        version=row.version,
        consumed=row.consumed,
        alert_thresholds=tuple(row.alert_thresholds),
        alerted=row.alerted,
        created_at=row.created_at,
    )


def keys_of_arns(connection: Connection, arns: Collection[str]) -> dict[str, int]:
    """The keys of license configurations by ARN; absent ones are left out. Sight is the caller's to ask."""
    found: dict[str, int] = {}
    for some in _parts(arns):
        rows = connection.execute(select(CONFIGURATION.c.arn, CONFIGURATION.c.id).where(CONFIGURATION.c.arn.in_(some)))
        found.update((row.arn, row.id) for row in rows)
    return found


def tags_of(connection: Connection, keys: Collection[int]) -> dict[int, dict[str, str]]:
    """The tags of license configurations by key, each configuration's by their names."""
    found: dict[int, dict[str, str]] = {key: {} for key in keys}
    for some in _parts(keys):
        for row in connection.execute(_TAGS, {"keys": some}):
            found[row.configuration_id][row.key] = row.value
    return found


def require_seen(connection: Connection, account_id: str, configuration_key: int) -> None:
    """Refuse what an account does with a configuration that it neither owns nor has through a share (SH-4).

    To an account that never had it, it does not exist (PM-2); one that once had it is told why not now (TR-8).
    """
    require_usable(connection, account_id, configuration_key)


def _obstacles(connection: Connection, account_id: str) -> Sequence[Obstacle]:
    """What an account owns that its core role is needed for (RO-3)."""
    own = CONFIGURATION.c.owner_account_id == account_id
    here = ASSOCIATION.c.account_id == account_id
    return (
        _obstacle(connection, "license configurations", "lc", CONFIGURATION, own),
        _obstacle(connection, "associations of resources", "assoc", ASSOCIATION, here),
    )


def _obstacle(connection: Connection, what: str, prefix: str, table: Table, where: Any) -> Obstacle:
    count = connection.execute(select(func.count()).select_from(table).where(where)).scalar_one()
    keys = connection.execute(select(table.c.id).where(where).order_by(table.c.id).limit(_FIRST)).scalars()
    return Obstacle(what, count, tuple(node_id(prefix, key) for key in keys) if count else ())


def _parts(values: Collection[Any]) -> Iterator[list[Any]]:
    """Values in parts that one statement can name."""
    listed = sorted(set(values))
    for start in range(0, len(listed), _AT_ONCE):
        yield listed[start : start + _AT_ONCE]


provide(facts)
in_the_way.append(_obstacles)
