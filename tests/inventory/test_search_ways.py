"""Whatever way a search is read, it finds what its filter says, in order: SQL is held against a model in Python."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, literal, literal_column

from app.compute.managed import ReportedApplication, add, set_applications
from app.compute.models import ResourceTagRow
from app.compute.versions import version_key
from app.compute.words import note_tags
from app.inventory.search.find import all_keys, facts_of, page_keys
from app.inventory.search.ground import Ground, names_of, parameters
from app.inventory.search.groups import grouped
from app.inventory.search.parse import parse
from app.inventory.search.plan import Plan, ways
from app.inventory.search.reach import REGION, OwnReach
from app.inventory.search.terms import And, Expression, Field, Not, Operator, Or, Software, Term
from app.kernel.database import Database, Transaction
from app.kernel.reads import Window
from app.kernel.tables import table_of
from app.organizations.accounts import create_standalone

ANN, BOB = "111122223333", "222233334444"
REGIONS = ("us-east-1", "eu-west-1")
NAMES = ("SQL Server", "SQL Serverless", "Office", "ÜBER_Tool 50%", "nginx")
VERSIONS = ("9.1", "10", "15.0.2000", "15.4-beta2", "16", None)
PUBLISHERS = ("Microsoft", "Oracle", None)
PLATFORMS = ("Windows", "Linux/UNIX", "windows server", None)
SERVERS = ("Web-01", "web-02", "db\\main", None)
TEAMS = ("Web", "web", "Data & Co", "")


@dataclass(frozen=True)
class Server:
    """What the model knows of one resource."""

    key: int
    account_id: str
    region: str
    resource_id: str
    name: str | None
    platform: str | None
    applications: tuple[ReportedApplication, ...]
    tags: dict[str, str] = field(default_factory=dict)
    gone: bool = False


def write_servers(tx: Transaction, chance: random.Random) -> list[Server]:
    """Two accounts' servers, some of them gone."""
    for account_id in (ANN, BOB):
        create_standalone(tx, account_id, account_id)
    return [_server(tx, chance, number) for number in range(60)]


def _server(tx: Transaction, chance: random.Random, number: int) -> Server:
    account_id, region = chance.choice((ANN, ANN, BOB)), chance.choice(REGIONS)
    resource_id = f"{chance.choice(('mi', 'SRV'))}-{number}"
    facts: dict[str, Any] = {"name": chance.choice(SERVERS), "platform": chance.choice(PLATFORMS)}
    gone = chance.random() < 0.1
    state = {"captured_at": tx.now, "active": True, "gone_at": tx.now if gone else None}
    key = add(tx, account_id, region, resource_id, {**facts, **state})
    applications = tuple(
        dict.fromkeys(
            ReportedApplication(chance.choice(NAMES), chance.choice(VERSIONS), chance.choice(PUBLISHERS))
            for _ in range(chance.randint(0, 4))
        )
    )
    set_applications(tx, {key: applications})
    tags = {"Team": chance.choice(TEAMS)} if chance.random() < 0.6 else {}
    for name, value in tags.items():
        tx.add(table_of(ResourceTagRow), {"resource_id": key, "key": name, "value": value})
    note_tags(tx, tags.items())
    return Server(key, account_id, region, resource_id, **facts, applications=applications, tags=tags, gone=gone)


# ------------------------------------------------------------ the model


def holds(expression: Expression, of: Callable[[Any], bool]) -> bool:
    match expression:
        case And(parts):
            return all(holds(part, of) for part in parts)
        case Or(parts):
            return any(holds(part, of) for part in parts)
        case Not(part):
            return not holds(part, of)
        case _:
            return of(expression)


def compares(term: Term, text: str | None) -> bool:
    if text is None:
        return False
    value, wanted = text.casefold(), term.value.casefold()
    match term.operator:
        case Operator.EQUALS:
            return version_key(text) == version_key(term.value) if term.field is Field.VERSION else value == wanted
        case Operator.CONTAINS:
            return wanted in value
        case Operator.BEGINS:
            return value.startswith(wanted)
        case Operator.ABOVE:
            return version_key(text) > version_key(term.value)
        case Operator.AT_LEAST:
            return version_key(text) >= version_key(term.value)
        case Operator.BELOW:
            return version_key(text) < version_key(term.value)
        case Operator.AT_MOST:
            return version_key(text) <= version_key(term.value)


def of_application(application: ReportedApplication) -> Callable[[Any], bool]:
    def of(term: Any) -> bool:
        return compares(term, application.name if term.field is Field.APPLICATION else getattr(application, term.field))

    return of


def of_server(server: Server) -> Callable[[Any], bool]:
    known = {
        Field.ID: server.resource_id,
        Field.TYPE: "MANAGED_INSTANCE",
        Field.ACCOUNT: server.account_id,
        Field.REGION: server.region,
        Field.PLATFORM: server.platform,
        Field.NAME: server.name,
    }

    def of(leaf: Any) -> bool:
        if isinstance(leaf, Software):
            return any(holds(leaf.part, of_application(each)) for each in server.applications)
        return compares(leaf, server.tags.get(leaf.key) if leaf.field is Field.TAG else known.get(leaf.field))

    return of


# ------------------------------------------------------------ filters


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def part_of(chance: random.Random, text: str) -> str:
    start = chance.randrange(len(text)) if text else 0
    return text[start : start + chance.randint(1, 5)]


def a_term(chance: random.Random) -> str:
    name, values = chance.choice(
        (
            ("application", NAMES),
            ("application", NAMES),
            ("version", VERSIONS),
            ("version", VERSIONS),
            ("publisher", PUBLISHERS),
            ("platform", PLATFORMS),
            ("name", SERVERS),
            ("tag.Team", TEAMS),
            ("tag.None", TEAMS),
            ("id", ("mi-1", "SRV-2", "srv-31")),
            ("type", ("MANAGED_INSTANCE", "IMAGE")),
            ("state", ("RUNNING",)),
            ("region", REGIONS),
            ("account", (ANN, BOB)),
            ("instanceType", ("m5.large",)),
        )
    )
    value = chance.choice([each for each in values if each is not None])
    operator = chance.choice(":::~~^")
    if name == "version":
        operator = chance.choice((":", "~", "^", ">", ">=", "<", "<="))
    if operator == "~":
        value = part_of(chance, value)
    elif operator == "^":
        value = value[: chance.randint(1, 4)]
    return f"{name}{operator}{quoted(value if chance.random() < 0.7 else value.upper())}"


def a_filter(chance: random.Random, depth: int = 0) -> str:
    if depth == 3 or chance.random() < 0.35:
        return chance.choice(("", "", "", "NOT ")) + (a_term(chance) if chance.random() < 0.95 else "web")
    joined = chance.choice((" AND ", " AND ", " OR ")).join(
        a_filter(chance, depth + 1) for _ in range(chance.randint(2, 3))
    )
    return chance.choice(("", "", "NOT ")) + f"({joined})"


# ------------------------------------------------------------ the test


def found_each_way(
    connection: Connection, text: str, region: str | None, now: Any
) -> Iterator[tuple[Plan, list[int], list[int]]]:
    """For every way to read a filter: the keys of its page, all there are, and the keys of its total."""
    parsed = parse(text)
    assert parsed is not None
    expression, reach = grouped(parsed), OwnReach(region is not None)
    names = names_of(expression)
    values = {**parameters(names, {}), **({REGION: region} if region else {})}
    facts = facts_of(connection, expression, reach, viewer_account=ANN, region=region, keys={}, now=now)
    ground = Ground(
        connection.dialect.name, literal(ANN), names, lambda name: bindparam(None, values[name], unique=True)
    )
    window = Window(lambda key: [], True, literal_column("1000"))
    for way in ways(expression, facts):
        page = list(connection.execute(page_keys(way, reach, ground, window)).scalars())
        yield way, page, list(connection.execute(all_keys(expression, way, reach, ground)).scalars())


async def test_every_way_finds_what_the_filter_says(database: Database) -> None:
    """IN-1: equal, contains, begins, versions, AND, OR, NOT and groups, on columns that hold nothing too."""
    chance = random.Random(7)
    servers = await database.write(lambda tx: write_servers(tx, chance))
    filters = [(a_filter(chance), chance.choice((None, None, "us-east-1"))) for _ in range(250)]

    def check(connection: Connection) -> int:
        tried = 0
        for text, region in filters:
            expression = grouped(parse(text))  # type: ignore[arg-type]
            expected = [
                each.key
                for each in sorted(servers, key=lambda each: each.key)
                if each.account_id == ANN
                and not each.gone
                and region in (None, each.region)
                and holds(expression, of_server(each))
            ]
            for way, page, whole in found_each_way(connection, text, region, database.clock.now()):
                assert page == expected, (text, way)
                assert sorted(whole) == expected, (text, way)
                tried += 1
        return tried

    assert await database.read(check) > 1.5 * len(filters)


async def test_pages_of_alternatives_join_without_gaps(database: Database) -> None:
    """Each branch of an OR gives its first keys; pages forwards and backwards are of the whole."""
    chance = random.Random(11)
    await database.write(lambda tx: write_servers(tx, chance))
    text = "application:office OR platform:windows OR tag.Team:web"

    def check(connection: Connection) -> None:
        expression, reach = grouped(parse(text)), OwnReach(False)  # type: ignore[arg-type]
        names = names_of(expression)
        values = parameters(names, {})
        ground = Ground(
            connection.dialect.name, literal(ANN), names, lambda name: bindparam(None, values[name], unique=True)
        )
        now = database.clock.now()
        facts = facts_of(connection, expression, reach, viewer_account=ANN, region=None, keys={}, now=now)
        (everything, alternatives) = ways(expression, facts)
        assert len(alternatives.branches) == 3

        def page(way: Plan, after: int, *, ascending: bool) -> list[int]:
            window = Window(lambda key: [key > after] if ascending else [key < after], ascending, literal_column("4"))
            return list(connection.execute(page_keys(way, reach, ground, window)).scalars())

        for ascending in (True, False):
            at, pages = 0 if ascending else 2**62, 0
            while True:
                expected = page(everything, at, ascending=ascending)
                assert page(alternatives, at, ascending=ascending) == expected
                if not expected:
                    break
                at, pages = expected[-1], pages + 1
            assert pages > 3

    await database.read(check)
