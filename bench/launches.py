"""The launch gate: 64 clients launch on one hard configuration, durably, against the natural way and moto."""

import asyncio
import itertools
import json
import tempfile
from pathlib import Path
from urllib.parse import urlencode

from app.compute import images
from app.identity.service import create_token
from app.kernel.database import Transaction
from app.kernel.viewer import Permission, Viewer
from app.licensing.bulk import associate
from app.licensing.configurations import CreateConfiguration, create
from app.licensing.rules import CountingType
from app.organizations.accounts import create_standalone
from app.roles.rules import ServiceLinkedRoleKind
from app.roles.service import ensure
from bench import load
from bench.servers import PLAIN, TOLLGATE, moto, opened, postgresql, serving

CLIENTS = 64
ACCOUNT = "111122223333"
REGION = "us-east-1"
DOCUMENT = """mutation($input: LaunchInstancesInput!) {
  launchInstances(input: $input) { instances { id resourceId } errors { code message } }
}"""
PLAIN_DOCUMENT = """mutation($input: LaunchInstancesInput!) {
  launchInstances(input: $input) { instances { id resourceId } errors }
}"""
VIEWER = Viewer(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/bench", Permission.ADMINISTRATOR, "bench", "token_0")


def _world(tx: Transaction) -> tuple[str, int]:
    """An account, one hard configuration with room for all, an image that carries it; a token and the image's key."""
    create_standalone(tx, ACCOUNT, "Bench")
    tx.flush()
    ensure(tx, ACCOUNT, ServiceLinkedRoleKind.CORE)
    tx.flush()
    configuration = create(
        tx,
        VIEWER,
        CreateConfiguration(
            region=REGION,
            name="bench",
            counting_type=CountingType.INSTANCE,
            license_count=10_000_000,
            hard_limit=True,
        ),
    )
    image = images.register(tx, VIEWER, REGION, "bench", platform=None, product_code=None)
    tx.flush()
    associate(tx, VIEWER, configuration, [image])
    return create_token(tx, ACCOUNT, Permission.ADMINISTRATOR, "bench").secret, image


def _launches(url: str, token: str, image: int, document: str) -> bytes:
    variables = {"input": {"region": REGION, "imageId": f"res_{image}", "instanceType": "m5.large"}}
    body = json.dumps({"query": document, "variables": variables}).encode()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}", "Accept": "application/json"}
    return load.request_bytes(f"{url}/graphql", body, headers)


async def _measure(url: str, request: bytes, total: int) -> load.Measured:
    await load.run(url, itertools.repeat(request), clients=CLIENTS, total=max(total // 10, CLIENTS))
    return await load.run(
        url, itertools.repeat(request), clients=CLIENTS, total=total, accept=lambda body: b'"errors":[]' in body
    )


def _moto(total: int) -> load.Measured:
    with moto() as url:
        body = urlencode(
            {
                "Action": "RunInstances",
                "Version": "2016-11-15",
                "ImageId": "ami-12c6146b",
                "MinCount": 1,
                "MaxCount": 1,
                "InstanceType": "m5.large",
            }
        )
        signed = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=0"
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": signed}
        request = load.request_bytes(url, body.encode(), headers)
        return asyncio.run(load.run(url, itertools.repeat(request), clients=CLIENTS, total=total))


async def _prepare(database_url: str) -> tuple[str, int]:
    async with opened(database_url) as database:
        return await database.write(_world)


def on(database_url: str, total: int, **environment: str) -> load.Measured:
    """Tollgate's own launches on a database."""
    token, image = asyncio.run(_prepare(database_url))
    with serving(TOLLGATE, database_url, **environment) as url:
        return asyncio.run(_measure(url, _launches(url, token, image, DOCUMENT), total))


def plain(database_url: str, total: int) -> load.Measured:
    """The natural way's launches on a database."""
    token, image = asyncio.run(_prepare(database_url))
    with serving(PLAIN, database_url, BENCH_WRITES="1") as url:
        return asyncio.run(_measure(url, _launches(url, token, image, PLAIN_DOCUMENT), total))


def run(scale: float = 1.0) -> None:
    """Print launches a second and their ratios, on both databases."""
    many, few = int(10_000 * scale), int(1_500 * scale)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        against = _moto(few)
        print(f"moto RunInstances       {against.per_second:8.0f}/s  p50 {against.percentile(0.5):6.1f} ms")
        natural = plain(f"sqlite+aiosqlite:///{folder / 'plain.db'}", few)
        _natural("SQLite", natural)
        ours = on(f"sqlite+aiosqlite:///{folder / 'tollgate.db'}", many)
        _print("Tollgate on SQLite", ours, natural, against)
    for prepared, label in ((plain, "one ORM transaction"), (on, "Tollgate on PostgreSQL")):
        with tempfile.TemporaryDirectory(prefix="bench") as name, postgresql(Path(name)) as url:
            measured = prepared(url, few if prepared is plain else many)
            if prepared is plain:
                natural = measured
                _natural("PostgreSQL", natural)
            else:
                _print(label, measured, natural, against)


def _natural(database: str, measured: load.Measured) -> None:
    print(
        f"one ORM transaction     {measured.per_second:8.0f}/s  p50 {measured.percentile(0.5):6.1f} ms  "
        f"({database}); failures {measured.failures}"
    )


def _print(label: str, ours: load.Measured, natural: load.Measured, against: load.Measured) -> None:
    print(
        f"{label:22}  {ours.per_second:8.0f}/s  p50 {ours.percentile(0.5):6.1f} ms  "
        f"p99 {ours.percentile(0.99):6.1f} ms  = {ours.per_second / natural.per_second:.1f} × one ORM transaction, "
        f"{ours.per_second / against.per_second:.1f} × moto; failures {ours.failures}"
    )


if __name__ == "__main__":
    run()
