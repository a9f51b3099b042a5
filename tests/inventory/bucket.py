"""A resource data sync's files, in a folder or a bucket, and synchronisations that read them."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.inventory.aws.buckets import BucketSource
from app.inventory.aws.ssm import APPLICATION, DETAILS, INFORMATION
from app.inventory.sources import forget, register
from app.kernel.stores import Store, Stored, open_store
from tests.support import licenses as made
from tests.support.api import Client

OWNER, OTHER, REGION = "111122223333", "444455556666", made.REGION
NINE, TEN = "2026-01-05T09:00:00Z", "2026-01-05T10:00:00Z"
SQL_SERVER = {"Name": "SQL Server", "Version": "2017", "Publisher": "Microsoft"}
UPGRADE = "mutation($region: RegionCode!) { upgradeDataCatalog(region: $region) { errors { message } } }"
SYNC = """mutation($region: RegionCode) { startInventorySync(region: $region) {
  serviceSettings { lastInventorySyncAt } errors { code message } } }"""
SYNCS = """{ inventorySyncs { region { code } finishedAt done total
  failures { code message remedy rule accountId } } }"""
SERVERS = """{ resourceInventory(filter: "type:MANAGED_INSTANCE", first: 100) { edges { node { ... on ManagedInstance {
  id resourceId name platform vcpus cores sockets active capturedAt applications { name version publisher } } } } } }"""


@dataclass(slots=True)
class Watched:
    """A store that notes what is read of it."""

    store: Store
    read: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def get(self, key: str, at_most: int | None = None) -> Stored | None:
        self.read.append(key)
        return self.store.get(key, at_most)


@dataclass(slots=True)
class Bucket:
    """What a data sync writes, and a source that reads it."""

    destination: str
    store: Store
    watched: Watched
    source: BucketSource

    def put(self, type_name: str, server: str, *lines: Any, account: str = OWNER, region: str = REGION) -> str:
        """Write a server's file of a type, as lines of bytes or as entries captured at nine; its name."""
        key = place(type_name, server, account, region)
        self.store.put(key, b"".join(each if isinstance(each, bytes) else line(server, **each) for each in lines))
        return key

    def remove(self) -> None:
        """The folder is not there any more."""
        shutil.rmtree(self.destination)

    def server(self, name: str, cores: int = 4, account: str = OWNER, region: str = REGION, **common: Any) -> None:
        """Write all that is told of a server."""
        at = {"account": account, "region": region}
        self.put(APPLICATION, name, {**SQL_SERVER, **common}, **at)
        self.put(INFORMATION, name, {"ComputerName": f"host of {name}", "PlatformName": "Ubuntu", **common}, **at)
        figures = {"CPUs": str(2 * cores), "CPUCores": str(cores), "CPUSockets": "1"}
        self.put(DETAILS, name, {**figures, **common}, **at)


def place(type_name: str, server: str, account: str = OWNER, region: str = REGION) -> str:
    return f"{type_name}/accountid={account}/region={region}/resourcetype=ManagedInstanceInventory/{server}.json"


def line(server: str, **entry: Any) -> bytes:
    """A line as a data sync writes it."""
    usual = {"resourceId": server, "captureTime": NINE, "schemaVersion": "1.0"}
    return json.dumps({**usual, **entry}).encode() + b"\n"


@contextmanager
def bucket(destination: str) -> Iterator[Bucket]:
    """A store and the source that every synchronisation asks while the block runs."""
    if "://" not in destination:
        Path(destination).mkdir(exist_ok=True)
    store = open_store(destination)
    watched = Watched(store)
    source = BucketSource(destination, watched)
    register("bucket", source)
    try:
        yield Bucket(destination, store, watched, source)
    finally:
        forget("bucket")


async def upgraded(client: Client, region: str = REGION) -> Client:
    await client.done(UPGRADE, region=region)
    return client


async def synchronised(client: Client, region: str | None = REGION) -> list[dict[str, Any]]:
    """What a synchronisation left out in a Region."""
    await client.done(SYNC, region=region)
    found = await client.field(SYNCS)
    (own,) = [each for each in found if each["region"]["code"] == (region or REGION)]
    assert own["finishedAt"] is not None
    assert own["done"] == own["total"]
    failures: list[dict[str, Any]] = own["failures"]
    return failures


async def servers(client: Client) -> dict[str, dict[str, Any]]:
    """The managed instances by their own names."""
    found = await client.field(SERVERS)
    return {edge["node"]["resourceId"]: edge["node"] for edge in found["edges"]}
