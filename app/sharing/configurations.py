"""What sharing needs to know of license configurations, asked of the slice that owns them.

Licensing imports sharing for sight, so sharing can't import licensing: licensing hands its look-up in when it loads.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from sqlalchemy import Connection


class ConfigurationFacts(Protocol):
    """What never changes of a license configuration."""

    @property
    def key(self) -> int: ...
    @property
    def arn(self) -> str: ...
    @property
    def owner_account_id(self) -> str: ...
    @property
    def region(self) -> str: ...


Lookup = Callable[[Connection, Collection[int]], Mapping[int, ConfigurationFacts]]
_lookups: list[Lookup] = []


def provide(lookup: Lookup) -> None:
    """Take the look-up by which keys become facts; keys that are not there are left out of its answer."""
    _lookups[:] = [lookup]


def configurations(connection: Connection, keys: Collection[int]) -> Mapping[int, ConfigurationFacts]:
    """The facts of license configurations by key; absent ones are left out."""
    (lookup,) = _lookups
    return lookup(connection, keys) if keys else {}


def configuration(connection: Connection, key: int) -> ConfigurationFacts | None:
    """The facts of one, or None where there is none."""
    return configurations(connection, [key]).get(key)
