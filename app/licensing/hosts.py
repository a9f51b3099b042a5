"""Sockets are counted once a Dedicated Host, however many tracked instances run on it (EN-4)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from app.compute.resources import running_on
from app.kernel.tables import table_of
from app.licensing.models import AssociationRow

ASSOCIATION = table_of(AssociationRow)
Pair = tuple[int, int]
"""A license configuration's key and a host's."""


@dataclass(slots=True)
class HostUse:
    """Who carries the sockets of each host for each socket configuration."""

    associated: set[Pair] = field(default_factory=set)
    tracked: dict[Pair, set[int]] = field(default_factory=lambda: defaultdict(set))
    carrier: dict[Pair, int] = field(default_factory=dict)

    @classmethod
    def load(cls, connection: Connection, configuration_keys: Sequence[int], host_keys: Iterable[int]) -> "HostUse":
        """What runs on some hosts under some socket configurations."""
        use = cls()
        hosts = sorted(set(host_keys))
        if not configuration_keys or not hosts:
            return use
        host_of = {
            instance: host for host, instances in running_on(connection, hosts).items() for instance in instances
        }
        found = connection.execute(
            select(ASSOCIATION.c.configuration_id, ASSOCIATION.c.resource_id, ASSOCIATION.c.consumed).where(
                ASSOCIATION.c.configuration_id.in_(configuration_keys),
                ASSOCIATION.c.resource_id.in_([*hosts, *host_of]),
            )
        )
        for configuration_key, resource_key, consumed in found:
            if resource_key not in host_of:
                use.associated.add((configuration_key, resource_key))
            else:
                use.add((configuration_key, host_of[resource_key]), resource_key, consumed)
        return use

    def is_counted(self, configuration_key: int, host_key: int) -> bool:
        """Whether the host's sockets are counted already, to itself or to an instance on it."""
        pair = (configuration_key, host_key)
        return pair in self.associated or pair in self.carrier

    def add(self, pair: Pair, instance_key: int, consumed: int) -> None:
        """An instance is tracked on the host; it carries the sockets if it consumes them."""
        self.tracked[pair].add(instance_key)
        if consumed:
            self.carrier[pair] = instance_key

    def leave(self, pair: Pair, instance_key: int) -> int | None:
        """An instance stops being tracked; the key of the one that carries its sockets on, where there is one."""
        self.tracked[pair].discard(instance_key)
        if self.carrier.get(pair) != instance_key:
            return None
        del self.carrier[pair]
        if pair in self.associated or not self.tracked[pair]:
            return None
        heir = min(self.tracked[pair])
        self.carrier[pair] = heir
        return heir
