"""An organization of many accounts with a large inventory, written as fast as the database takes it."""

import functools
import itertools
import random
from collections.abc import Iterator, Sequence
from typing import Any

from app.compute.managed import EMPTY
from app.compute.models import ApplicationRow, ResourceRow, ResourceTagRow
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
        await database.write(lambda tx, many=min(50, accounts - start): _accounts(tx, many))
    await database.write(_open)
    ids = await database.read(
        lambda connection: [
            each.account_id for each in members(connection, require_membership(connection, MASTER).organization_key)
        ]
    )
    chance = random.Random(20)
    for start in range(0, resources, AT_ONCE):
        rows = [_resource(chance, ids) for _ in range(min(AT_ONCE, resources - start))]
        await database.write(lambda tx, rows=rows: _write(tx, rows, chance))
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


def _resource(chance: random.Random, ids: Sequence[str]) -> dict[str, Any]:
    key, kind = new_key(), _one(chance, TYPES)[0]
    account_id, region = chance.choice(ids), chance.choice(REGIONS)
    resource_id = f"{kind.lower()[:2]}-{chance.getrandbits(68):017x}"
    row = {
        **EMPTY,
        "id": key,
        "type": kind,
        "arn": f"arn:aws:ec2:{region}:{account_id}:instance/{resource_id}",
        "resource_id": resource_id,
        "account_id": account_id,
        "region": region,
        "platform": _one(chance, PLATFORMS)[0],
    }
    if kind == "INSTANCE":
        state = "RUNNING" if chance.random() < 0.9 else "STOPPED"
        row |= {"instance_type": _one(chance, INSTANCE_TYPES)[0], "state": state, "tenancy": "SHARED"}
        row |= {"mechanism": "IMAGE", "vcpus": 2, "cores": 1, "threads_per_core": 2}
    elif kind != "MANAGED_INSTANCE":
        row["name"] = f"{kind.lower()}-{key}"
    return row


def _write(tx: Transaction, rows: Sequence[dict[str, Any]], chance: random.Random) -> None:
    for row in rows:
        captured = tx.now if row["type"] == "MANAGED_INSTANCE" else None
        tx.add(table_of(ResourceRow), {**row, "created_at": tx.now, "captured_at": captured})
        for each in _tags(row["id"], chance):
            tx.add(table_of(ResourceTagRow), each)
        if row["type"] == "MANAGED_INSTANCE":
            for each in _applications(row["id"], chance):
                tx.add(table_of(ApplicationRow), each)


def _tags(key: int, chance: random.Random) -> Iterator[dict[str, Any]]:
    if chance.random() < 0.4:
        yield {"resource_id": key, "key": "Team", "value": f"Team {int(chance.paretovariate(1)) % 50}"}
        yield {"resource_id": key, "key": "CostCenter", "value": str(chance.randrange(1000))}


def _applications(key: int, chance: random.Random) -> Iterator[dict[str, Any]]:
    names = list(dict.fromkeys(_one(chance, SOFTWARE) for _ in range(chance.randint(1, 3))))
    for name, publisher, _ in names:
        version = f"{chance.randint(10, 16)}.{chance.randint(0, 9)}.{chance.randint(0, 4000)}"
        yield {"id": new_key(), "resource_id": key, "name": name, "version": version, "publisher": publisher}
