"""License rules in AWS's syntax, such as #minimumCores=8, and back in the order in which they were given (LC-13)."""

import re
from collections.abc import Sequence
from typing import Any

from app.aws.errors import invalid_value
from app.aws.names import TENANCY, meant
from app.compute.rules import Tenancy
from app.licensing.definition import HONOR, LicenseRules, RuleSetting
from app.licensing.definition import TENANCY as ALLOWED

MOST_RULES = 20
_RULE = re.compile(r"#([A-Za-z]{1,64})=(.{1,256})")
_NUMBER = re.compile(r"[0-9]{1,9}")
_BOOLEANS = {"true": True, "false": False}


def parse_rules(texts: Sequence[str]) -> list[RuleSetting]:
    """The rules that some texts say; the licensing slice judges what they mean."""
    if len(texts) > MOST_RULES:
        raise invalid_value(f"There are {len(texts)} license rules; at most {MOST_RULES} are taken.")
    return [_rule(text) for text in texts]


def _rule(text: str) -> RuleSetting:
    matched = _RULE.fullmatch(text)
    if matched is None:
        raise invalid_value(f"“{text[:64]}” is not a license rule. The syntax is #name=value, such as #minimumCores=8.")
    name, value = matched.groups()
    return name, _value(name, value)


def _value(name: str, value: str) -> Any:
    if name == ALLOWED:
        return [_tenancy(each) for each in value.split(",")]
    if name == HONOR:
        if value.lower() not in _BOOLEANS:
            raise invalid_value(f"The license rule {name} is either True or False, not “{value[:40]}”.")
        return _BOOLEANS[value.lower()]
    return int(value) if _NUMBER.fullmatch(value) else value


def _tenancy(word: str) -> Tenancy:
    try:
        return meant(TENANCY, word.strip())
    except KeyError:
        allowed = ", ".join(TENANCY.values())
        raise invalid_value(f"The license rule {ALLOWED} takes any of {allowed}, not “{word[:40]}”.") from None


def rule_texts(rules: LicenseRules) -> list[str]:
    """The rules of a configuration, in their order."""
    return [f"#{name}={_text(name, value)}" for name, value in rules.in_order()]


def _text(name: str, value: Any) -> str:
    return ",".join(TENANCY[Tenancy(each)] for each in value) if name == ALLOWED else str(value)
