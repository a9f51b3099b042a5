"""An account with licenses and images, and what AWS tells of it: the stage of the tests of observations."""

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, text

from app import services
from app.compute.launch import LaunchRequest, launch_batch
from app.compute.launch_command import LaunchCommand
from app.compute.observed import keys_by_id
from app.compute.rules import InstanceState, ResourceType, Tenancy
from app.inventory.observation import Observation, ObservedHost, ObservedImage, ObservedInstance
from app.inventory.observed import apply
from app.kernel.changes import Change, Changes
from app.kernel.database import Database, Transaction
from app.kernel.viewer import Permission, Viewer
from app.licensing import bulk, configurations
from app.licensing.configurations import CreateConfiguration
from app.licensing.integrity import check
from app.licensing.rules import CountingType
from app.organizations.accounts import create_standalone
from app.roles import management

__all__ = ["services"]
ACCOUNT = "111122223333"
REGION = "us-east-1"
CORE_SERVICE = "license-manager.amazonaws.com"
AMI = "ami-0000000a"


def viewer(account_id: str = ACCOUNT) -> Viewer:
    return Viewer(account_id, f"arn:aws:iam::{account_id}:user/admin", Permission.ADMINISTRATOR, "admin", "token_1")


def image(resource_id: str = AMI, name: str | None = None, owner: str = ACCOUNT, **given: Any) -> ObservedImage:
    return ObservedImage(resource_id=resource_id, owner_account_id=owner, name=name or f"image {resource_id}", **given)


def instance(number: int = 1, **given: Any) -> ObservedInstance:
    """An m5.large from the image, running on shared hardware, unless told otherwise."""
    usual = ObservedInstance(
        resource_id=f"i-{number:08x}",
        state=InstanceState.RUNNING,
        instance_type="m5.large",
        tenancy=Tenancy.SHARED,
        cores=1,
        threads_per_core=2,
        image_id=AMI,
    )
    return replace(usual, **given)


def host(number: int = 1, **given: Any) -> ObservedHost:
    usual = ObservedHost(resource_id=f"h-{number:08x}", instance_family="m5", sockets=2, cores=48, vcpus=96)
    return replace(usual, **given)


def on_host(number: int, host_number: int = 1, **given: Any) -> ObservedInstance:
    return instance(number, tenancy=Tenancy.DEDICATED_HOST, host_id=f"h-{host_number:08x}", **given)


@dataclass(frozen=True, slots=True)
class Cloud:
    """One database and what is asked of it."""

    database: Database

    async def account(self, account_id: str = ACCOUNT, *, core_role: bool = True) -> None:
        def make(tx: Transaction) -> None:
            create_standalone(tx, account_id, f"Account {account_id}")
            tx.flush()
            if core_role:
                management.create(tx, viewer(account_id), CORE_SERVICE, None)

        await self.database.write(make)

    async def license(
        self, name: str = "licenses", counting: CountingType = CountingType.INSTANCE, owner: str = ACCOUNT, **given: Any
    ) -> int:
        """The key of a new license configuration."""
        wanted = CreateConfiguration(region=REGION, name=name, counting_type=counting, **given)
        return await self.database.write(lambda tx: configurations.create(tx, viewer(owner), wanted))

    async def attach(self, configuration: int, resource_id: str, kind: ResourceType, by: str = ACCOUNT) -> None:
        """Put a license configuration on something that was observed."""

        def make(tx: Transaction) -> None:
            (key,) = keys_by_id(tx.connection, REGION, kind, [resource_id]).values()
            assert bulk.associate(tx, viewer(by), configuration, [key]).refusals == []

        await self.database.write(make)

    async def licensed_image(self, counting: CountingType = CountingType.INSTANCE, **given: Any) -> int:
        """The key of a license configuration that is on the image."""
        await self.observe(images=[image()])
        key = await self.license(counting=counting, **given)
        await self.attach(key, AMI, ResourceType.IMAGE)
        return key

    async def observe(self, account_id: str = ACCOUNT, **seen: Any) -> dict[str, int]:
        """Take an observation; what changed, such as {"instances added": 2}."""
        observation = Observation(account_id=account_id, region=REGION, **seen)
        return told(await self.database.write(lambda tx: apply(tx, observation)))

    async def launch(self, image_key: int, count: int = 1) -> list[str]:
        """Launch here; the ids of the instances."""
        command = LaunchCommand(
            account_id=ACCOUNT,
            region=REGION,
            image_key=image_key,
            template_key=None,
            instance_type="m5.large",
            count=count,
            tenancy=None,
            host_key=None,
            core_count=None,
            threads_per_core=None,
            configuration_keys=(),
            mechanism=None,
            tags=(),
            client_token=None,
        )
        request = LaunchRequest(command, viewer(), lambda tx, refusals: None)
        (result,) = await self.database.write(lambda tx: launch_batch(tx, [request]))
        assert result.refusals == ()
        return [str(key) for key in result.instance_keys]

    async def consumed(self, configuration: int) -> int:
        """The licenses in use, which must be the sum of what is associated and what the rules say (EN-11)."""

        def read(connection: Connection) -> int:
            checked = check(connection)
            assert checked.consistent, checked.discrepancies
            kept = text("SELECT consumed FROM license_configuration WHERE id = :key")
            return int(connection.execute(kept, {"key": configuration}).scalar_one())

        return await self.database.read(read)

    async def rows(self, statement: str) -> list[tuple[Any, ...]]:
        return await self.database.read(lambda connection: [tuple(row) for row in connection.execute(text(statement))])

    async def alerts(self) -> list[str]:
        """The kinds of all alerts, the oldest first."""
        return [kind for (kind,) in await self.rows("SELECT kind FROM alert ORDER BY position")]

    async def key(self, resource_id: str, kind: ResourceType) -> int:
        (key,) = await self.database.read(lambda c: keys_by_id(c, REGION, kind, [resource_id]).values())
        return key


def told(changes: Changes) -> dict[str, int]:
    """Changes as a test states them."""
    return {f"{what} {change}": counts[change] for what, counts in changes for change in Change if counts[change]}
