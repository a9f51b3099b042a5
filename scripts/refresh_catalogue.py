"""Writes app/compute/data/instance_types.json from the installed moto, which keeps what EC2's API answered.

Only the CPU figures are taken. With --check: fails where the file is not what moto would give.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parent.parent / "app/compute/data/instance_types.json"
COLUMNS = [
    "instance type",
    "default cores",
    "default threads per core",
    "bare metal",
    "on Dedicated Hosts",
    "valid cores",
    "valid threads per core",
]


def runs(numbers: Iterable[int]) -> str:
    """Ascending numbers as comma-separated runs of equal steps; empty for none."""
    left = list(numbers)
    parts: list[str] = []
    while left:
        step = left[1] - left[0] if len(left) > 1 else 1
        length = 1
        while length < len(left) and left[length] - left[length - 1] == step:
            length += 1
        # Two numbers are no run: the second may begin one of its own.
        length = 1 if length == 2 and step > 1 else length
        run, left = left[:length], left[length:]
        ends = str(run[0]) if length == 1 else f"{run[0]}-{run[-1]}"
        parts.append(ends + (f"/{step}" if length > 1 and step > 1 else ""))
    return ",".join(parts)


def row(described: dict[str, Any]) -> list[object]:
    """What DescribeInstanceTypes says of a type, as a row of the catalogue."""
    cpu = described["VCpuInfo"]
    if cpu["DefaultVCpus"] != cpu["DefaultCores"] * cpu["DefaultThreadsPerCore"]:
        raise ValueError(f"{described['InstanceType']}: its vCPUs are not its cores times its threads per core")
    return [
        described["InstanceType"],
        cpu["DefaultCores"],
        cpu["DefaultThreadsPerCore"],
        described["BareMetal"],
        described["DedicatedHostsSupported"],
        runs(cpu.get("ValidCores", [])),
        runs(cpu.get("ValidThreadsPerCore", [])),
    ]


def rendered() -> str:
    """The file as the installed moto gives it: one row a line, so that a refresh reads well as a difference."""
    from moto.ec2.models.instance_types import INSTANCE_TYPES

    rows = sorted(row(each) for each in INSTANCE_TYPES.values())
    head = {
        "source": f"moto {version('moto')}, ec2/resources/instance_types.json: answers of EC2's DescribeInstanceTypes",
        "license": "Apache-2.0",
        "columns": COLUMNS,
    }
    lines = ",\n".join(json.dumps(each) for each in rows)
    return json.dumps(head, indent=1)[:-2] + f',\n "rows": [\n{lines}\n ]\n}}\n'


def main(arguments: Sequence[str]) -> int:
    """Write the catalogue; 1 with --check where it is out of date."""
    fresh = rendered()
    if "--check" not in arguments:
        TARGET.write_text(fresh, encoding="utf-8")
        return 0
    if TARGET.read_text(encoding="utf-8") == fresh:
        return 0
    print(f"{TARGET.name} is out of date: run python -m scripts.refresh_catalogue", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
