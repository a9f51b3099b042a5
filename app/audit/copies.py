"""What another account's copy of a record tells: nothing of a third account (AU-4, PM-2)."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from app.audit.rules import HIDDEN
from app.kernel.database.transaction import Concern

_ACCOUNT = re.compile(r"(?<![\w-])\d{12}(?!\w)")
_OF_THE_OWNER_ALONE = {"createResourceShare": frozenset({"tags"})}
"""By action, the parameters that those whom it touches don't see afterwards either."""


def parameters_for(action: str, parameters: Any, known: Collection[str]) -> Any:
    """The parameters as a record keeps them, without accounts that are not known to the copy's reader."""
    return _withheld(parameters, known, _OF_THE_OWNER_ALONE.get(action, frozenset()))


def errors_for(
    errors: Sequence[tuple[str, str]], touched: Iterable[Concern], known: Collection[str]
) -> Sequence[tuple[str, str]]:
    """The pairs of code and message that tell nothing of other accounts or of their resources."""
    names = {re.split("[/:]", each.arn)[-1] for each in touched if each.account_id not in known}
    return [
        (code, message)
        for code, message in errors
        if all(found in known for found in _ACCOUNT.findall(message)) and not any(name in message for name in names)
    ]


def _withheld(value: Any, known: Collection[str], unseen: Collection[str]) -> Any:
    if isinstance(value, str):
        return _ACCOUNT.sub(lambda found: found[0] if found[0] in known else HIDDEN, value)
    if isinstance(value, Mapping):
        return {
            name: HIDDEN if name in unseen and each is not None else _withheld(each, known, unseen)
            for name, each in value.items()
        }
    if isinstance(value, list):
        return [_withheld(each, known, unseen) for each in value]
    return value
