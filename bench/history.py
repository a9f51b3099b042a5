"""Event history: a filtered page of a long history against one of its first 10,000 records."""

import asyncio
import itertools
import json
import random
import tempfile
from pathlib import Path

from app.audit.records import Entry, write_entries
from app.identity.service import create_token
from app.kernel.clock import ManualClock
from app.kernel.context import Origin
from app.kernel.database import Database, Transaction
from app.kernel.database.transaction import Concern
from app.kernel.viewer import Permission, Viewer
from app.migrations import migrate
from app.organizations.accounts import create_standalone
from bench import load
from bench.launches import ACCOUNT, REGION
from bench.servers import TOLLGATE, serving

DOCUMENT = """query($filter: AuditEventFilter) { auditEvents(filter: $filter, first: 20) {
  edges { node { eventTime eventName principalArn errorCode record } } pageInfo { hasNextPage endCursor } } }"""
ACTIONS = ("launchInstances",) * 6 + ("licenseConfigurations", "resourceInventory", "stopInstances", "tagResource")
ACCOUNTS = (ACCOUNT, *(f"{number:012d}" for number in range(1, 10)))
FILTERS: dict[str, dict[str, object]] = {
    "everything": {},
    "by name": {"eventName": "StopInstances"},
    "by principal": {"principalArn": f"arn:aws:iam::{ACCOUNT}:user/user3"},
    "by resource": {"resourceArn": f"arn:aws:ec2:{REGION}:{ACCOUNT}:image/ami-7"},
    "what was refused": {"refusedOnly": True},
    "by name and principal": {"eventName": "StopInstances", "principalArn": f"arn:aws:iam::{ACCOUNT}:user/user3"},
}
AT_ONCE = 2_000
FIRST = 10_000


def _entries(chance: random.Random) -> list[Entry]:
    """Acts of fifty callers in ten accounts, one in a hundred refused."""
    entries = []
    for _ in range(AT_ONCE):
        account, user, action = chance.choice(ACCOUNTS), f"user{chance.randrange(5)}", chance.choice(ACTIONS)
        viewer = Viewer(account, f"arn:aws:iam::{account}:user/{user}", Permission.ADMINISTRATOR, user, "token_1")
        image = Concern(f"arn:aws:ec2:{REGION}:{account}:image/ami-{chance.randrange(200)}", account)
        parameters = {"input": {"region": REGION, "imageId": "res_123", "instanceType": "m5.large", "count": 1}}
        errors = [("LIMIT_EXCEEDED", "None are left.")] if chance.random() < 0.01 else []
        origin = Origin("3366df5f-4166-415f-9437-c38bcd0f5548", "203.0.113.83", "bench")
        concerns = (image,) if action == "launchInstances" else ()
        entries.append(Entry(viewer, origin, action, parameters, errors, concerns, read_only=False))
    return entries


async def _fill(url: str, count: int, *, begun: bool) -> str:
    """Records of two thousand a second; a token of the first account."""
    clock = ManualClock()
    clock.advance(days=1 if begun else 0)
    chance = random.Random(begun)

    def found(tx: Transaction) -> str:
        for account in () if begun else ACCOUNTS:
            create_standalone(tx, account, "Bench")
        tx.flush()
        return create_token(tx, ACCOUNT, Permission.ADMINISTRATOR, f"bench{begun}").secret

    database = Database(url, clock=clock)
    await database.start()
    try:
        await migrate(database)
        token = await database.write(found)
        for _ in range(count // AT_ONCE):
            entries = _entries(chance)
            await database.write(lambda tx, entries=entries: write_entries(tx, entries))  # type: ignore[misc]
            clock.advance(seconds=1)
        return token
    finally:
        await database.stop()


def _measure(url: str, token: str, total: int) -> dict[str, load.Measured]:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}", "Accept": "application/json"}
    measured = {}
    with serving(TOLLGATE, url) as address:
        for name, given in FILTERS.items():
            body = json.dumps({"query": DOCUMENT, "variables": {"filter": given}}).encode()
            requests = itertools.repeat(load.request_bytes(f"{address}/graphql", body, headers))
            asyncio.run(load.run(address, requests, clients=1, total=max(total // 5, 5)))
            accept = lambda answer: b'"record"' in answer  # noqa: E731
            measured[name] = asyncio.run(load.run(address, requests, clients=1, total=total, accept=accept))
    return measured


def run(scale: float = 1.0) -> None:
    """Print the time of a page at both sizes, and their ratio."""
    total, size = max(int(100 * scale), 10), int(1_000_000 * scale)
    with tempfile.TemporaryDirectory() as name:
        url = f"sqlite+aiosqlite:///{Path(name) / 'history.db'}"
        few = _measure(url, asyncio.run(_fill(url, FIRST, begun=False)), total)
        many = _measure(url, asyncio.run(_fill(url, size - FIRST, begun=True)), total)
    for filter_, measured in many.items():
        before, after = few[filter_].percentile(0.5), measured.percentile(0.5)
        print(
            f"{filter_:>22}: p50 {before:6.1f} ms of {FIRST:,} records, {after:6.1f} ms of {size:,} = "
            f"{after / before:.2f} ×; failures {few[filter_].failures + measured.failures}"
        )
