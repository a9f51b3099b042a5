"""RO-6 and RO-7: a grant takes the role, its policy and the Region, for one account and for many in one statement."""

from typing import Any

import pytest
from sqlalchemy import Connection, event, update

from app.kernel.database import Database, Transaction
from app.kernel.errors import DomainError
from app.kernel.tables import table_of
from app.organizations.accounts import create_standalone
from app.roles import events, service
from app.roles.models import ServiceLinkedRoleRow
from app.roles.rules import ServiceLinkedRoleKind, definitions
from app.roles.service import GrantAnswer, grants, grants_of_many

CORE, MASTER, MEMBER = ServiceLinkedRoleKind
ACCOUNTS = ("111122223333", "444455556666", "777788889999")
SYNC = "ssm:GetInventory"


async def accounts(database: Database, *with_member_role: str) -> None:
    def seed(tx: Transaction) -> None:
        for account_id in ACCOUNTS:
            create_standalone(tx, account_id, "An account")
        service.ensure_many(tx, with_member_role, MEMBER)

    await database.write(seed)


async def asked(database: Database, account_id: str, action: str = SYNC, region: str = "us-east-1") -> GrantAnswer:
    return await database.read(lambda connection: grants(connection, account_id, MEMBER, action, "*", region=region))


async def test_ro_6_a_role_grants_what_its_policy_names(database: Database) -> None:
    await accounts(database, ACCOUNTS[0])
    answer = await asked(database, ACCOUNTS[0])
    assert answer.granted
    assert answer.refusal is None


async def test_ro_2_without_the_role_nothing_is_granted_and_the_refusal_says_how_to_make_it(database: Database) -> None:
    await accounts(database)
    refusal = (await asked(database, ACCOUNTS[0])).refusal
    assert refusal is not None
    assert (refusal.code, refusal.rule, refusal.account_id) == ("ROLE_MISSING", "RO-2", ACCOUNTS[0])
    assert "Service role not found" in refusal.message
    assert refusal.remedy is not None
    assert "license-manager.member-account.amazonaws.com" in refusal.remedy


async def test_ro_6_an_action_that_the_policy_does_not_name_is_refused_though_the_role_is_there(
    database: Database,
) -> None:
    await accounts(database, ACCOUNTS[0])
    refusal = (await asked(database, ACCOUNTS[0], "ram:CreateResourceShare")).refusal
    assert refusal is not None
    assert (refusal.code, refusal.rule) == ("ROLE_NOT_ALLOWED", "RO-6")
    assert "ram:CreateResourceShare" in refusal.message


async def test_ro_7_a_role_grants_nothing_in_a_region_without_support(database: Database) -> None:
    await accounts(database, ACCOUNTS[0])
    refusal = (await asked(database, ACCOUNTS[0], region="us-west-1")).refusal
    assert refusal is not None
    assert (refusal.code, refusal.rule) == ("REGION_UNSUPPORTED", "RO-7")
    with pytest.raises(DomainError):
        await asked(database, ACCOUNTS[0], region="mars-1")


async def test_ro_6_the_policy_that_is_asked_is_the_one_that_the_role_holds(database: Database) -> None:
    """Take a statement out of one account's role, and exactly what it granted is refused there."""
    await accounts(database, *ACCOUNTS[:2])
    whole = definitions()[MEMBER].policy
    cut = {**whole, "Statement": [each for each in whole["Statement"] if each["Sid"] != "SSMPermissions"]}
    roles = table_of(ServiceLinkedRoleRow)
    own = roles.c.account_id == ACCOUNTS[0]
    await database.write(lambda tx: tx.execute(update(roles).where(own).values(policy=cut)).rowcount)
    assert not (await asked(database, ACCOUNTS[0])).granted
    assert (await asked(database, ACCOUNTS[0], "ram:AcceptResourceShareInvitation")).granted
    assert (await asked(database, ACCOUNTS[1])).granted


async def test_ro_6_the_master_role_makes_only_shares_that_are_tagged_for_the_service(database: Database) -> None:
    await accounts(database)
    await database.write(lambda tx: service.ensure(tx, ACCOUNTS[0], MASTER))

    def made(connection: Connection) -> list[bool]:
        return [
            grants(
                connection,
                ACCOUNTS[0],
                MASTER,
                "ram:CreateResourceShare",
                "*",
                region="us-east-1",
                context_tags={"aws:RequestTag/Service": tag} if tag else {},
            ).granted
            for tag in ("LicenseManager", "Other", None)
        ]

    assert await database.read(made) == [True, False, False]


async def test_ro_6_many_accounts_are_asked_in_one_statement_each_by_its_own_role(database: Database) -> None:
    await accounts(database, ACCOUNTS[0], ACCOUNTS[2])

    def counted(connection: Connection) -> tuple[int, dict[str, GrantAnswer]]:
        seen: list[Any] = []

        def count(*details: Any) -> None:
            seen.append(details)

        event.listen(connection, "before_cursor_execute", count)
        answers = grants_of_many(connection, ACCOUNTS, MEMBER, SYNC, "*", region="us-east-1")
        event.remove(connection, "before_cursor_execute", count)
        return len(seen), answers

    statements, answers = await database.read(counted)
    assert statements == 1
    assert {each: answer.granted for each, answer in answers.items()} == dict(
        zip(ACCOUNTS, (True, False, True), strict=True)
    )


async def test_ro_5_a_role_is_ensured_once_and_who_follows_is_told_of_new_ones_alone(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await accounts(database, ACCOUNTS[0])
    told: list[events.RoleChange] = []
    monkeypatch.setattr(events, "on_role_changed", [lambda tx, change: told.append(change)])
    made = [await database.write(lambda tx: service.ensure_many(tx, ACCOUNTS, MEMBER)) for _ in range(2)]
    assert made == [list(ACCOUNTS[1:]), []]
    assert told == [events.RoleChange(MEMBER, list(ACCOUNTS[1:]), present=True)]
    assert await database.read(lambda connection: service.present_in(connection, ACCOUNTS, MEMBER)) == set(ACCOUNTS)


async def test_ro_2_the_core_role_is_required_by_name(database: Database) -> None:
    await accounts(database)
    with pytest.raises(DomainError, match="Service role not found") as refused:
        await database.write(lambda tx: service.require_core(tx.connection, ACCOUNTS[0], hold=True))
    assert refused.value.refusals[0].code == "ROLE_MISSING"
    await database.write(lambda tx: service.ensure(tx, ACCOUNTS[0], CORE))
    await database.write(lambda tx: service.require_core(tx.connection, ACCOUNTS[0], hold=True))
    await database.read(lambda connection: service.require_core(connection, ACCOUNTS[0]))
