"""Tagging any kind of object by its global id: each slice registers how its own objects are tagged.

A slice calls `taggable` when its service is imported; the composition root imports the services.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from app.kernel.database import Transaction
from app.kernel.errors import invalid, not_found
from app.kernel.ids import parse_node_id
from app.kernel.tags import LONGEST_KEY, MOST_TAGS, check_tags
from app.kernel.viewer import Viewer

Tags = Mapping[str, str]
Open = Callable[[Transaction, Viewer, int], Tags]
Store = Callable[[Transaction, int, Tags, Sequence[str]], None]


@dataclass(frozen=True, slots=True)
class Taggable:
    """How one kind of object is tagged.

    `open` finds an object by its key for a caller that may change its tags, holds it until the unit ends, and gives
    the tags that it has; it raises DomainError for anyone else, with the field `id`. `store` writes some tags, new or
    changed, and takes some keys away.
    """

    open: Open
    store: Store


_kinds: dict[str, Taggable] = {}


def taggable(prefix: str, how: Taggable) -> None:
    """Make the objects whose global ids have a prefix taggable."""
    _kinds[prefix] = how


def tag_resource(tx: Transaction, viewer: Viewer, id: str, tags: Sequence[tuple[str, str]]) -> Tags:
    """Put tags on an object, over those of the same keys (LC-7). All of its tags afterwards, by key."""
    given = dict(check_tags(tags, "tags"))
    key, kind = _find(id)
    present = kind.open(tx, viewer, key)
    merged = {**present, **given}
    if len(merged) > MOST_TAGS:
        raise invalid(
            f"With these it would have {len(merged)} tags; at most {MOST_TAGS} are allowed.", "tags", rule="LC-7"
        )
    kind.store(tx, key, {name: value for name, value in given.items() if present.get(name) != value}, ())
    return dict(sorted(merged.items()))


def untag_resource(tx: Transaction, viewer: Viewer, id: str, names: Sequence[str]) -> Tags:
    """Take tags off an object by their keys; keys that it has not are passed over. Its tags afterwards, by key."""
    if len(names) > MOST_TAGS or any(not 1 <= len(each) <= LONGEST_KEY for each in names):
        raise invalid(f"Name at most {MOST_TAGS} keys of 1 to {LONGEST_KEY} characters.", "keys", rule="LC-7")
    key, kind = _find(id)
    present = kind.open(tx, viewer, key)
    kind.store(tx, key, {}, sorted(present.keys() & set(names)))
    return {name: value for name, value in sorted(present.items()) if name not in names}


def _find(id: str) -> tuple[int, Taggable]:
    parsed = parse_node_id(id)
    kind = _kinds.get(parsed.prefix) if parsed else None
    if parsed is None or kind is None:
        raise not_found("The object", "id")
    return parsed.key, kind
