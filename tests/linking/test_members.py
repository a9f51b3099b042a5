"""What one account may do with the resources of another (SH-4, SH-6, TR-2, OR-4, RG-2)."""

from sqlalchemy import Connection

from app.kernel.errors import Refusal
from app.linking.crossing import acts_in_members
from app.organizations import accounts
from app.sharing.configurations import configuration
from tests.sharing.stage import ANN, BOB, MASTER, MEMBER_ROLE, OUTSIDER, REGION, UNSUPPORTED, Stage, codes

RESOURCE = f"arn:aws:ec2:{REGION}:{ANN}:instance/i-0123456789abcdef0"


async def _refusals(
    stage: Stage, key: int, account_id: str = ANN, *, actor: str = MASTER, associating: bool = False
) -> list[Refusal]:
    """The refusals of an act on a resource of an account: disassociating it, unless told otherwise."""

    def ask(connection: Connection) -> list[Refusal]:
        facts = configuration(connection, key)
        assert facts is not None
        acts = acts_in_members(connection, actor, [account_id], facts)
        return acts.refusals(account_id, RESOURCE, associating=associating)

    return await stage.read(ask)


async def test_the_master_acts_through_the_member_role(stage: Stage) -> None:
    """SH-6: associating takes the share as well (SH-4)."""
    await stage.organization(ANN)
    key = await stage.configuration(MASTER)
    assert await _refusals(stage, key) == []
    (refusal,) = await _refusals(stage, key, associating=True)
    assert (refusal.code, refusal.rule, refusal.account_id) == ("NOT_IN_RESOURCE_SHARE", "SH-4", ANN)
    await stage.share(MASTER, [key], [ANN])
    assert await _refusals(stage, key, associating=True) == []


async def test_a_member_that_deleted_its_role_is_left_alone_and_told_of(stage: Stage) -> None:
    """TR-2: what happens meanwhile, and what cures it; the cure works (RO-5)."""
    await stage.organization(ANN)
    key = await stage.configuration(MASTER)
    await stage.delete_role(ANN, MEMBER_ROLE)
    (refusal,) = await _refusals(stage, key)
    assert (refusal.code, refusal.rule, refusal.account_id) == ("ROLE_MISSING", "TR-2", ANN)
    assert "go on consuming" in refusal.message
    assert "license-manager.member-account.amazonaws.com" in (refusal.remedy or "")
    await stage.create_role(ANN, MEMBER_ROLE)
    assert await _refusals(stage, key) == []


async def test_the_policy_must_grant_it_on_the_very_resource(stage: Stage) -> None:
    """RO-6."""
    await stage.organization(ANN)
    key = await stage.configuration(MASTER)
    statement = {
        "Effect": "Allow",
        "Action": ["license-manager:UpdateLicenseSpecificationsForResource"],
        "Resource": [RESOURCE],
    }
    await stage.set_policy(ANN, MEMBER_ROLE, {"Version": "2012-10-17", "Statement": [statement]})
    assert await _refusals(stage, key) == []
    statement["Resource"] = [RESOURCE.replace("i-0", "i-1")]
    await stage.set_policy(ANN, MEMBER_ROLE, {"Version": "2012-10-17", "Statement": [statement]})
    (refusal,) = await _refusals(stage, key)
    assert (refusal.code, refusal.rule, refusal.account_id) == ("ROLE_NOT_ALLOWED", "RO-6", ANN)
    assert RESOURCE in refusal.message


async def test_a_removed_account_s_resources_are_out_of_reach(stage: Stage) -> None:
    """OR-4: its role is still there, and does not matter."""
    await stage.organization(ANN)
    key = await stage.configuration(MASTER)
    await stage.act(MASTER, accounts.remove, ANN)
    (refusal,) = await _refusals(stage, key)
    assert (refusal.code, refusal.rule, refusal.account_id) == ("NOT_IN_ORGANIZATION", "OR-4", ANN)


async def test_acts_across_accounts_take_trusted_access_and_the_link(stage: Stage) -> None:
    """OR-3, SH-6."""
    await stage.organization(ANN)
    key = await stage.configuration(MASTER)
    await stage.access(False)
    assert codes(await _refusals(stage, key)) == ["SERVICE_ACCESS_DISABLED"]
    await stage.access(True)
    await stage.settings(MASTER, link_organization=False)
    assert codes(await _refusals(stage, key)) == ["ORGANIZATION_NOT_LINKED"]


async def test_acts_across_accounts_take_a_region_with_support(stage: Stage) -> None:
    """RG-2."""
    await stage.organization(ANN)
    key = await stage.configuration(MASTER, region=UNSUPPORTED)
    assert codes(await _refusals(stage, key)) == ["REGION_UNSUPPORTED"]


async def test_only_the_owner_and_the_master_act_on_others(stage: Stage) -> None:
    """SH-6: a sharee does not, nor an account in no organization; a member that owns the license configuration may."""
    await stage.organization(ANN, BOB)
    await stage.exist(OUTSIDER)
    key, bob_s, alone = [await stage.configuration(each) for each in (MASTER, BOB, OUTSIDER)]
    await stage.share(MASTER, [key], [BOB])
    assert codes(await _refusals(stage, key, actor=BOB)) == ["NOT_MASTER_ACCOUNT"]
    assert await _refusals(stage, bob_s, actor=BOB) == []
    assert codes(await _refusals(stage, alone, actor=OUTSIDER)) == ["NOT_IN_ORGANIZATION"]


async def test_nobody_acts_on_the_master_s_resources(stage: Stage) -> None:
    """SH-6: there is no member role in the master account."""
    await stage.organization(BOB)
    key = await stage.configuration(BOB)
    (refusal,) = await _refusals(stage, key, MASTER, actor=BOB)
    assert (refusal.code, refusal.rule, refusal.account_id) == ("ROLE_NOT_ALLOWED", "SH-6", MASTER)


async def test_the_master_puts_a_member_s_own_license_configuration_on_its_resource(stage: Stage) -> None:
    """SH-4: the owner needs no share."""
    await stage.organization(ANN)
    key = await stage.configuration(ANN)
    assert await _refusals(stage, key, associating=True) == []
