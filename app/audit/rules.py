"""What a record is called, and what of a request's parameters it keeps, without I/O (AU-1, AU-4)."""

import re
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from functools import lru_cache
from typing import Any

HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
"""What CloudTrail writes in a secret's place."""

LONGEST_TEXT = 2_000
LONGEST_LIST = 100
DEEPEST = 20
LONGEST_NAME = 200
_MARGIN = 100
"""What is looked at behind a cut, so that a secret across it is known as one; and no more, as looking takes time."""

_SECRET_NAMES = re.compile(
    r"token|secret|passw|passphrase|authorization|credential|apikey|accesskey|privatekey|signingkey|encryptionkey"
)
_NOT_SECRET = re.compile(r"(clienttoken|nexttoken)|.*(id|ids|name|prefix|expiresat)")
_SECRETS_IN_TEXT = re.compile(
    r"(?<![A-Za-z0-9_-])tg_[A-Za-z0-9_-]{43}"  # Tollgate's own tokens
    r"|whsec_[A-Za-z0-9+/=_-]{16,}"  # webhooks' signing secrets
    r"|(?<=://)[^/?#\s@]+(?=@)"  # user and password in a URL
    r"|(?<=[Bb]earer )[!-~]{8,}"
)
_QUERY = re.compile(r"(://[^\s?#]*\?)[^\s#]+")


@lru_cache(maxsize=4096)
def is_secret(name: str) -> bool:
    """Whether a parameter of this name holds what a record must not tell: by its name, in any spelling."""
    plain = "".join(character for character in name.lower() if character.isalnum())
    return _SECRET_NAMES.search(plain) is not None and _NOT_SECRET.fullmatch(plain) is None


def kept(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters as a record keeps them: JSON values, secrets hidden, texts and lists of bounded length.

    A text over 2,000 characters, and a list or an object over 100 items, ends with a note of how long it was.
    """
    return _mapping(parameters, 0)


def hidden(text: str) -> str:
    """A text without what has the form of a secret."""
    if "://" in text or "tg_" in text or "earer " in text or "whsec_" in text:
        return _SECRETS_IN_TEXT.sub(HIDDEN, _QUERY.sub(rf"\1{HIDDEN}", text))
    return text


def printable(text: str, maximum: int) -> str:
    """A text for a column: without secrets and what no database keeps, and cut where it is too long."""
    text = _unicode(hidden(text[: maximum + _MARGIN])).replace("\x00", "")
    return text if len(text) <= maximum else text[: maximum - 1] + "…"


def _mapping(given: Mapping[str, Any], depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    # A key–value pair, such as a tag, whose key says that its value is a secret.
    hides = "value" in given and isinstance(given.get("key"), str) and is_secret(given["key"][:LONGEST_NAME])
    for given_name, value in given.items():
        name = given_name[:LONGEST_NAME]
        if len(found) == LONGEST_LIST:
            found["…"] = f"{len(given)} parameters"
            break
        if value is None:
            found[_unicode(name)] = None
        elif is_secret(name) or (hides and name == "value"):
            found[_unicode(name)] = HIDDEN
        else:
            found[_unicode(name)] = _text(value) if type(value) is str else _value(value, depth + 1)
    return found


def _value(value: Any, depth: int) -> Any:
    if type(value) is str:
        return _text(value)
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else f"… ({value.bit_length()} bits)"
    return _many(value, depth) if depth <= DEEPEST else "…"


def _many(value: Any, depth: int) -> Any:
    if isinstance(value, Mapping):
        return _mapping(value, depth)
    if isinstance(value, list | tuple):
        items = [_value(item, depth + 1) for item in value[:LONGEST_LIST]]
        return items if len(value) <= LONGEST_LIST else [*items, f"… ({len(value)} items)"]
    return _text(value.isoformat() if isinstance(value, datetime) else str(value))


def _text(value: str) -> str:
    text = _unicode(hidden(value[: LONGEST_TEXT + _MARGIN]))
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}… ({len(value)} characters)"


def _unicode(text: str) -> str:
    """A text that can be encoded: JSON allows halves of surrogate pairs, UTF-8 does not."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
