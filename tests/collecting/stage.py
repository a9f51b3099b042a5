"""An organization in AWS and the same in Tollgate, linked, with discovery across its accounts on."""

from dataclasses import dataclass, field
from typing import Any

from app import services
from app.inventory.aws.collector import AwsCollector
from app.inventory.aws.syncing import Synced, synchronise
from app.inventory.sources import Run, Target
from app.kernel.database import Database, Transaction
from app.kernel.errors import Refusal
from app.linking import service as linking
from app.roles.rules import ServiceLinkedRoleKind
from app.roles.service import ensure, ensure_many
from tests.collecting.amazon import MASTER, REGION, Amazon
from tests.inventory.cloud import Cloud, told, viewer

__all__ = ["Stage", "messages", "services", "told"]


@dataclass
class Stage:
    """One database beside one AWS."""

    amazon: Amazon
    database: Database
    members: list[str] = field(default_factory=list)

    @property
    def cloud(self) -> Cloud:
        return Cloud(self.database)

    async def open(self, *names: str) -> None:
        """Make the organization in AWS, read it, and open it for collection."""
        self.members = self.amazon.organization(*names)
        await self.synchronise()
        await self.database.write(_link)

    async def grant(self, *account_ids: str) -> None:
        """The first-run grant in some accounts (RO-2)."""
        await self.database.write(lambda tx: ensure_many(tx, account_ids, ServiceLinkedRoleKind.CORE))

    async def synchronise(self, accounts: tuple[str, ...] = (), dry_run: bool = False, **settings: Any) -> Synced:
        """What `tollgate sync aws` does."""
        collector = AwsCollector(self.amazon.settings(**settings), dry_run=dry_run)
        try:
            return await synchronise(self.database, collector, accounts=accounts, dry_run=dry_run)
        finally:
            collector.close()

    async def collect(self, *targets: Target, **settings: Any) -> Run:
        """What a source is asked by schedule, for all accounts unless told otherwise."""
        collector = AwsCollector(self.amazon.settings(**settings))
        chosen = targets or tuple(Target(each, REGION) for each in (MASTER, *self.members))
        run = Run(self.database, chosen, _silent)
        self.amazon.asked.clear()
        try:
            await collector.collect(run)
        finally:
            collector.close()
        return run

    async def instances(self) -> dict[str, str]:
        """The states of all instances by their ids."""
        statement = "SELECT resource_id, state FROM resource WHERE type = 'INSTANCE' AND gone_at IS NULL"
        return {row[0]: row[1] for row in await self.cloud.rows(statement)}


async def _silent(done: int, total: int) -> None:
    pass


def _link(tx: Transaction) -> None:
    ensure(tx, MASTER, ServiceLinkedRoleKind.CORE)
    tx.flush()
    linking.link(tx, viewer(MASTER), REGION)
    linking.enable_discovery(tx, viewer(MASTER), REGION)


def messages(failures: dict[Target, list[Refusal]]) -> list[str]:
    return [each.message for refusals in failures.values() for each in refusals]
