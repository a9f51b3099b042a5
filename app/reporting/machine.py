"""What a Linux machine's own tools print, as an inventory tells it. Pure: outputs in, facts out."""

import hmac
import json
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from app.inventory.rules import LARGEST_FIGURE

DPKG = ("dpkg-query", "-W", "-f", r"${Package}\t${Version}\t${Maintainer}\t${db:Status-Status}\n")
RPM = ("rpm", "-qa", "--qf", r"%{NAME}\t%{VERSION}-%{RELEASE}\t%{VENDOR}\n")
LSCPU = ("lscpu", "-J")
_NONE = "(none)"
_KEYS = "gpg-pubkey"
"""rpm lists the keys that packages are signed with among the packages."""


class Unreadable(ValueError):
    """An output is none of the tool's."""


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """An installed package."""

    name: str
    version: str | None = None
    publisher: str | None = None


def topology(printed: str) -> dict[str, int | None]:
    """vCPUs, physical cores and sockets from `lscpu -J`; None for what the machine does not tell. Raises Unreadable."""
    try:
        fields = dict(_fields(json.loads(printed)["lscpu"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Unreadable("lscpu printed no JSON of its own") from None
    sockets = _number(fields, "Socket(s)")
    cores = _times(sockets, _number(fields, "Core(s) per socket"))
    if cores is None:  # ARM's processors tell of clusters, and virtual ones of no sockets
        cores = _times(_number(fields, "Cluster(s)"), _number(fields, "Core(s) per cluster"))
    return {"vcpus": _number(fields, "CPU(s)"), "cores": cores, "sockets": sockets}


def topology_of_cpuinfo(printed: str) -> dict[str, int | None]:
    """The same from /proc/cpuinfo, which tells cores and sockets on x86 alone."""
    processors = [dict(_pairs(part, ":")) for part in printed.split("\n\n")]
    processors = [each for each in processors if each.get("processor", "").isdigit()]
    sockets = {each.get("physical id") for each in processors} - {None}
    cores = {(each.get("physical id"), each["core id"]) for each in processors if "core id" in each}
    return {"vcpus": len(processors) or None, "cores": len(cores) or None, "sockets": len(sockets) or None}


def platform_of(os_release: str) -> str | None:
    """The distribution's name from /etc/os-release, as SSM's inventory has it."""
    found = dict(_assignments(os_release))
    return clean(found.get("NAME") or found.get("PRETTY_NAME") or found.get("ID"), 128)


def dpkg_packages(printed: str) -> Iterator[Package]:
    """What is installed, from dpkg-query by DPKG."""
    for line in printed.splitlines():
        name, version, maintainer, status = _parts(line, 4)
        if status == "installed":
            yield from _package(name, version, maintainer.partition("<")[0])


def rpm_packages(printed: str) -> Iterator[Package]:
    """What is installed, from rpm by RPM."""
    for line in printed.splitlines():
        name, version, vendor = _parts(line, 3)
        if name != _KEYS:
            yield from _package(name, version, "" if vendor == _NONE else vendor)


def own_id(machine_id: str) -> str:
    """A server's name for itself that stays, and does not give the machine's id away (machine-id(5))."""
    digest = hmac.new(machine_id.strip().encode(), b"tollgate report", sha256).hexdigest()
    return f"mi-{digest[:17]}"


def clean(text: str | None, most: int) -> str | None:
    """A text that the service takes: within its bounds, without control characters; None where nothing is left."""
    plain = "".join(each if each.isprintable() else " " for each in text or "")
    return " ".join(plain.split())[:most].strip() or None


def _package(name: str, version: str, publisher: str) -> Iterable[Package]:
    plain = clean(name, 256)
    return [Package(plain, clean(version, 128), clean(publisher, 256))] if plain else []


def _parts(line: str, number: int) -> list[str]:
    parts = [part.strip() for part in line.split("\t")]
    if len(parts) != number:
        raise Unreadable(f"“{line[:80]}” is not what was asked for")
    return parts


def _fields(entries: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """lscpu's fields, which newer releases nest."""
    for entry in entries:
        yield entry["field"].removesuffix(":"), str(entry.get("data"))
        yield from _fields(entry.get("children", ()))


def _number(fields: Mapping[str, str], name: str) -> int | None:
    text = fields.get(name, "")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0
    return number if 1 <= number <= LARGEST_FIGURE else None


def _times(left: int | None, right: int | None) -> int | None:
    return left * right if left and right else None


def _pairs(text: str, separator: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, found, value = line.partition(separator)
        if found:
            yield name.strip(), value.strip()


def _assignments(text: str) -> Iterator[tuple[str, str]]:
    """The assignments of a shell, quoted as it quotes."""
    for name, value in _pairs(text, "="):
        try:
            words = shlex.split(value, comments=True)
        except ValueError:
            continue
        yield name, words[0] if words else ""
