"""Tags within AWS's limits (LC-7): 50, keys of 1 to 128 characters, values up to 256, keys unique."""

from collections.abc import Sequence

from app.kernel.errors import invalid
from app.kernel.ids import check_text

MOST_TAGS = 50
LONGEST_KEY = 128
LONGEST_VALUE = 256


def check_tags(tags: Sequence[tuple[str, str]], *field: str) -> tuple[tuple[str, str], ...]:
    """The tags given, where they are within the limits; else INVALID_INPUT that names the one at fault."""
    if len(tags) > MOST_TAGS:
        raise invalid(f"There are {len(tags)} tags; at most {MOST_TAGS} are allowed.", *field, rule="LC-7")
    seen: set[str] = set()
    for position, (key, value) in enumerate(tags):
        check_text(key, "A tag's key", LONGEST_KEY, *field, str(position), "key")
        check_text(value, "A tag's value", LONGEST_VALUE, *field, str(position), "value", minimum=0)
        if key.lower().startswith("aws:"):
            raise invalid("Keys that begin with aws: are AWS's own.", *field, str(position), "key", rule="LC-7")
        if key in seen:
            raise invalid(f"The tag “{key}” is given twice.", *field, str(position), "key", rule="LC-7")
        seen.add(key)
    return tuple(tags)
