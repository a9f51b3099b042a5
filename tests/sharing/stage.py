"""Accounts, organizations and license configurations for the tests of sharing and linking, by the services alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection, select, update

from app.identity.rules import principal_arn
from app.kernel.checks import Check
from app.kernel.database import Database, Transaction
from app.kernel.errors import DomainError, Refusal
from app.kernel.ids import node_id
from app.kernel.tables import table_of
from app.kernel.viewer import Permission, Viewer
from app.licensing import configurations as licensing
from app.licensing.rules import CountingType
from app.linking import service as linking
from app.linking.service import SettingsChange
from app.organizations import accounts, founding, invitations, units
from app.organizations.rules import FeatureSet
from app.organizations.service import membership, units_of
from app.roles import management
from app.roles.models import ServiceLinkedRoleRow
from app.roles.rules import ServiceLinkedRoleKind, definitions
from app.roles.service import ensure_many
from app.sharing import shares
from app.sharing.models import ShareInvitationRow
from app.sharing.shares import NewShare, ShareChange
from app.sharing.sight import configurations_seen, shared_with

MASTER, ANN, BOB, OUTSIDER = "111122223333", "222233334444", "333344445555", "999988887777"
REGION, OTHER_REGION, UNSUPPORTED = "us-east-1", "eu-west-1", "eu-west-3"
SERVICED = (("Service", "LicenseManager"),)
CORE, MASTER_ROLE, MEMBER_ROLE = tuple(ServiceLinkedRoleKind)
T = TypeVar("T")


def viewer_of(account_id: str) -> Viewer:
    """An administrator of an account."""
    return Viewer(account_id, principal_arn(account_id, "ada"), Permission.ADMINISTRATOR, "ada", "token_1")


def role_id(connection: Connection, account_id: str, kind: ServiceLinkedRoleKind) -> str:
    """The global id of an account's role."""
    roles = table_of(ServiceLinkedRoleRow)
    own = select(roles.c.id).where(roles.c.account_id == account_id, roles.c.kind == kind)
    return node_id("role", connection.execute(own).scalar_one())


@dataclass(slots=True)
class Stage:
    """What a test does, as which account."""

    database: Database
    arns: set[str] = field(default_factory=set)

    async def write(self, work: Callable[[Transaction], T]) -> T:
        return await self.database.write(work)

    async def read(self, work: Callable[..., T], *arguments: Any) -> T:
        return await self.database.read(lambda connection: work(connection, *arguments))

    async def act(self, account_id: str, work: Callable[..., T], *arguments: Any) -> T:
        """Do something as an administrator of an account."""
        return await self.database.write(lambda tx: work(tx, viewer_of(account_id), *arguments))

    async def refused(self, account_id: str, work: Callable[..., Any], *arguments: Any) -> Sequence[Refusal]:
        """The refusals of something that must be refused."""
        try:
            result = await self.act(account_id, work, *arguments)
        except DomainError as error:
            return error.refusals
        raise AssertionError(f"it was done: {result}")

    # -------------------------------------------------------- accounts and their roles

    async def exist(self, *account_ids: str) -> None:
        """Make accounts known, each with its first-run grant (RO-2)."""

        def work(tx: Transaction) -> None:
            for account_id in account_ids:
                accounts.create_standalone(tx, account_id, f"Account {account_id}")
            ensure_many(tx, account_ids, CORE)

        await self.write(work)

    async def organization(
        self,
        *members: str,
        master: str = MASTER,
        access: bool = True,
        linked: bool = True,
        features: FeatureSet = FeatureSet.ALL,
    ) -> None:
        """An organization, linked unless told otherwise; its accounts come to exist."""
        await self.exist(master, *members)
        await self.act(master, founding.create_organization, features)
        for member in members:
            await self.join(member, master)
        if access:
            await self.access(True, master)
        if linked:
            await self.link(master)

    async def join(self, account_id: str, master: str = MASTER) -> None:
        """Invite an account to an organization and accept for it."""
        key = await self.act(master, invitations.invite, account_id)
        await self.act(account_id, invitations.accept, node_id("ainv", key))

    async def access(self, enabled: bool, master: str = MASTER) -> None:
        """Turn trusted access on or off."""
        await self.write(lambda tx: founding.set_service_access(tx, viewer_of(master), enabled=enabled))

    async def link(self, master: str = MASTER, region: str = REGION) -> None:
        """Link an organization."""
        await self.settings(master, link_organization=True, region=region)

    async def settings(self, account_id: str, *, region: str = REGION, **given: Any) -> int:
        """Change settings."""
        return await self.act(account_id, linking.update, SettingsChange(region=region, **given))

    async def unit(self, name: str, *account_ids: str, parent: str | None = None, master: str = MASTER) -> str:
        """A new unit with some accounts moved to it; its ou-… id."""
        key = await self.act(master, units.create, name, parent and node_id("ou", await self.unit_key(parent)))
        for account_id in account_ids:
            await self.act(master, accounts.move, account_id, node_id("ou", key))

        def unit_id(connection: Connection) -> str:
            own = membership(connection, master)
            assert own is not None
            return units_of(connection, own.organization_key)[key].unit_id

        return await self.read(unit_id)

    async def unit_key(self, unit_id: str, master: str = MASTER) -> int:
        """The key of a unit of an organization."""

        def key(connection: Connection) -> int:
            own = membership(connection, master)
            assert own is not None
            return next(
                each.key for each in units_of(connection, own.organization_key).values() if each.unit_id == unit_id
            )

        return await self.read(key)

    async def organization_id(self, account_id: str = MASTER) -> str:
        """The o-… id of an account's organization."""
        own = await self.read(membership, account_id)
        assert own is not None
        return own.organization_id

    async def delete_role(self, account_id: str, kind: ServiceLinkedRoleKind) -> None:
        """An account deletes its role."""
        await self.act(account_id, management.remove, await self.read(role_id, account_id, kind))

    async def create_role(self, account_id: str, kind: ServiceLinkedRoleKind) -> None:
        """An account creates a role by its service name."""
        await self.act(account_id, management.create, definitions()[kind].trusted_service, None)

    async def set_policy(self, account_id: str, kind: ServiceLinkedRoleKind, policy: Mapping[str, object]) -> None:
        """Give an account's role another policy, as nobody can through the service."""
        roles = table_of(ServiceLinkedRoleRow)
        own = (roles.c.account_id == account_id, roles.c.kind == kind)
        await self.write(lambda tx: tx.execute(update(roles).where(*own).values(policy=dict(policy))))

    # -------------------------------------------------------- license configurations and shares

    async def configuration(self, account_id: str, name: str = "licenses", region: str = REGION) -> int:
        """A license configuration of an account; its key."""
        command = licensing.CreateConfiguration(region=region, name=name, counting_type=CountingType.INSTANCE)
        return await self.act(account_id, licensing.create, command)

    def new_share(
        self, keys: Sequence[int], principals: Sequence[str], *, region: str = REGION, name: str = "ours", **given: Any
    ) -> NewShare:
        """What a share would be made of."""
        return NewShare(region, name, [node_id("lc", key) for key in keys], principals, **given)

    async def share(self, owner: str, keys: Sequence[int], principals: Sequence[str], **given: Any) -> str:
        """A new share; its global id."""
        return node_id("share", await self.act(owner, shares.create, self.new_share(keys, principals, **given)))

    async def change(self, owner: str, share_id: str, **given: Any) -> None:
        """Change a share."""
        await self.act(owner, shares.update, share_id, ShareChange(**given))

    async def shared(self, account_id: str) -> set[int]:
        """The keys of the license configurations that an account has through shares."""
        return await self.read(lambda connection: set(connection.execute(shared_with(account_id)).scalars()))

    async def sees(self, account_id: str, key: int) -> bool:
        """Whether an account sees a license configuration."""
        return (key, account_id) in await self.read(configurations_seen, [key], [account_id])

    async def invitation(self, account_id: str) -> tuple[str, str]:
        """The global id and the stored state of the one invitation of an account."""
        rows = table_of(ShareInvitationRow)
        row = await self.read(
            lambda connection: connection.execute(select(rows).where(rows.c.account_id == account_id)).one()
        )
        return node_id("sinv", row.id), row.state


def failed(checks: Sequence[Check]) -> list[tuple[str, str]]:
    """The codes and rules of the checks that did not pass."""
    return [(check.refusal.code.value, check.refusal.rule or "") for check in checks if check.refusal]


def codes(refusals: Sequence[Refusal]) -> list[str]:
    return [refusal.code.value for refusal in refusals]
