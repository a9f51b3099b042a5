"""Nested pages: 20 configurations × 10 associations × resource × account, against entities and dataloaders."""

import asyncio
import itertools
import json
import tempfile
from pathlib import Path

from sqlalchemy import insert

from app.compute.catalogue import instance_type
from app.compute.models import ResourceRow
from app.identity.service import create_token
from app.kernel.database import Transaction
from app.kernel.ids import new_hex, new_key
from app.kernel.tables import table_of
from app.kernel.viewer import Permission
from app.licensing.configurations import CreateConfiguration, create
from app.licensing.models import AssociationRow
from app.licensing.rules import CountingType
from app.organizations.accounts import create_standalone
from app.roles.rules import ServiceLinkedRoleKind
from app.roles.service import ensure
from bench import load
from bench.launches import ACCOUNT, REGION, VIEWER
from bench.servers import PLAIN, TOLLGATE, opened, serving

CONFIGURATIONS = 200
DOCUMENT = """{ licenseConfigurations(first: 20) { edges { node { id name consumedLicenses
  associations(first: 10) { edges { node { id consumedLicenses
    resource { id arn resourceId account { accountId name } } } } } } } } }"""
AT_ONCE = 5_000


def _world(tx: Transaction) -> tuple[str, list[int]]:
    create_standalone(tx, ACCOUNT, "Bench")
    tx.flush()
    ensure(tx, ACCOUNT, ServiceLinkedRoleKind.CORE)
    tx.flush()
    keys = [
        create(
            tx,
            VIEWER,
            CreateConfiguration(region=REGION, name=f"license {number}", counting_type=CountingType.INSTANCE),
        )
        for number in range(CONFIGURATIONS)
    ]
    return create_token(tx, ACCOUNT, Permission.ADMINISTRATOR, "bench").secret, keys


def _fill(tx: Transaction, configurations: list[int], count: int) -> None:
    """Running instances, each associated with one configuration, as many for each."""
    kind = instance_type("m5.large")
    assert kind is not None
    resources, associations = [], []
    for number in range(count):
        key, name = new_key(), f"i-{new_hex(17)}"
        resources.append(_instance(tx, key, name, kind.vcpus, kind.cores, kind.threads_per_core))
        associations.append(
            {
                "id": new_key(),
                "configuration_id": configurations[number % len(configurations)],
                "resource_id": key,
                "resource_type": "INSTANCE",
                "account_id": ACCOUNT,
                "consumed": 1,
                "associated_at": tx.now,
                "associated_by": "bench",
            }
        )
    tx.connection.execute(insert(table_of(ResourceRow)), resources)
    tx.connection.execute(insert(table_of(AssociationRow)), associations)


def _instance(tx: Transaction, key: int, name: str, vcpus: int, cores: int, threads: int) -> dict[str, object]:
    return {
        "id": key,
        "type": "INSTANCE",
        "arn": f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{name}",
        "resource_id": name,
        "account_id": ACCOUNT,
        "region": REGION,
        "instance_type": "m5.large",
        "tenancy": "SHARED",
        "state": "RUNNING",
        "mechanism": "IMAGE",
        "vcpus": vcpus,
        "cores": cores,
        "threads_per_core": threads,
        "active": True,
        "launched_at": tx.now,
        "created_at": tx.now,
    }


async def _prepare(url: str, associations: int) -> str:
    async with opened(url) as database:
        token, keys = await database.write(_world)
        for start in range(0, associations, AT_ONCE):
            some = min(AT_ONCE, associations - start)
            await database.write(lambda tx, some=some: _fill(tx, keys, some))  # type: ignore[misc]
        return token


def measure(factory: str, database_url: str, token: str, total: int) -> load.Measured:
    """Pages a second of one server."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}", "Accept": "application/json"}
    with serving(factory, database_url) as url:
        request = load.request_bytes(f"{url}/graphql", json.dumps({"query": DOCUMENT}).encode(), headers)

        async def both() -> load.Measured:
            await load.run(url, itertools.repeat(request), clients=4, total=max(total // 5, 4))
            return await load.run(
                url, itertools.repeat(request), clients=4, total=total, accept=lambda body: b'"accountId"' in body
            )

        return asyncio.run(both())


def run(scale: float = 1.0, sizes: tuple[int, ...] = (10_000, 100_000, 1_000_000)) -> None:
    """Print pages a second at each size, and at 100,000 associations the ratio to the natural way."""
    first: float | None = None
    for size in sizes:
        with tempfile.TemporaryDirectory() as name:
            url = f"sqlite+aiosqlite:///{Path(name) / 'pages.db'}"
            token = asyncio.run(_prepare(url, size))
            ours = measure(TOLLGATE, url, token, int(400 * scale))
            first = first or ours.percentile(0.5)
            print(
                f"{size:>9} associations  Tollgate {ours.per_second:7.1f} pages/s  p50 {ours.percentile(0.5):6.1f} ms  "
                f"= {ours.percentile(0.5) / first:.2f} × the smallest; failures {ours.failures}"
            )
            if size == 100_000:
                natural = measure(PLAIN, url, token, int(40 * scale))
                print(
                    f"{size:>9} associations  entities and dataloaders {natural.per_second:7.1f} pages/s: Tollgate "
                    f"{ours.per_second / natural.per_second:.1f} × as many; failures {natural.failures}"
                )


if __name__ == "__main__":
    run()
