"""Reads the machine that it runs on: processors, distribution, packages, and a name that stays."""

import os
import socket
import subprocess
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from app.inventory.rules import MOST_APPLICATIONS
from app.reporting import machine
from app.reporting.machine import DPKG, LSCPU, RPM, Package, Unreadable

MACHINE_IDS = ("etc/machine-id", "var/lib/dbus/machine-id")
OS_RELEASES = ("etc/os-release", "usr/lib/os-release")
PATIENCE_SECONDS = 120


class Failed(Exception):
    """A tool that is there did not do its work."""


Runner = Callable[[tuple[str, ...]], str | None]


def run(command: tuple[str, ...]) -> str | None:
    """What a command prints, in no language; None where there is no such command. Raises Failed."""
    environment = {**os.environ, "LC_ALL": "C"}
    environment.pop("TOLLGATE_TOKEN", None)
    try:
        done = subprocess.run(  # noqa: S603 - the commands are constants
            command, env=environment, capture_output=True, timeout=PATIENCE_SECONDS, check=False
        )
    except FileNotFoundError:
        return None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failed(f"{command[0]} could not be run: {type(error).__name__}") from None
    if done.returncode:
        said = machine.clean(done.stderr.decode("utf-8", "replace"), 200)
        raise Failed(f"{command[0]} failed with {done.returncode}: {said or 'it said nothing'}")
    return done.stdout.decode("utf-8", "replace")


@dataclass(slots=True)
class Gathered:
    """What is to be reported, as PutInventoryInput without its Region; and what could not be found out, for people."""

    input: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def gather(resource_id: str | None = None, *, root: Path = Path("/"), runner: Runner = run) -> Gathered:
    """Read the machine. What can't be found out is left out, so that the service keeps what it knows."""
    gathered = Gathered()
    found = resource_id or _own_id(root)
    gathered.input["resourceId"] = found
    gathered.input["name"] = machine.clean(socket.gethostname(), 255)
    platform = machine.platform_of(_text(root, OS_RELEASES) or "")
    if platform:
        gathered.input["platform"] = platform
    gathered.input |= _topology(gathered, root, runner)
    packages = _packages(gathered, runner)
    if packages is not None:
        gathered.input["applications"] = [
            {"name": each.name, "version": each.version, "publisher": each.publisher} for each in packages
        ]
    return gathered


def _own_id(root: Path) -> str | None:
    text = _text(root, MACHINE_IDS)
    return machine.own_id(text) if text and text.strip() not in ("", "uninitialized") else None


def _text(root: Path, names: Iterable[str]) -> str | None:
    for name in names:
        try:
            return (root / name).read_text("utf-8", "replace")
        except OSError:
            continue
    return None


def _topology(gathered: Gathered, root: Path, runner: Runner) -> dict[str, int | None]:
    try:
        printed = runner(LSCPU)
        if printed is not None:
            return machine.topology(printed)
    except (Failed, Unreadable) as error:
        gathered.notes.append(f"{error}; /proc/cpuinfo is read instead.")
    counted = machine.topology_of_cpuinfo(_text(root, ["proc/cpuinfo"]) or "")
    return {name: figure for name, figure in counted.items() if figure is not None}


def _packages(gathered: Gathered, runner: Runner) -> list[Package] | None:
    """All of them, or None: a part would say that the others are gone."""
    try:
        parts = [parse(printed) for parse, printed in _printed(runner)]
        found = sorted(set(chain.from_iterable(parts)), key=lambda each: (each.name, str(each.version)))
    except (Failed, Unreadable) as error:
        gathered.notes.append(f"{error}. Packages are not reported; those that are known stay.")
        return None
    if not parts:
        gathered.notes.append("There is neither dpkg-query nor rpm. Packages are not reported.")
        return None
    if len(found) > MOST_APPLICATIONS:
        gathered.notes.append(f"The first {MOST_APPLICATIONS:,} of {len(found):,} packages are reported.")
    return found[:MOST_APPLICATIONS]


def _printed(runner: Runner) -> Iterator[tuple[Callable[[str], Iterator[Package]], str]]:
    for command, parse in ((DPKG, machine.dpkg_packages), (RPM, machine.rpm_packages)):
        printed = runner(command)
        if printed is not None:
            yield parse, printed
