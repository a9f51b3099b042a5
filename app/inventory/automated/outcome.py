"""What became of a rule of discovery, for those who wait for a synchronisation."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.kernel.errors import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One evaluation of a rule, as it is kept with the rule too.

    `skipped`: members that were left out, or what stood against all of it. `broken`: it could not be evaluated.
    """

    key: int
    version: int
    name: str
    account_id: str
    region: str
    matched: int = 0
    associated: int = 0
    already_associated: int = 0
    left_out: int = 0
    skipped: Sequence[Refusal] = ()
    broken: bool = False
