"""API tokens: told once, stored as a digest, revocable, expiring; made and seen by administrators alone."""

import hashlib

import pytest
from sqlalchemy import select

from app.identity.models import ApiTokenRow
from app.identity.rules import bearer, is_token, mint, principal_arn, user_name_of
from app.identity.service import create_token, list_tokens, revoke_token
from app.kernel.clock import ManualClock
from app.kernel.errors import DomainError
from app.kernel.tables import table_of
from app.kernel.viewer import Permission
from tests.organizations.world import MASTER, MEMBER, OUTSIDER, World

LIST = "{ apiTokens { totalCount edges { node { id name prefix permission expiresAt lastUsedAt revokedAt } } } }"


def creating(name: str = "dashboard", permission: str = "AUDITOR", more: str = "") -> str:
    return f'createApiToken(input: {{name: "{name}", permission: {permission}{more}}})'


def test_a_token_has_256_random_bits_and_a_form_of_its_own() -> None:
    minted = [mint() for _ in range(200)]
    assert len({each.secret for each in minted}) == 200
    for each in minted:
        assert is_token(each.secret)
        assert len(each.secret) == len("tg_") + 43
        assert each.secret.startswith(each.prefix)
        assert len(each.prefix) == 11
        assert each.digest == hashlib.sha256(each.secret.encode()).hexdigest()


@pytest.mark.parametrize(
    ("header", "credential"),
    [
        ("Bearer abc", "abc"),
        ("bearer abc", "abc"),
        ("BEARER  abc ", "abc"),
        ("Basic abc", None),
        ("Bearer", None),
        ("Bearer ", None),
        ("Bearer a b", None),
        ("Bearer a\nb", None),
        ("Bearer é", None),
        ("Bearer " + "x" * 9000, None),
        ("", None),
        (None, None),
    ],
)
def test_a_credential_is_one_word_after_bearer(header: str | None, credential: str | None) -> None:
    assert bearer(header) == credential


def test_a_principals_name_is_a_user_name_and_two_subjects_never_share_one() -> None:
    assert user_name_of("ada@example.com") == "ada@example.com"
    names = {
        user_name_of(subject) for subject in ("auth0|1", "auth0/1", "auth0-1", "é", "ö", "x" * 65, "x" * 66, "\ud800")
    }
    assert len(names) == 8
    for name in names:
        assert len(name) <= 64
        assert principal_arn(MASTER, name).isascii()


async def test_the_secret_is_told_once_and_only_its_digest_is_stored(world: World) -> None:
    await world.exists(MASTER)
    payload = await world.do(MASTER, creating(), "secret apiToken { id prefix }")
    secret = payload["secret"]
    assert secret.startswith(payload["apiToken"]["prefix"])
    rows = await world.database.read(lambda connection: connection.execute(select(table_of(ApiTokenRow))).all())
    assert secret not in str(rows)
    assert hashlib.sha256(secret.encode()).hexdigest() in str(rows)
    assert secret not in str(await world.ask(MASTER, LIST))
    assert secret not in str(world.notebook.records)


async def test_tokens_are_listed_the_newest_first(world: World) -> None:
    await world.exists(MASTER, MEMBER)
    for name in ("first", "second"):
        await world.do(MASTER, creating(name))
    await world.do(MEMBER, creating("theirs"))
    listed = (await world.ask(MASTER, LIST))["apiTokens"]
    assert listed["totalCount"] == 2
    assert [edge["node"]["name"] for edge in listed["edges"]] == ["second", "first"]


@pytest.mark.parametrize("permission", [Permission.AUDITOR, Permission.USER])
async def test_pm_1_tokens_are_for_administrators(world: World, permission: Permission) -> None:
    await world.exists(MASTER)
    token = (await world.do(MASTER, creating(), "apiToken { id }"))["apiToken"]["id"]
    answer = await world.answer(MASTER, LIST, permission=permission)
    assert answer["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"
    node = await world.answer(MASTER, f'{{ node(id: "{token}") {{ id }} }}', permission=permission)
    assert node["data"]["node"] is None
    for act in (creating(), f'revokeApiToken(id: "{token}")'):
        answer = await world.answer(
            MASTER, f"mutation {{ done: {act} {{ errors {{ code }} }} }}", permission=permission
        )
        assert answer["data"]["done"]["errors"] == [{"code": "ACCESS_DENIED"}]


async def test_pm_2_a_token_of_another_account_is_as_absent_as_one_that_never_was(world: World) -> None:
    await world.organization(MEMBER)
    await world.exists(OUTSIDER)
    token = (await world.do(MEMBER, creating(), "apiToken { id }"))["apiToken"]["id"]
    for viewer in (MASTER, OUTSIDER):
        refusals = [await world.refused(viewer, f'revokeApiToken(id: "{each}")') for each in (token, "token_1", "x")]
        assert refusals == [refusals[0]] * 3
        assert refusals[0]["code"] == "NOT_FOUND"
        assert (await world.ask(viewer, f'{{ node(id: "{token}") {{ id }} }}'))["node"] is None


async def test_a_token_is_revoked_once_and_for_good(world: World, clock: ManualClock) -> None:
    await world.exists(MASTER)
    token = (await world.do(MASTER, creating(), "apiToken { id }"))["apiToken"]["id"]
    payload = await world.do(MASTER, f'revokeApiToken(id: "{token}")', "apiToken { revokedAt }")
    assert payload["apiToken"]["revokedAt"] == "2026-01-05T09:00:00.000000Z"
    clock.advance(hours=1)
    assert (await world.refused(MASTER, f'revokeApiToken(id: "{token}")'))["code"] == "CONFLICT"
    (listed,) = (await world.ask(MASTER, LIST))["apiTokens"]["edges"]
    assert listed["node"]["revokedAt"] == "2026-01-05T09:00:00.000000Z"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (creating(""), "name"),
        (creating("two words"), "name"),
        (creating("a/b"), "name"),
        (creating("x" * 65), "name"),
        (creating(more=', expiresAt: "2026-01-05T09:00:00Z"'), "expiresAt"),
    ],
)
async def test_api_3_what_is_wrong_with_a_new_token_is_named(world: World, given: str, field: str) -> None:
    await world.exists(MASTER)
    assert (await world.refused(MASTER, given))["field"] == ["input", field]
    assert (await world.ask(MASTER, LIST))["apiTokens"]["totalCount"] == 0


async def test_the_command_line_makes_lists_and_revokes_tokens_of_any_account(world: World) -> None:
    await world.exists(MASTER)
    made = await world.database.write(lambda tx: create_token(tx, MASTER, Permission.USER, "cli"))
    assert made.secret not in repr(made)
    await world.database.write(lambda tx: revoke_token(tx, MASTER, made.key))
    (token,) = await world.database.read(lambda connection: list_tokens(connection, MASTER))
    assert (token.key, token.permission, token.name) == (made.key, Permission.USER, "cli")
    assert token.revoked_at is not None
    with pytest.raises(DomainError, match="not found"):
        await world.database.write(lambda tx: create_token(tx, OUTSIDER, Permission.USER, "cli"))
    with pytest.raises(DomainError, match="not found"):
        await world.database.write(lambda tx: revoke_token(tx, OUTSIDER, made.key))


async def test_the_viewer_is_the_caller(world: World) -> None:
    await world.exists(MASTER)
    query = "{ viewer { account { accountId name } principalArn permission } }"
    answer = await world.answer(MASTER, query, permission=Permission.USER)
    assert answer["data"]["viewer"] == {
        "account": {"accountId": MASTER, "name": "Account 1111"},
        "principalArn": f"arn:aws:iam::{MASTER}:user/ada",
        "permission": "USER",
    }
