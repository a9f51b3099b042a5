"""An organization of many accounts with a large inventory, written as fast as the database takes it."""

import functools
import itertools
import random
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Table
from sqlalchemy.util import await_only

from app.compute.folding import folded
from app.compute.models import ApplicationRow, ResourceRow, ResourceTagRow
from app.compute.versions import version_key
from app.compute.words import Word, note, note_tags
from app.identity.rules import principal_arn
from app.kernel.database import Database, Transaction
from app.kernel.ids import new_key
from app.kernel.tables import table_of
from app.kernel.viewer import Permission, Viewer
from app.linking import service as linking
from app.organizations import accounts, founding
from app.organizations.rules import FeatureSet
from app.organizations.service import members, require_membership
from app.roles.rules import ServiceLinkedRoleKind
from app.roles.service import ensure

Row = dict[str, Any]
MASTER = "111122223333"
REGION = "us-east-1"
REGIONS = ("us-east-1", "us-west-2", "eu-west-1")
AT_ONCE = 20_000
PLATFORMS = (("Windows", 35), ("Linux/UNIX", 45), ("Red Hat Enterprise Linux", 15), ("SUSE Linux", 5))
TYPES = (("INSTANCE", 62), ("MANAGED_INSTANCE", 30), ("IMAGE", 5), ("LAUNCH_TEMPLATE", 2), ("DEDICATED_HOST", 1))
INSTANCE_TYPES = (("m5.large", 45), ("c5.xlarge", 30), ("r5.2xlarge", 20), ("x1e.32xlarge", 5))
SOFTWARE = (
    ("Microsoft SQL Server", "Microsoft", 160),
    ("Oracle Database", "Oracle", 90),
    ("Microsoft Office", "Microsoft", 300),
    ("nginx", None, 250),
    *((f"Planner {number} Suite", f"Vendor {number % 200}", 1) for number in range(2_000)),
)


def viewer(account_id: str) -> Viewer:
    """An administrator of an account."""
    return Viewer(account_id, principal_arn(account_id, "bench"), Permission.ADMINISTRATOR, "bench", "token_0")


async def fill(database: Database, resources: int, accounts: int) -> list[str]:
    """Write an organization whose master searches all of it; the ids of its accounts, the master's first."""
    await database.write(_organization)
    for start in range(1, accounts, 50):
        await database.write(functools.partial(_accounts, many=min(50, accounts - start)))
    await database.write(_open)
    ids = await database.read(
        lambda connection: [
            each.account_id for each in members(connection, require_membership(connection, MASTER).organization_key)
        ]
    )
    chance = random.Random(20)
    for start in range(0, resources, AT_ONCE):
        some = min(AT_ONCE, resources - start)
        await database.write(functools.partial(_write, ids=ids, many=some, chance=chance))
    return ids


def _organization(tx: Transaction) -> None:
    accounts.create_standalone(tx, MASTER, "Master")
    ensure(tx, MASTER, ServiceLinkedRoleKind.CORE)
    founding.create_organization(tx, viewer(MASTER), FeatureSet.ALL)
    founding.set_service_access(tx, viewer(MASTER), enabled=True)


def _accounts(tx: Transaction, many: int) -> None:
    for number in range(many):
        accounts.create_in_organization(tx, viewer(MASTER), f"Member {number}", None, None)


def _open(tx: Transaction) -> None:
    linking.link(tx, viewer(MASTER), REGION)
    linking.enable_discovery(tx, viewer(MASTER), REGION)
    for region in REGIONS:
        linking.upgrade_data_catalog(tx, viewer(MASTER), region)


def _one(chance: random.Random, weighed: tuple[tuple[Any, ...], ...]) -> tuple[Any, ...]:
    return chance.choices(weighed, cum_weights=_weights(weighed))[0]


@functools.cache
def _weights(weighed: tuple[tuple[Any, ...], ...]) -> list[int]:
    return list(itertools.accumulate(each[-1] for each in weighed))


def _resource(chance: random.Random, ids: Sequence[str], now: datetime) -> Row:
    key, kind = new_key(), _one(chance, TYPES)[0]
    account_id, region = chance.choice(ids), chance.choice(REGIONS)
    resource_id = f"{kind.lower()[:2]}-{chance.getrandbits(68):017x}"
    row: Row = {
        "id": key,
        "type": kind,
        "arn": f"arn:aws:ec2:{region}:{account_id}:instance/{resource_id}",
        "resource_id": resource_id,
        "account_id": account_id,
        "region": region,
        "platform": _one(chance, PLATFORMS)[0],
        "active": True,
        "created_at": now,
    }
    if kind == "INSTANCE":
        state = "RUNNING" if chance.random() < 0.9 else "STOPPED"
        row |= {"instance_type": _one(chance, INSTANCE_TYPES)[0], "state": state, "tenancy": "SHARED"}
        row |= {"mechanism": "IMAGE", "vcpus": 2, "cores": 1, "threads_per_core": 2, "launched_at": now}
    elif kind == "MANAGED_INSTANCE":
        row["captured_at"] = now
    else:
        row["name"] = f"{kind.lower()}-{key}"
    return folded(row)


def _tags(key: int, chance: random.Random) -> Iterator[Row]:
    if chance.random() < 0.4:
        yield {"resource_id": key, **folded({"key": "Team", "value": f"Team {int(chance.paretovariate(1)) % 50}"})}
        yield {"resource_id": key, **folded({"key": "CostCenter", "value": str(chance.randrange(1000))})}


def _applications(key: int, chance: random.Random) -> Iterator[Row]:
    for name, publisher, _ in dict.fromkeys(_one(chance, SOFTWARE) for _ in range(chance.randint(1, 3))):
        version = f"{chance.randint(10, 16)}.{chance.randint(0, 9)}.{chance.randint(0, 4000)}"
        named = folded({"name": name, "publisher": publisher})
        ids = {"id": new_key(), "resource_id": key}
        yield {**ids, **named, "version": version, "version_key": version_key(version)}


def _write(tx: Transaction, ids: Sequence[str], many: int, chance: random.Random) -> None:
    rows = [_resource(chance, ids, tx.now) for _ in range(many)]
    _bulk(tx, table_of(ResourceRow), rows)
    tags = [tag for row in rows for tag in _tags(row["id"], chance)]
    _bulk(tx, table_of(ResourceTagRow), tags)
    note_tags(tx, {(each["key"], each["value"]) for each in tags})
    managed = [row["id"] for row in rows if row["type"] == "MANAGED_INSTANCE"]
    software = [each for key in managed for each in _applications(key, chance)]
    _bulk(tx, table_of(ApplicationRow), software)
    note(tx, Word.NAME, *(row.get("name") for row in rows))
    note(tx, Word.APPLICATION, *{each["name"] for each in software})
    note(tx, Word.PUBLISHER, *{each["publisher"] for each in software})


def _bulk(tx: Transaction, table: Table, rows: Sequence[Row]) -> None:
    """As the database takes most at once: COPY, or one prepared statement."""
    columns = list(table.c)
    kinds = [column.type.bind_processor(tx.connection.dialect) for column in columns]
    records = [
        tuple(
            kind(row[column.name]) if kind and row.get(column.name) is not None else row.get(column.name)
            for column, kind in zip(columns, kinds, strict=True)
        )
        for row in rows
    ]
    names = [column.name for column in columns]
    if tx.connection.dialect.name == "postgresql":
        driver: Any = tx.connection.connection.driver_connection
        copying = driver.copy_records_to_table(table.name, records=records, columns=names)
        await_only(copying)
    else:
        marks = ", ".join("?" * len(names))
        tx.connection.exec_driver_sql(f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks})", records)
