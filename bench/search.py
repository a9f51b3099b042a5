"""The inventory's search over a whole organization, against the same filters written by hand in SQL."""

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
from pydantic import SecretStr
from sqlalchemy import Connection, Engine, event

from app.identity.service import create_token
from app.kernel.database import Database
from app.kernel.viewer import Permission
from app.main import build
from app.settings import Settings
from bench.inventory import MASTER, fill
from bench.servers import opened, postgresql

DOCUMENT = """query($filter: String) { resourceInventory(filter: $filter, scope: ORGANIZATION, first: 20) {
  edges { node { id resourceId resourceType account { accountId } } } pageInfo { hasNextPage } } }"""

# By hand: the keys by the index that serves them, who is seen and through which role (RO-6), and the page's columns.
REACHED = """r.gone_at IS NULL AND r.region IN ('us-east-1', 'us-west-2', 'eu-west-1')
  AND EXISTS (SELECT 1 FROM account m WHERE m.account_id = r.account_id AND m.organization_id = {organization})
  AND (r.account_id = '{master}' OR EXISTS (SELECT 1 FROM service_linked_role s WHERE s.account_id = r.account_id
    AND s.kind = 'MEMBER_ACCOUNT' AND CAST(s.policy AS TEXT) LIKE '%"ssm:GetInventory"%'
    AND CAST(s.policy AS TEXT) LIKE '%"ssm:ListInventoryEntries"%'))""".replace("{master}", MASTER)
SHOWN = "SELECT r.id, r.resource_id, r.type, r.account_id FROM {source} WHERE {where} AND " + REACHED
PAGE = SHOWN + " ORDER BY {order} LIMIT 21"
SOFTWARE = "application a JOIN resource r ON r.id = a.resource_id"
HAS = "EXISTS (SELECT 1 FROM application a WHERE a.resource_id = r.id AND a.name_folded {})"


def _either(*pages: str) -> str:
    """Each alternative's first, and of those the first."""
    parts = " UNION ".join(f"SELECT * FROM ({page}) AS p{number}" for number, page in enumerate(pages))
    return f"SELECT * FROM ({parts}) AS p ORDER BY id LIMIT 21"


def _application(name: str, also: str = "1 = 1") -> str:
    where = f"a.name_folded = '{name}' AND {also}"
    return PAGE.replace("{source}", SOFTWARE).replace("{where}", where).replace("{order}", "a.resource_id")


def _resource(where: str) -> str:
    return PAGE.replace("{source}", "resource r").replace("{where}", where).replace("{order}", "r.id")


SQL, SUSE = "microsoft sql server", "suse linux"
EQUAL = {
    f'application:"{SQL}"': _application(SQL),
    'application:"planner 77 suite"': _application("planner 77 suite"),
    "platform:windows": _resource("r.platform_folded = 'windows'"),
    "type:DEDICATED_HOST": _resource("r.type = 'DEDICATED_HOST'"),
    'tag.Team:"team 3"': PAGE.replace("{source}", "resource_tag t JOIN resource r ON r.id = t.resource_id")
    .replace("{where}", "t.key = 'Team' AND t.value_folded = 'team 3'")
    .replace("{order}", "t.resource_id"),
    f'application:"{SQL}" AND platform:windows': _application(SQL, "r.platform_folded = 'windows'"),
    'application:"planner 77 suite" AND platform:windows': _application(
        "planner 77 suite", "r.platform_folded = 'windows'"
    ),
    'application:"oracle database" OR application:nginx': _either(
        _application("oracle database"), _application("nginx")
    ),
    f'(application:"oracle database" OR platform:"{SUSE}") AND NOT type:IMAGE': _either(
        _application("oracle database", "r.type <> 'IMAGE'"),
        _resource(f"r.platform_folded = '{SUSE}' AND r.type <> 'IMAGE'"),
    ),
}
CONTAINED = {
    'application~"lanner 777"': _resource(HAS.format("LIKE '%lanner 777%'")),
    'application~"ner 77 s"': _resource(HAS.format("LIKE '%ner 77 s%'")),
    "application~nothing": _resource(HAS.format("LIKE '%nothing%'")),
    "name~host-3000": _resource("r.name_folded LIKE '%host-3000%'"),
}


@contextmanager
def _captured() -> Iterator[list[tuple[str, Any]]]:
    """The statements that fetch pages while the block runs, with their parameters."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "json" in statement and "resource" in statement:
            seen.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def _median(connection: Connection, statement: str, parameters: Any, times: int) -> float:
    """Milliseconds; the first runs warm caches and are not counted."""
    taken = []
    for _ in range(times + 2):
        began = time.perf_counter()
        connection.exec_driver_sql(statement, parameters).all()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken[2:]) * 1000


async def _compare(database: Database, http: httpx2.AsyncClient, filter_: str, by_hand: str, times: int) -> str:
    body = json.dumps({"query": DOCUMENT, "variables": {"filter": filter_}})
    latencies, answer = [], {}
    with _captured() as seen:
        for _ in range(times + 2):
            began = time.perf_counter()
            answer = (await http.post("/graphql", content=body)).json()
            latencies.append(time.perf_counter() - began)
    assert "errors" not in answer, answer
    edges = len(answer["data"]["resourceInventory"]["edges"])
    statement, parameters = seen[-1]
    ours = await database.read(lambda connection: _median(connection, statement, parameters, times))
    theirs = await database.read(lambda connection: _median(connection, by_hand, (), times))
    whole = statistics.median(latencies[2:]) * 1000
    return (
        f"{filter_[:58]:<58} {edges:3} rows: statement {ours:7.2f} ms, by hand {theirs:8.2f} ms, "
        f"ratio {ours / theirs:5.2f}, {theirs / ours:7.1f} × as fast; GraphQL {whole:6.2f} ms"
    )


async def _measure(url: str, resources: int, accounts: int, times: int) -> None:
    async with opened(url) as database:
        print(f"{database.describe()}: {resources:,} resources in {accounts:,} accounts", flush=True)
        await fill(database, resources, accounts)
        token = (await database.write(lambda tx: create_token(tx, MASTER, Permission.AUDITOR, "bench"))).secret
        organization = await database.read(
            lambda connection: connection.exec_driver_sql("SELECT id FROM organization").scalar_one()
        )
    server = build(Settings(database_url=SecretStr(url), _env_file=None))
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    transport = httpx2.ASGITransport(server.application)
    async with (
        server.application.router.lifespan_context(server.application),
        httpx2.AsyncClient(transport=transport, base_url="http://bench", headers=headers) as http,
    ):
        if url.startswith("postgresql"):
            await server.database.write(lambda tx: tx.connection.exec_driver_sql("ANALYZE"))
        for title, filters in (("by index", EQUAL), ("by parts of words, by hand a scan", CONTAINED)):
            print(f"  {title}", flush=True)
            for filter_, by_hand in filters.items():
                written = by_hand.replace("{organization}", str(organization))
                print("   ", await _compare(server.database, http, filter_, written, times), flush=True)


def run(scale: float = 1.0) -> None:
    """Print each filter's time, that of the same by hand, and their ratio, on both databases."""
    resources, accounts = max(int(1_000_000 * scale), 2_000), max(int(1_000 * scale), 10)
    times = max(int(30 * scale), 5)
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(_measure(f"sqlite+aiosqlite:///{Path(name) / 'search.db'}", resources, accounts, times))
    with tempfile.TemporaryDirectory() as name, postgresql(Path(name)) as url:
        asyncio.run(_measure(url, resources, accounts, times))
