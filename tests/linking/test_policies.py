"""Take one statement out of a role's policy, and exactly the acts that use it are refused (RO-6)."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Connection, select

from app.kernel.database import Transaction
from app.kernel.errors import DomainError
from app.kernel.tables import table_of
from app.kernel.viewer import Viewer
from app.linking import service
from app.linking.crossing import (
    acts_in_members,
    checks_to_deliver,
    checks_to_publish,
    own_checks,
    search,
    synchronise,
)
from app.linking.service import SettingsChange, upgrade_data_catalog
from app.organizations.rules import InvitationState
from app.organizations.service import mark_discovery_enabled, membership
from app.roles.rules import ServiceLinkedRoleKind, definitions
from app.sharing import shares
from app.sharing.configurations import configuration
from app.sharing.managed import share_with_members
from app.sharing.models import ShareInvitationRow
from app.sharing.shares import NewShare, ShareChange
from tests.sharing.stage import (
    ANN,
    BOB,
    CORE,
    MASTER,
    MASTER_ROLE,
    MEMBER_ROLE,
    OTHER_REGION,
    OUTSIDER,
    REGION,
    SERVICED,
    Stage,
    failed,
)

BUCKET = "arn:aws:s3:::aws-license-manager-service-ours"
TOPIC = f"arn:aws:sns:{REGION}:{MASTER}:aws-license-manager-service-alerts"
RESOURCE = f"arn:aws:ec2:{REGION}:{ANN}:instance/i-0123456789abcdef0"

SHARES_FOUND = {"link", "unlink", "share with members", "first share of a Region"}
SHARES_MADE = {"link", "create share", "first share of a Region"}
SHARES_CHANGED = {
    "link", "unlink", "create share", "share with members", "first share of a Region",
    "rename share", "add to share", "remove from share", "delete share",
}  # fmt: skip
ACROSS = {"search", "synchronise"}
USED: dict[tuple[ServiceLinkedRoleKind, str], set[str]] = {
    (CORE, "S3BucketPermissions"): {"deliver"},
    (CORE, "S3ObjectPermissions"): {"deliver"},
    (CORE, "SNSAccountPermissions"): {"publish"},
    (CORE, "SNSTopicPermissions"): set(),
    (CORE, "EC2Permissions"): {"synchronise own"},
    (CORE, "SSMPermissions"): {"synchronise own"},
    (CORE, "OrganizationPermissions"): {"link"},
    (MASTER_ROLE, "S3BucketPermissions"): {"link", "enable discovery", *ACROSS},
    (MASTER_ROLE, "S3ObjectPermissions1"): ACROSS,
    (MASTER_ROLE, "S3ObjectPermissions2"): {"synchronise"},
    (MASTER_ROLE, "AthenaPermissions"): {"search"},
    (MASTER_ROLE, "GluePermissions"): {"search"},
    (MASTER_ROLE, "OrganizationPermissions"): {"link", "enable discovery", *ACROSS},
    (MASTER_ROLE, "RAMPermissions1"): SHARES_FOUND | SHARES_MADE,
    (MASTER_ROLE, "RAMPermissions2"): SHARES_MADE,
    (MASTER_ROLE, "RAMPermissions3"): SHARES_CHANGED,
    (MEMBER_ROLE, "LicenseManagerPermissions"): {"associate in member", "disassociate in member"},
    (MEMBER_ROLE, "SSMPermissions"): {"search member", "synchronise member"},
    (MEMBER_ROLE, "RAMPermissions"): {"accept share"},
}
HOLDER = {CORE: MASTER, MASTER_ROLE: MASTER, MEMBER_ROLE: ANN}


class Undone(Exception):
    """What was done is given up; whether it had the effect."""

    def __init__(self, effect: bool) -> None:
        self.effect = effect


@dataclass(frozen=True)
class Scene:
    """A linked organization, its license configurations in two Regions, one of them in a share of the service."""

    stage: Stage
    key: int
    elsewhere: int
    share: str

    async def does(self, work: Callable[..., Any], *arguments: Any, account: str = MASTER) -> bool:
        """Whether an account may do something, and then it has the effect; undone whatever comes of it."""

        def undone(tx: Transaction, viewer: Viewer) -> None:
            raise Undone(work(tx, viewer, *arguments) is not False)

        try:
            await self.stage.act(account, undone)
        except Undone as done:
            return done.effect
        except DomainError:
            return False
        raise AssertionError("neither done nor refused")

    async def passes(self, work: Callable[..., Any], *arguments: Any) -> bool:
        return failed(await self.stage.read(work, *arguments)) == []

    async def acts(self) -> dict[str, bool]:
        """Every act across accounts, and whether it goes through."""
        change, update = SettingsChange, service.update
        new = self.stage.new_share([self.key], [ANN], tags=SERVICED)
        found = {
            "link": await self.does(update, change(REGION, link_organization=True)),
            "unlink": await self.does(update, change(REGION, link_organization=False)),
            "enable discovery": await self.does(update, change(REGION, enable_discovery=True)),
            "create share": await self.does(shares.create, new),
            "share with members": await self.does(share_with_members, self.key),
            "first share of a Region": await self.does(share_with_members, self.elsewhere),
            "rename share": await self.does(shares.update, self.share, ShareChange(name="new")),
            "add to share": await self.does(shares.update, self.share, ShareChange(add_principals=[BOB])),
            "remove from share": await self.does(shares.update, self.share, ShareChange(remove_principals=[ANN])),
            "delete share": await self.does(shares.delete, self.share),
            "accept share": await self.does(_taken, account=OUTSIDER),
            "associate in member": await self.stage.read(_in_member, self.key, True),
            "disassociate in member": await self.stage.read(_in_member, self.key, False),
            "publish": await self.passes(checks_to_publish, MASTER, TOPIC, REGION),
            "deliver": await self.passes(checks_to_deliver, MASTER, BUCKET, REGION),
            "synchronise own": await self.passes(own_checks, MASTER, REGION),
        }
        await self.stage.write(_discover)
        for name, work in (("search", search), ("synchronise", synchronise)):
            reach = await self.stage.read(work, MASTER, REGION)
            found[name] = failed(reach.checks) == []
            found[f"{name} member"] = not found[name] or ANN in reach.account_ids
        return found


def _taken(tx: Transaction, viewer: Viewer) -> bool:
    """Whether the service accepts an outside share for the member."""
    shares.create(tx, viewer, NewShare(REGION, "outside", [], [ANN], allow_external_principals=True))
    tx.flush()
    state = select(table_of(ShareInvitationRow).c.state).where(table_of(ShareInvitationRow).c.account_id == ANN)
    return bool(tx.execute(state).scalar_one() == InvitationState.ACCEPTED)


def _in_member(connection: Connection, key: int, associating: bool) -> bool:
    facts = configuration(connection, key)
    assert facts is not None
    acts = acts_in_members(connection, MASTER, [ANN], facts)
    return acts.refusals(ANN, RESOURCE, associating=associating) == []


def _discover(tx: Transaction) -> None:
    place = membership(tx.connection, MASTER)
    assert place is not None
    mark_discovery_enabled(tx, place.organization_key)


@pytest.fixture
async def scene(stage: Stage) -> Scene:
    """All of it granted, nothing of it done."""
    await stage.organization(ANN, BOB)
    await stage.exist(OUTSIDER)
    await stage.act(MASTER, upgrade_data_catalog, REGION)
    key = await stage.configuration(MASTER)
    elsewhere = await stage.configuration(MASTER, region=OTHER_REGION)
    return Scene(stage, key, elsewhere, await stage.share(MASTER, [key], [ANN], tags=SERVICED))


async def test_with_the_policies_as_they_are_every_act_goes_through(scene: Scene) -> None:
    """RO-1."""
    acts = await scene.acts()
    assert [name for name, allowed in acts.items() if not allowed] == []
    assert set().union(*USED.values()) == set(acts)


@pytest.mark.parametrize(("kind", "sid"), USED)
async def test_without_a_statement_the_acts_that_use_it_are_refused(
    scene: Scene, kind: ServiceLinkedRoleKind, sid: str
) -> None:
    """RO-6: exactly those."""
    policy = copy.deepcopy(dict(definitions()[kind].policy))
    policy["Statement"] = [each for each in policy["Statement"] if each["Sid"] != sid]
    await scene.stage.set_policy(HOLDER[kind], kind, policy)
    acts = await scene.acts()
    assert {name for name, allowed in acts.items() if not allowed} == USED[kind, sid]


def test_every_statement_is_taken_out_once() -> None:
    """RO-1, RO-6: the table above has all statements of all three roles."""
    every = {(kind, each["Sid"]) for kind, role in definitions().items() for each in role.policy["Statement"]}
    assert every == set(USED)
