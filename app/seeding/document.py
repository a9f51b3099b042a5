"""A YAML or JSON file as plain values, with the line of each, read within bounds.

Read from the parser's events, not by a loader: no tag makes an object, no alias multiplies, no depth overflows, and no
word but true, false and null is taken for anything but text: neither `no` nor 0123.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from app.seeding.errors import InputError

LARGEST_FILE = 50 * 1024 * 1024
MOST_VALUES = 2_000_000
DEEPEST = 50
Place = tuple[str | int, ...]
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "~": None, "": None}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"[-+]?[0-9]{1,18}\.[0-9]{1,18}([eE][-+]?[0-9]{1,3})?")


@dataclass(slots=True)
class Document:
    """What a file holds; `lines` of each value by its place in it, from 1."""

    file: Path
    data: Any
    lines: dict[Place, int] = field(default_factory=dict)

    def line(self, place: Place) -> int | None:
        """The line of a value, or of what holds it where it is not there."""
        for length in range(len(place), -1, -1):
            if place[:length] in self.lines:
                return self.lines[place[:length]]
        return None


def load(file: Path) -> Document:
    """The values in a file; raises InputError, with the line where it can be told."""
    text = _text(file)
    if file.suffix.lower() != ".json":
        return _Builder(file).build(yaml.parse(text, Loader=_LOADER))
    document = Document(file, _json(file, text))
    # JSON is YAML but for corners: then there are no line numbers, and places alone tell.
    try:
        document.lines = _Builder(file).build(yaml.parse(text.replace("\t", " "), Loader=_LOADER)).lines
    except InputError:
        document.lines = {}
    return document


_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:  # a pipe or a device tells no size
            content = opened.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise InputError(file, f"is larger than {LARGEST_FILE // 1024**2} MB", remedy="Split it.")
        return content.decode("utf-8-sig")
    except OSError as error:
        raise InputError(file, f"can't be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InputError(file, f"is not UTF-8 from byte {error.start} on") from None


def _json(file: Path, text: str) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise InputError(file, f"“{twice[:100]}” is there twice")
        return found

    try:
        return json.loads(text, object_pairs_hook=once)
    except json.JSONDecodeError as error:
        raise InputError(file, f"is not JSON: {error.msg}", line=error.lineno) from None
    except RecursionError:
        raise InputError(file, f"is nested deeper than {DEEPEST}") from None
    except ValueError:
        raise InputError(file, "holds a number that is too long") from None


class _Open:
    """A list or object that is being read."""

    def __init__(self, place: Place, value: list[Any] | dict[str, Any]) -> None:
        self.place, self.value = place, value
        self.key: str | None = None

    def next_place(self) -> Place:
        """Where the next value stands."""
        if isinstance(self.value, list):
            return (*self.place, len(self.value))
        return self.place if self.key is None else (*self.place, self.key)


class _Builder:
    """Builds one document from events."""

    def __init__(self, file: Path) -> None:
        self.document = Document(file, None)
        self.open: list[_Open] = []
        self.values = 0
        self.documents = 0

    def build(self, events: Iterable[Any]) -> Document:
        for event in self._told(events):
            line = event.start_mark.line + 1
            match event:
                case yaml.DocumentStartEvent():
                    self._document(line)
                case yaml.AliasEvent():
                    raise self._wrong(line, "aliases are not taken", "Write it out where it is meant.")
                case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                    self._begin(event, line)
                case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                    self.open.pop()
                case yaml.ScalarEvent():
                    self._scalar(event, line)
        if self.documents == 0:
            raise self._wrong(1, "is empty")
        return self.document

    def _told(self, events: Iterable[Any]) -> Iterator[Any]:
        """The events, with what the parser finds wrong as an error of the file."""
        try:
            yield from events
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise self._wrong(mark.line + 1 if mark else 1, f"is not YAML: {error.problem}") from None
        except yaml.YAMLError as error:
            raise self._wrong(1, f"is not YAML: {str(error).splitlines()[0]}") from None

    def _document(self, line: int) -> None:
        self.documents += 1
        if self.documents > 1:
            raise self._wrong(line, "a second document begins", "Put it in a file of its own.")

    def _begin(self, event: Any, line: int) -> None:
        if len(self.open) == DEEPEST:
            raise self._wrong(line, f"is nested deeper than {DEEPEST}")
        self._check_tag(event, line)
        value: list[Any] | dict[str, Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        place = self._put(value, line)
        self.open.append(_Open(place, value))

    def _scalar(self, event: Any, line: int) -> None:
        self._check_tag(event, line)
        parent = self.open[-1] if self.open else None
        if parent is not None and isinstance(parent.value, dict) and parent.key is None:
            self._key(parent, parent.value, event.value, line)
        else:
            self._put(_resolved(event.value) if event.implicit[0] else event.value, line)

    def _key(self, parent: _Open, holder: dict[str, Any], key: str, line: int) -> None:
        if key in holder:
            raise self._wrong(line, f"“{key[:100]}” is there twice")
        parent.key = key
        self.document.lines[*parent.place, key] = line

    def _put(self, value: Any, line: int) -> Place:
        self.values += 1
        if self.values > MOST_VALUES:
            raise self._wrong(line, f"holds more than {MOST_VALUES:,} values", "Split it.")
        if not self.open:
            self.document.data = value
            self.document.lines[()] = line
            return ()
        parent = self.open[-1]
        place = parent.next_place()
        if isinstance(parent.value, list):
            parent.value.append(value)
            self.document.lines[place] = line
        elif parent.key is None:
            raise self._wrong(line, "a key must be text")
        else:
            parent.value[parent.key] = value
            parent.key = None
        return place

    def _check_tag(self, event: Any, line: int) -> None:
        if event.tag is not None and event.tag != "!":
            raise self._wrong(line, f"the tag {event.tag[:60]} is not taken")
        if event.anchor is not None:
            raise self._wrong(line, "anchors are not taken", "Write it out where it is meant.")

    def _wrong(self, line: int, message: str, remedy: str | None = None) -> InputError:
        return InputError(self.document.file, message, line=line, remedy=remedy)


def _resolved(text: str) -> Any:
    """What a word without quotes means."""
    lower = text.lower()
    if lower in _WORDS:
        return _WORDS[lower]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text
