"""How a resource data sync of SSM names its files, and what a store holds of some accounts' Regions."""

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from hashlib import sha256

from app.inventory.aws.ssm import TYPES
from app.inventory.rules import is_resource_id
from app.inventory.sources import Target
from app.kernel.regions import regions
from app.kernel.stores import Listed, Store

_ACCOUNT = re.compile(r"accountid=([0-9]{12})")
_FILE = re.compile(r"region=(?P<region>[^/]+)/(?:resourcetype=[^/]+/)?(?P<name>[^/]+)\.json")
_REGION = re.compile(r"region=(?P<region>[^/]+)/")
_SHOWN = 200


@dataclass(slots=True)
class ServerFiles:
    """The files of one server: pairs of a type and a file."""

    resource_id: str
    files: list[tuple[str, Listed]] = field(default_factory=list)

    @property
    def version(self) -> str:
        """Another one as soon as a file comes, goes or changes."""
        told = sorted((each.key, each.version) for _, each in self.files)
        return sha256(repr(told).encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def size(self) -> int:
        return sum(each.size for _, each in self.files)


@dataclass(slots=True)
class PassedOver:
    """What of a store is of no use here, counted by its name: other types, accounts and Regions that are not known."""

    types: Counter[str] = field(default_factory=Counter)
    accounts: Counter[str] = field(default_factory=Counter)
    regions: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Survey:
    """What there is to read: servers by their names for each account and Region, and files that are no one's."""

    servers: dict[Target, dict[str, ServerFiles]] = field(default_factory=dict)
    strange: dict[Target, list[str]] = field(default_factory=dict)
    passed_over: PassedOver = field(default_factory=PassedOver)

    @property
    def targets(self) -> list[Target]:
        return sorted(self.servers.keys() | self.strange.keys())

    def include(self, type_name: str, account_id: str, listed: Iterable[Listed], wanted: Collection[str]) -> None:
        """Sort an account's files of a type by Region and server; those of Regions that are not wanted are passed."""
        known = {each.code for each in regions()}
        folder = account_folder(type_name, account_id)
        for each in listed:
            below = each.key.removeprefix(folder)
            place = _REGION.match(below)
            code = place["region"] if place else ""
            if code not in known:
                self.passed_over.regions[shown(code or below)] += 1
            elif code in wanted:
                self._add(Target(account_id, code), type_name, below, each)

    def _add(self, target: Target, type_name: str, below: str, found: Listed) -> None:
        named = _FILE.fullmatch(below)
        if named is None or not is_resource_id(named["name"]):
            self.strange.setdefault(target, []).append(found.key)
            return
        servers = self.servers.setdefault(target, {})
        servers.setdefault(named["name"], ServerFiles(named["name"])).files.append((type_name, found))


def accounts_in(store: Store, passed_over: PassedOver) -> dict[str, list[str]]:
    """The accounts that a store holds something of, by type; what else lies there is passed over."""
    found: dict[str, list[str]] = {}
    for folder in store.folders():
        if folder not in TYPES:
            passed_over.types[shown(folder)] += 1
            continue
        for each in store.folders(f"{folder}/"):
            named = _ACCOUNT.fullmatch(each)
            if named is None:
                passed_over.accounts[shown(each)] += 1
            else:
                found.setdefault(folder, []).append(named[1])
    return found


def account_folder(type_name: str, account_id: str) -> str:
    """Where the files of a type and an account are."""
    return f"{type_name}/accountid={account_id}/"


def shown(name: str) -> str:
    """A name that someone else chose, as it can be printed and kept anywhere."""
    plain = name.encode("ascii", "backslashreplace").decode("ascii")
    return "".join(each if each.isprintable() else "?" for each in plain)[:_SHOWN]
