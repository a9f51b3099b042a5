"""Resources as they were found in AWS: held against what is known, and written many at once (IN-3, IN-5)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy import Connection, bindparam, delete, select, update

from app.compute.folding import folded
from app.compute.models import ImageShareRow, ResourceRow, ResourceTagRow
from app.compute.owned import EMPTY, NAMES
from app.compute.resources import in_parts
from app.compute.rules import InstanceState, LaunchMechanism, ResourceType
from app.compute.words import Word, note, note_tags
from app.kernel.database import Transaction
from app.kernel.ids import arn, new_key
from app.kernel.tables import table_of

resources = table_of(ResourceRow)
tags = table_of(ResourceTagRow)
shares = table_of(ImageShareRow)
PATHS = {**{kind: path for kind, (path, _) in NAMES.items()}, ResourceType.INSTANCE: "instance"}
"""How ARNs name each kind that AWS tells of."""
_FLUSH_EVERY = 2_000
_NAMES_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Found:
    """A resource as AWS tells of it: its id there, the columns that say what it is, and its tags.

    A column that is left out stays as it is known.
    """

    resource_id: str
    facts: Mapping[str, Any]
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Known:
    """A resource that the service knows, gone or not. `seen`: AWS told of it before; it was not made here alone."""

    key: int
    resource_id: str
    values: Mapping[str, Any]
    tags: Mapping[str, str]

    @property
    def seen(self) -> bool:
        return self.values["seen_at"] is not None

    @property
    def gone(self) -> bool:
        return self.values["gone_at"] is not None

    @property
    def state(self) -> str | None:
        state: str | None = self.values["state"]
        return state

    def differs(self, facts: Mapping[str, Any], *names: str) -> bool:
        """Whether some of the facts, or any of all, are not what is known."""
        return any(self.values[name] != facts[name] for name in names or facts if name in facts)


Pair = tuple[Known, Found]


@dataclass(slots=True)
class Comparison:
    """What was found beside what is known: not known yet, there again, not as it was, and not there any more."""

    new: list[Found] = field(default_factory=list)
    returned: list[Pair] = field(default_factory=list)
    changed: list[Pair] = field(default_factory=list)
    vanished: list[Known] = field(default_factory=list)


def known(connection: Connection, account_id: str, region: str, kind: ResourceType) -> dict[str, Known]:
    """An account's resources of a kind in a Region by their ids, gone or not, in two statements."""
    mine = (resources.c.account_id == account_id, resources.c.region == region, resources.c.type == kind)
    tagged: dict[int, dict[str, str]] = {}
    joined = select(tags.c.resource_id, tags.c.key, tags.c.value).join(resources, resources.c.id == tags.c.resource_id)
    for key, name, value in connection.execute(joined.where(*mine)):
        tagged.setdefault(key, {})[name] = value
    found: dict[str, Known] = {}
    for row in connection.execute(select(resources).where(*mine).order_by(resources.c.id)).mappings():
        values = cast(Mapping[str, Any], row)  # whose keys are the names of columns
        found[row["resource_id"]] = Known(row["id"], row["resource_id"], values, tagged.get(row["id"], {}))
    return found


def compare(known: Mapping[str, Known], found: Iterable[Found], *, complete: bool = True) -> Comparison:
    """Hold what was found against what is known. What was made here alone never vanishes; `complete`: all was told."""
    result = Comparison()
    there: set[str] = set()
    for each in found:
        there.add(each.resource_id)
        present = known.get(each.resource_id)
        if present is None:
            result.new.append(each)
        elif present.gone:
            result.returned.append((present, each))
        elif not present.seen or present.differs(each.facts) or present.tags != each.tags:
            result.changed.append((present, each))
    if complete:
        result.vanished = [each for name, each in known.items() if each.seen and not each.gone and name not in there]
    return result


# ------------------------------------------------------------ writing


def add(tx: Transaction, account_id: str, region: str, kind: ResourceType, found: Sequence[Found]) -> list[int]:
    """Write resources that were not known; their keys, in order."""
    keys = []
    for number, each in enumerate(found):
        key = new_key()
        row = {
            **EMPTY,
            "mechanism": LaunchMechanism.DISCOVERED.value if kind is ResourceType.INSTANCE else None,
            **each.facts,
            "id": key,
            "type": kind.value,
            "arn": arn("ec2", region, account_id, f"{PATHS[kind]}/{each.resource_id}"),
            "resource_id": each.resource_id,
            "account_id": account_id,
            "region": region,
            "seen_at": tx.now,
            "created_at": tx.now,
        }
        tx.add(resources, row)
        note(tx, Word.NAME, row["name"])
        _add_tags(tx, key, each.tags)
        keys.append(key)
        if number % _FLUSH_EVERY == _FLUSH_EVERY - 1:
            tx.flush()
    tx.flush()
    return keys


def change(tx: Transaction, pairs: Sequence[Pair]) -> None:
    """Write what is not as it was known; what was gone is there again."""
    tx.flush()
    by_columns: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for present, found in pairs:
        facts = folded(found.facts)
        values = {f"new_{name}": value for name, value in facts.items()}
        by_columns.setdefault(tuple(facts), []).append({"key": present.key, **values})
        note(tx, Word.NAME, facts.get("name"))
    for columns, rows in by_columns.items():
        statement = update(resources).where(resources.c.id == bindparam("key"))
        values = {name: bindparam(f"new_{name}", type_=resources.c[name].type) for name in columns}
        tx.connection.execute(statement.values(**values, seen_at=tx.now, gone_at=None), rows)
    retagged = [(present, found) for present, found in pairs if present.tags != found.tags]
    for some in in_parts(present.key for present, _ in retagged):
        tx.execute(delete(tags).where(tags.c.resource_id.in_(some)))
    for present, found in retagged:
        _add_tags(tx, present.key, found.tags)
    tx.flush()


def _add_tags(tx: Transaction, key: int, given: Mapping[str, str]) -> None:
    for name, value in given.items():
        tx.add(tags, {"resource_id": key, "key": name, "value": value})
    note_tags(tx, given.items())


def hold(tx: Transaction, keys: Iterable[int]) -> None:
    """Let nothing else change some resources until the unit of work ends."""
    for some in in_parts(keys):
        tx.execute(select(resources.c.id).where(resources.c.id.in_(some)).order_by(resources.c.id).with_for_update())


def terminate(tx: Transaction, keys: Iterable[int]) -> None:
    """Note that instances have ended; what they carried is taken off them before."""
    for some in in_parts(keys):
        tx.execute(update(resources).where(resources.c.id.in_(some)).values(state=InstanceState.TERMINATED.value))


def leave(tx: Transaction, keys: Iterable[int]) -> None:
    """Note that resources are not there any more, so that others may have their names."""
    for some in in_parts(keys):
        tx.execute(update(resources).where(resources.c.id.in_(some)).values(gone_at=tx.now))


def share_images(tx: Transaction, account_id: str, image_keys: Collection[int]) -> int:
    """Note that an account sees images of others (EN-8); how many of them it did not before."""
    tx.flush()
    there: set[int] = set()
    for some in in_parts(image_keys):
        given = select(shares.c.image_id).where(shares.c.account_id == account_id, shares.c.image_id.in_(some))
        there.update(tx.connection.execute(given).scalars())
    lacking = sorted(set(image_keys) - there)
    for key in lacking:
        tx.add(shares, {"image_id": key, "account_id": account_id})
    return len(lacking)


# ------------------------------------------------------------ what refers to what


def keys_by_id(
    connection: Connection, region: str, kind: ResourceType, ids: Iterable[str], account_id: str | None = None
) -> dict[str, int]:
    """The keys of resources of a kind in a Region by the ids that AWS gave them, of one account or of any.

    AWS gives an id once; of two accounts that have it nevertheless, the one where it is still there counts.
    """
    wanted = sorted(set(ids))
    found: dict[str, int] = {}
    for start in range(0, len(wanted), _NAMES_AT_ONCE):
        statement = select(resources.c.resource_id, resources.c.id).where(
            resources.c.resource_id.in_(wanted[start : start + _NAMES_AT_ONCE]),
            resources.c.region == region,
            resources.c.type == kind,
        )
        if account_id is not None:
            statement = statement.where(resources.c.account_id == account_id)
        present_last = (resources.c.gone_at.is_(None), resources.c.id)
        found.update((row.resource_id, row.id) for row in connection.execute(statement.order_by(*present_last)))
    return found
