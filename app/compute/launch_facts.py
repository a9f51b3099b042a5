"""What launches are judged by, read for many at once: a fixed number of statements however many wait."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select, tuple_

from app.compute.hosts import hosts_for
from app.compute.launch_command import LaunchCommand
from app.compute.models import LaunchRequestRow
from app.compute.resources import Resource, image_visible_to, load
from app.kernel.errors import Refusal
from app.kernel.tables import table_of
from app.licensing.associations import configurations_on
from app.licensing.gate import Gate
from app.linking.usage import checks_to_use, reasons
from app.roles.rules import ServiceLinkedRoleKind
from app.roles.service import present_in
from app.sharing.sight import configurations_seen

REQUEST = table_of(LaunchRequestRow)
TokenKey = tuple[str, str, str]


@dataclass(slots=True)
class Remembered:
    """A launch that went through under a client token."""

    fingerprint: str
    result: Mapping[str, object]


@dataclass(slots=True)
class LaunchFacts:
    """The objects that some launches name, as their accounts see them, and the gate over their configurations."""

    resources: Mapping[int, Resource]
    visible_images: frozenset[tuple[int, str]]
    attached: Mapping[int, Sequence[int]]
    seen: frozenset[tuple[int, str]]
    unseen: Mapping[tuple[int, str], Sequence[Refusal]]
    core_roles: frozenset[str]
    free_hosts: Mapping[tuple[str, str, str], Resource]
    remembered: dict[TokenKey, Remembered]
    gate: Gate

    def image(self, key: int, account_id: str) -> Resource | None:
        """An image that the account owns or has been given; None for any other."""
        found = self.resources.get(key)
        return found if found is not None and (key, account_id) in self.visible_images else None

    def own(self, key: int, account_id: str, kind: str) -> Resource | None:
        """A resource of a kind that the account owns."""
        found = self.resources.get(key)
        return found if found is not None and found.account_id == account_id and found.type == kind else None


def gather(connection: Connection, commands: Sequence[LaunchCommand], *, lock: bool) -> LaunchFacts:
    """Read what the launches need; with `lock`, it stays as it is until the transaction ends."""
    named = {key for command in commands for key in (command.image_key, command.template_key, command.host_key) if key}
    resources = load(connection, named, hold=lock)
    by_template = {
        resource.image_key
        for resource in resources.values()
        if resource.image_key and resource.type == "LAUNCH_TEMPLATE"
    }
    resources = {**resources, **load(connection, by_template - resources.keys(), hold=lock)}
    accounts = {command.account_id for command in commands}
    images = {(key, account) for key, each in resources.items() if each.type == "IMAGE" for account in accounts}
    attached = configurations_on(connection, list(resources))
    configurations = {key for keys in attached.values() for key in keys}
    configurations.update(key for command in commands for key in command.configuration_keys)
    free_hosts = hosts_for(
        connection, [(command.account_id, command.region) for command in commands if _wants_host(command)], hold=lock
    )
    seen = frozenset(configurations_seen(connection, configurations, accounts)) if configurations else frozenset()
    host_keys = {command.host_key for command in commands if command.host_key} | {h.key for h in free_hosts.values()}
    return LaunchFacts(
        resources={**resources, **{host.key: host for host in free_hosts.values()}},
        visible_images=frozenset(image_visible_to(connection, images)),
        attached=attached,
        seen=seen,
        unseen={
            (key, command.account_id): reasons(checks_to_use(connection, command.account_id, key))
            for command in commands
            for key in command.configuration_keys
            if (key, command.account_id) not in seen
        },
        core_roles=frozenset(present_in(connection, sorted(accounts), ServiceLinkedRoleKind.CORE))
        if configurations
        else frozenset(),
        free_hosts=free_hosts,
        remembered=remembered(connection, commands),
        gate=Gate.open(connection, configurations, lock=lock, host_keys=host_keys),
    )


def _wants_host(command: LaunchCommand) -> bool:
    return command.host_key is None and command.tenancy is not None and command.tenancy == "DEDICATED_HOST"


def token_key(command: LaunchCommand) -> TokenKey | None:
    """What a client token is unique in: its account and Region."""
    return (command.account_id, command.region, command.client_token) if command.client_token is not None else None


def remembered(connection: Connection, commands: Iterable[LaunchCommand]) -> dict[TokenKey, Remembered]:
    """The launches that went through under the commands' client tokens."""
    keys = {key for command in commands if (key := token_key(command))}
    if not keys:
        return {}
    columns = (REQUEST.c.account_id, REQUEST.c.region, REQUEST.c.client_token)
    found = connection.execute(select(REQUEST).where(tuple_(*columns).in_(sorted(keys)))).mappings()
    return {
        (row["account_id"], row["region"], row["client_token"]): Remembered(row["fingerprint"], row["result"])
        for row in found
    }
