"""Policies evaluated as IAM does, statement by statement: a denial wins, and what is not understood grants nothing."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

_STATEMENT_KEYS = {"Sid", "Effect", "Action", "Resource", "Condition"}


@dataclass(frozen=True, slots=True)
class Request:
    """What a policy is asked: may this action be done on this resource, in this context of condition keys?

    Context keys are whole ones, such as `aws:RequestTag/Service`.
    """

    action: str
    resource: str
    context: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement; `understood` is False where it holds an element that this evaluation does not know."""

    allows: bool
    actions: tuple[re.Pattern[str], ...]
    resources: tuple[re.Pattern[str], ...]
    conditions: tuple[tuple[str, frozenset[str]], ...]
    understood: bool

    def applies(self, request: Request) -> bool:
        """Whether it speaks of a request. Not understood, it never allows and always denies what it might."""
        if not any(pattern.fullmatch(request.action) for pattern in self.actions):
            return False
        if not any(pattern.fullmatch(request.resource) for pattern in self.resources):
            return False
        if not self.understood:
            return not self.allows
        context = {key.lower(): value for key, value in request.context.items()}
        return all(context.get(key) in values for key, values in self.conditions)


Policy = tuple[Statement, ...]


def grants(policy: Policy, request: Request) -> bool:
    """Whether a statement allows a request and none denies it."""
    applying = [statement for statement in policy if statement.applies(request)]
    return bool(applying) and all(statement.allows for statement in applying)


@lru_cache(maxsize=256)
def parse_text(text: str) -> Policy:
    """A policy from its JSON, parsed once for all accounts that hold the same."""
    return parse(json.loads(text))


def parse(document: Any) -> Policy:
    """A policy from its document; whatever has no known form grants nothing."""
    if not isinstance(document, Mapping):
        return ()
    return tuple(_statement(each) for each in _listed(document.get("Statement", ())) if isinstance(each, Mapping))


def _statement(raw: Mapping[str, Any]) -> Statement:
    conditions, known = _conditions(raw.get("Condition", {}))
    actions, resources = _words(raw.get("Action")), _words(raw.get("Resource"))
    understood = known and set(raw) <= _STATEMENT_KEYS and raw.get("Effect") in ("Allow", "Deny")
    return Statement(
        allows=raw.get("Effect") != "Deny",
        actions=tuple(_pattern(each, re.IGNORECASE) for each in (actions if "Action" in raw else ("*",))),
        resources=tuple(_pattern(each) for each in (resources if "Resource" in raw else ("*",))),
        conditions=conditions,
        understood=understood and bool(actions) and bool(resources),
    )


def _conditions(raw: Any) -> tuple[tuple[tuple[str, frozenset[str]], ...], bool]:
    """The StringEquals tests by condition key in lower case, and whether that is all there is."""
    if not isinstance(raw, Mapping):
        return (), False
    equal = raw.get("StringEquals", {})
    if not isinstance(equal, Mapping):
        return (), False
    tests = tuple((str(key).lower(), frozenset(_words(values))) for key, values in equal.items())
    return tests, set(raw) <= {"StringEquals"}


def _words(raw: Any) -> tuple[str, ...]:
    return tuple(each for each in _listed(raw) if isinstance(each, str))


def _listed(raw: Any) -> Sequence[Any]:
    return raw if isinstance(raw, list | tuple) else (raw,)


@lru_cache(maxsize=1024)
def _pattern(text: str, flags: int = 0) -> re.Pattern[str]:
    """An IAM pattern: * stands for any characters, ? for one."""
    parts = (".*" if each == "*" else "." if each == "?" else re.escape(each) for each in re.sub(r"\*+", "*", text))
    return re.compile("".join(parts), flags | re.DOTALL)
