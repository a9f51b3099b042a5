"""The inventory is searched by what resources are, at once after they changed, and shows no one what is not theirs."""

import asyncio
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select

from app.compute import managed
from app.compute.models import ApplicationRow, ResourceRow, ResourceTagRow, SearchWordRow
from app.compute.words import Word, forget_unused, note
from app.kernel.database import Database, Transaction
from app.kernel.tables import table_of
from app.kernel.viewer import Permission
from app.organizations.accounts import create_standalone
from tests.inventory.search_world import SEARCH, found, refused, report, tag
from tests.support import licenses as made
from tests.support.api import Api, Client
from tests.support.statements import reads_of

ANN, BOB = "111122223333", "222233334444"
UNTAG = 'mutation($id: ID!) { untagResource(id: $id, keys: ["Team"]) { errors { code } } }'
DEREGISTER = "mutation($id: ID!) { deregisterManagedInstance(id: $id) { errors { code } } }"


async def servers(client: Client) -> dict[str, str]:
    """Two servers' ids by name: a, with a SQL Server 15 and Office; b, with a SQL Server 14 and a tool of 15.5."""
    a = await report(
        client,
        "mi-a",
        ("SQL Server", "15.0.2000", "Microsoft"),
        ("Office", "16", "Microsoft"),
        platform="Windows",
        name="Web Eins",
    )
    b = await report(
        client, "Mi-B", ("SQL Server", "14.0", "Microsoft"), ("ÜBER Tool", "15.5", None), platform="Linux/UNIX"
    )
    await tag(client, a, Team="Web", Note="100%_sure")
    return {"a": a, "b": b}


MEANINGS = [
    ('application:"sql server"', "ab"),
    ('application:"SQL Server" AND version>=15', "a"),
    ("version>=15", "ab"),
    ("version>15.0.2000 AND version<16", "b"),
    ("version:14", "b"),
    ('application~"QL S"', "ab"),
    ("application~Q", "ab"),
    ("application~über", "b"),
    ("application^üb", "b"),
    ("application~ql_s", ""),
    ("publisher:MICROSOFT", "ab"),
    ("publisher~soft AND (application:office OR version:14)", "ab"),
    ("platform:windows", "a"),
    ("platform~INU", "b"),
    ("platform^win", "a"),
    ("NOT platform:windows", "b"),
    ("id:mi-b", "b"),
    ("id^MI-", "ab"),
    ("id~-b", "b"),
    ('name:"web eins"', "a"),
    ("name~eins", "a"),
    ("NOT name~eins", "b"),
    ("tag.Team:WEB", "a"),
    ("tag.team:web", ""),
    ("tag.Team~eb", "a"),
    ("tag.Team~web", "a"),
    ("tag.Team^W", "a"),
    ('tag.Team^""', "a"),
    ('tag.Note~"0%_s"', "a"),
    ("NOT tag.Team:web", "b"),
    ("type:MANAGED_INSTANCE", "ab"),
    ("type~managed", "ab"),
    ("type:instance", ""),
    ("state:running", ""),
    ("instanceType^m5", ""),
    (f"account:{ANN}", "ab"),
    (f"account^{ANN[:4]}", "ab"),
    (f"account:{BOB}", ""),
    ("region:us-east-1", "ab"),
    ("region^eu-", ""),
    ("license:none", "ab"),
    ("unit:anything", ""),
    ("web", "a"),
    ("tool OR mi-a", "ab"),
    ("NOT application:Office", "b"),
    ('application:"SQL Server" AND NOT version^14', "a"),
    ('(application:office OR application:"sql server") AND version<15', "b"),
    ("application:office AND version:15.5", ""),
    ('application:Office OR application:"ÜBER Tool" OR tag.Team:web', "ab"),
    ("", "ab"),
]


async def test_each_field_and_operator_finds_what_it_says(api: Api) -> None:
    """IN-1, with upper and lower case alike in any alphabet, and LIKE's own signs taken as they are."""
    ann = await api.account(ANN)
    await servers(ann)
    names = {"a": "mi-a", "b": "Mi-B"}
    for text, expected in MEANINGS:
        assert await found(ann, text) == {names[each] for each in expected}, text


async def test_in_2_one_account_sees_its_own(api: Api) -> None:
    ann, bob = await api.account(ANN), await api.account(BOB)
    await servers(ann)
    assert await found(bob) == set()
    assert await found(bob, f"account:{ANN}") == set()
    assert await found(bob, "id:mi-a OR NOT id:mi-a") == set()
    image = await made.image(ann)
    await ann.done(
        "mutation($id: ID!, $to: [AccountId!]!) { shareImage(id: $id, accountIds: $to) { errors { code } } }",
        id=image,
        to=[BOB],
    )
    assert await found(bob, "type:IMAGE") == set()
    assert len(await found(ann, "type:IMAGE")) == 1


async def test_in_3_what_is_launched_here_is_found_at_once(api: Api) -> None:
    """Read your writes: launched, tagged, stopped, terminated; under license and not any more."""
    ann = await api.account(ANN)
    counted = await made.configuration(ann, "Oracle EE")
    image = await made.image(ann, counted, platform="Windows Server")
    (instance,) = await made.launched(ann, image, tags=[{"key": "Name", "value": "db-1"}])
    for text in (
        "type:INSTANCE",
        "instanceType:M5.LARGE",
        "instanceType~5.l",
        "platform^windows AND type:INSTANCE",
        "state:running",
        "name:db-1",
        "tag.Name~db-",
        'license:"oracle ee" AND type:INSTANCE',
        "license~racle AND type:INSTANCE",
        "db-1",
    ):
        assert len(await found(ann, text)) == 1, text
    assert await found(ann, "license:none") == set()
    await made.change(ann, "stopInstances", instance)
    assert await found(ann, "state:running") == set()
    assert len(await found(ann, "state:stopped")) == 1
    await ann.done(made.DISASSOCIATE, input={"licenseConfigurationId": counted, "resourceIds": [instance]})
    assert len(await found(ann, "license:none")) == 1
    assert await found(ann, 'license:"Oracle EE" AND type:INSTANCE') == set()


async def test_what_is_renamed_is_found_by_its_new_name_alone(api: Api) -> None:
    """Names, platforms, tags and applications: what is searched follows what is written."""
    ann = await api.account(ANN)
    ids = await servers(ann)
    await tag(ann, ids["a"], Team="Storage")
    assert await found(ann, "tag.Team~web OR tag.Team:web") == set()
    assert await found(ann, "tag.Team~orag") == {"mi-a"}
    await ann.done(UNTAG, id=ids["a"])
    assert await found(ann, "tag.Team~orag OR tag.Team:storage") == set()
    await report(ann, "mi-a", ("Postgres", "17", None), platform="FreeBSD", name="Data Zwei")
    assert await found(ann, 'application:Office OR platform:windows OR name:"web eins" OR name~eins') == set()
    assert await found(ann, 'application~gres AND platform:freebsd AND name~zwei AND name:"data zwei"') == {"mi-a"}
    image = await made.image(ann)
    (instance,) = await made.launched(ann, image, tags=[{"key": "Name", "value": "old"}])
    await tag(ann, instance, Name="new")
    assert await found(ann, "name:old OR name~old") == set()
    assert len(await found(ann, "name:new AND name~new")) == 1
    await ann.done(DEREGISTER, id=ids["a"])
    assert await found(ann, "application~gres") == set()


async def test_pm_2_a_foreign_license_configuration_finds_nothing(api: Api) -> None:
    """By name, by part of it or by ARN: as one that never was; also where it is on one's own image."""
    ann, bob = await api.account(ANN), await api.account(BOB)
    image = await made.image(ann)
    await ann.done(
        "mutation($id: ID!, $to: [AccountId!]!) { shareImage(id: $id, accountIds: $to) { errors { code } } }",
        id=image,
        to=[BOB],
    )
    payload = await bob.done(made.CREATE, input={"region": made.REGION, "name": "Secret", "countingType": "INSTANCE"})
    foreign = payload["licenseConfiguration"]
    await made.associate(bob, foreign["id"], image)
    for text in ("license:secret", "license~ecre", "license^sec", f"license:{foreign['arn']}"):
        assert await found(ann, text) == set(), text
    assert len(await found(ann, "license:none")) == 1
    assert len(await found(ann, "NOT license:secret")) == 1


async def test_license_none_is_what_carries_none_and_quoted_is_a_name(api: Api) -> None:
    ann = await api.account(ANN)
    ids = await servers(ann)
    named = await made.configuration(ann, "none")
    await made.associate(ann, named, ids["a"])
    assert await found(ann, "license:none") == {"Mi-B"}
    assert await found(ann, "license:NONE") == {"Mi-B"}
    assert await found(ann, 'license:"none"') == {"mi-a"}
    assert await found(ann, "NOT license:none") == {"mi-a"}


async def test_ro_2_inventory_needs_the_core_role(api: Api) -> None:
    bare = await api.account(ANN, core_role=False)
    error = await refused(bare, "")
    assert (error["extensions"]["code"], error["extensions"]["rule"]) == ("ROLE_MISSING", "RO-2")


async def test_an_auditor_searches(api: Api) -> None:
    await servers(await api.account(ANN))
    assert await found(await api.client(ANN, Permission.AUDITOR), "id:mi-a") == {"mi-a"}


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"filter": "colour:red"}, "INVALID_INPUT", ["filter"]),
        ({"filter": "(" * 500}, "INVALID_INPUT", ["filter"]),
        ({"filter": "", "region": "xx-north-1"}, "INVALID_INPUT", ["region"]),
        ({"filter": "", "first": 101}, "INVALID_INPUT", ["first"]),
        ({"filter": "", "after": "nonsense"}, "INVALID_INPUT", ["after"]),
    ],
)
async def test_what_can_t_be_taken_is_refused_with_its_field(
    api: Api, given: dict[str, Any], code: str, field: list[str]
) -> None:
    """PM-3: a top-level error with code, rule and remedy; nothing that a client sends breaks the server."""
    error = await refused(await api.account(ANN), **given)
    assert (error["extensions"]["code"], error["extensions"]["field"]) == (code, field)


async def test_api_1_pages_join_without_gaps_in_both_directions(api: Api) -> None:
    ann = await api.account(ANN)
    for number in range(7):
        await report(ann, f"mi-{number}", ("Office", str(number), None))
    whole = sorted(await found(ann, "application:office"))
    forwards: list[str] = []
    after = None
    while True:
        page = await ann.field(SEARCH, filter="application:office", first=3, after=after)
        forwards += [edge["node"]["resourceId"] for edge in page["edges"]]
        assert page["totalCount"] == 7
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    backwards: list[str] = []
    before = None
    while True:
        page = await ann.field(SEARCH, filter="application:office", last=3, before=before)
        backwards = [edge["node"]["resourceId"] for edge in page["edges"]] + backwards
        before = page["pageInfo"]["startCursor"]
        if not page["pageInfo"]["hasPreviousPage"]:
            break
    assert forwards == backwards == whole


async def test_region_narrows_a_search(api: Api) -> None:
    ann = await api.account(ANN)
    await report(ann, "mi-here", ("Office", "1", None))
    await report(ann, "mi-there", ("Office", "1", None), region="eu-west-1")
    assert await found(ann, "application:office", region="eu-west-1") == {"mi-there"}
    assert await found(ann, region="us-east-1") == {"mi-here"}
    assert await found(ann, "region:us-east-1", region="eu-west-1") == set()


async def test_a_page_is_one_statement_however_many_it_shows(api: Api) -> None:
    """The page's resources, with what hangs on them, come in one statement; what is counted is remembered."""
    ann = await api.account(ANN)
    document = """query($first: Int) { resourceInventory(filter: "application:office AND type:MANAGED_INSTANCE",
      first: $first) { totalCount edges { node { resourceId tags { key } account { name }
        licenseConfigurations { name } ... on ManagedInstance { applications { name } } } } } }"""
    taken = []
    for number in range(3):
        for each in range(5):
            await report(ann, f"mi-{number}-{each}", ("Office", "1", None))
        with reads_of("application") as statements:
            page = await ann.field(document, first=100)
        assert len(page["edges"]) == 5 * (number + 1)
        taken.append(sum("json" in statement for statement in statements))
    assert taken == [1, 1, 1]


async def test_every_text_that_is_searched_by_parts_is_a_word(api: Api) -> None:
    """Whoever writes a name, a tag or an application: what contains a part of it is found."""
    ann = await api.account(ANN)
    ids = await servers(ann)
    image = await made.image(ann, name="Golden")
    (instance,) = await made.launched(ann, image, tags=[{"key": "Name", "value": "One"}, {"key": "K", "value": "V"}])
    await tag(ann, instance, Name="Two", Other="X")
    await report(ann, "mi-a", ("Newer", "1", "Maker"), name="Drei")
    assert ids

    def missing(connection: Any) -> list[tuple[str, str]]:
        words = table_of(SearchWordRow)
        known = {tuple(row) for row in connection.execute(select(words.c.kind, words.c.key, words.c.text))}
        resource, application, tags = table_of(ResourceRow), table_of(ApplicationRow), table_of(ResourceTagRow)
        wanted = {
            *(("name", "", row[0]) for row in connection.execute(select(resource.c.name_folded)) if row[0]),
            *(("application", "", row[0]) for row in connection.execute(select(application.c.name_folded))),
            *(
                ("publisher", "", row[0])
                for row in connection.execute(select(application.c.publisher_folded))
                if row[0]
            ),
            *(("tag", *row) for row in connection.execute(select(tags.c.key, tags.c.value_folded))),
        }
        assert len(wanted) > 10
        return sorted(wanted - known)

    assert await api.database.read(missing) == []


async def test_words_that_no_row_has_any_more_are_forgotten(api: Api) -> None:
    ann = await api.account(ANN)
    await servers(ann)
    await report(ann, "mi-a", ("Postgres", "17", None), name="Data Zwei")

    async def texts() -> set[str]:
        words = table_of(SearchWordRow)
        return await api.database.read(lambda c: set(c.execute(select(words.c.text)).scalars()))

    assert {"office", "web eins", "postgres", "web"} <= await texts()
    reached: int | None = 0
    while reached is not None:
        reached = await api.database.write(partial(forget_unused, after=reached, at_most=2))
    left = await texts()
    assert {"office", "web eins"}.isdisjoint(left)
    assert {"postgres", "sql server", "data zwei", "web", "microsoft"} <= left
    await report(ann, "mi-a", ("Office", "16", None))
    assert await found(ann, "application~offic") == {"mi-a"}


def keep(named: list[str], tx: Transaction) -> None:
    note(tx, Word.NAME, *named)


async def test_a_word_is_kept_once_by_two_servers(database: Database) -> None:
    """Two servers that bring the same words at once both succeed (on PostgreSQL; SQLite has one writer)."""
    other = Database(database.url.render_as_string(hide_password=False), clock=database.clock)
    await other.start()
    try:
        for number in range(20):
            named = [f"Word {number}.{each}" for each in range(5)]
            await asyncio.gather(
                database.write(partial(keep, named)),
                other.write(partial(keep, named[::-1])),
            )
    finally:
        await other.stop()
    words = table_of(SearchWordRow)
    assert len(await database.read(lambda c: list(c.execute(select(words.c.text)).scalars()))) == 100


async def test_a_word_that_comes_while_it_is_forgotten_is_there(database: Database) -> None:
    """One server forgets what no row has, another writes a row that has it: on PostgreSQL each waits for the other."""
    other = Database(database.url.render_as_string(hide_password=False), clock=database.clock)
    await other.start()

    def server(tx: Transaction) -> int:
        create_standalone(tx, ANN, "Ann")
        return managed.add(tx, ANN, made.REGION, "mi-a", {"name": None, "captured_at": tx.now, "active": True})

    def report_of(name: str, tx: Transaction) -> None:
        managed.set_applications(tx, {key: [managed.ReportedApplication(name)]})

    try:
        key = await database.write(server)
        words = table_of(SearchWordRow)
        for number in range(20):
            name = f"application {number}"
            await database.write(partial(keep_application, name))
            await asyncio.gather(database.write(partial(report_of, name)), other.write(partial(forget_unused, after=0)))
            kept = select(words.c.id).where(words.c.kind == Word.APPLICATION, words.c.text == name)
            assert await database.read(lambda c, kept=kept: c.execute(kept).first()) is not None  # type: ignore[misc]
    finally:
        await other.stop()


def keep_application(name: str, tx: Transaction) -> None:
    note(tx, Word.APPLICATION, name)
