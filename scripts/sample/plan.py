"""The sample's plan, read from plan.yaml."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

PLAN: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("plan.yaml").read_text(encoding="utf-8"))
UNITS: dict[str, list[str]] = PLAN["units"]
OWN_IMAGES: dict[str, dict[str, str]] = PLAN["own_images"]
PUBLIC_IMAGES: dict[str, str] = PLAN["public_images"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """`count` equal instances, of which the first `stopped` are stopped."""

    name: str
    type: str
    count: int
    image: str
    tenancy: str = "default"
    host: int | None = None
    cpu: tuple[int, int] | None = None
    template: bool = False
    spot: bool = False
    stopped: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """An account's Region with what is to run there."""

    account: str
    unit: str
    region: str
    hosts: tuple[dict[str, str], ...]
    workloads: tuple[Workload, ...]


def places() -> Iterator[Place]:
    """Every account and Region that holds something."""
    unit_of = {account: unit for unit, accounts in UNITS.items() for account in accounts}
    for account, by_region in PLAN["workloads"].items():
        for region, workloads in by_region.items():
            hosts = PLAN["hosts"].get(account, {}).get(region, ())
            yield Place(account, unit_of[account], region, tuple(hosts), tuple(Workload(**each) for each in workloads))
