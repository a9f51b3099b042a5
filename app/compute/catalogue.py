"""EC2's instance types and Dedicated Host families, read from `data/` when first asked.

The files name their sources. `scripts/refresh_catalogue.py` writes the instance types anew; the host families are
kept by hand, because no AWS API lists them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class InstanceType:
    """An instance type with its default CPU figures.

    `valid_cores` and `valid_threads_per_core` are ascending, and empty where the type takes no CPU options.
    `dedicated_hosts`: whether it runs on Dedicated Hosts.
    """

    name: str
    cores: int
    threads_per_core: int
    bare_metal: bool
    dedicated_hosts: bool
    valid_cores: tuple[int, ...]
    valid_threads_per_core: tuple[int, ...]

    @property
    def family(self) -> str:
        """What comes before the dot, as Dedicated Hosts are allocated by it: m5 for m5.large."""
        return family_of(self.name)

    @property
    def vcpus(self) -> int:
        """The default number of vCPUs, one a thread."""
        return self.cores * self.threads_per_core

    def valid_cpu_options(self, core_count: int, threads_per_core: int) -> bool:
        """Whether EC2 launches the type so; a type without CPU options takes its defaults alone."""
        if not self.valid_cores:
            return (core_count, threads_per_core) == (self.cores, self.threads_per_core)
        return core_count in self.valid_cores and threads_per_core in self.valid_threads_per_core


@dataclass(frozen=True, slots=True)
class HostFamily:
    """A Dedicated Host of an instance family: its sockets, physical cores, and the vCPUs that instances can take.

    Hosts of the Xen generations offer fewer vCPUs than their cores have threads.
    """

    name: str
    sockets: int
    cores: int
    vcpus: int


def family_of(instance_type_name: str) -> str:
    """The family of a type's name, known or not."""
    return instance_type_name.partition(".")[0]


def instance_type(name: str) -> InstanceType | None:
    """The type of a name such as m5.large; None where EC2 has no such type."""
    return _types().get(name)


def instance_types() -> tuple[InstanceType, ...]:
    """Every instance type, by name."""
    return tuple(_types().values())


def host_family(name: str) -> HostFamily | None:
    """The Dedicated Host of a family such as m5; None where AWS publishes none, or no figures of it."""
    return _hosts().get(name)


def host_families() -> tuple[HostFamily, ...]:
    """Every family of Dedicated Hosts whose figures are known, by name."""
    return tuple(_hosts().values())


@lru_cache(maxsize=1)
def _types() -> dict[str, InstanceType]:
    return {
        name: InstanceType(name, cores, threads, bare_metal, on_hosts, _numbers(valid_cores), _numbers(valid_threads))
        for name, cores, threads, bare_metal, on_hosts, valid_cores, valid_threads in _read("instance_types.json")
    }


@lru_cache(maxsize=1)
def _hosts() -> dict[str, HostFamily]:
    return {
        name: HostFamily(name, sockets, cores, vcpus) for name, sockets, cores, vcpus in _read("host_families.json")
    }


def _read(name: str) -> Iterator[list[Any]]:
    yield from orjson.loads(resources.files("app.compute").joinpath("data", name).read_bytes())["rows"]


@lru_cache(maxsize=512)
def _numbers(runs: str) -> tuple[int, ...]:
    """The numbers of comma-separated runs: `2,4-8,10-20/2` are 2, 4 to 8, and every second from 10 to 20."""
    numbers: list[int] = []
    for run in filter(None, runs.split(",")):
        ends, _, step = run.partition("/")
        first, _, last = ends.partition("-")
        numbers += range(int(first), int(last or first) + 1, int(step or 1))
    return tuple(numbers)
