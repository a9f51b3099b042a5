"""Whether callers are still welcome: each asked once, however many subscriptions it has."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.kernel.feeds.follower import Sleeper

ITSELF: Hashable = object()
"""The caller of who asks for itself."""
PATIENCE_SECONDS = 1.0
"""Until the others are told without those of whom nobody can say; these find out for themselves."""


async def refused(sleepers: "Iterable[Sleeper | None]") -> set[Hashable]:
    """The callers who are not known to be welcome any more."""
    asked: dict[Hashable, Callable[[], Awaitable[None]]] = {}
    for sleeper in sleepers:
        if sleeper is not None and sleeper.caller is not ITSELF:
            asked.setdefault(sleeper.caller, sleeper.revalidate)
    if not asked:
        return set()
    answers = {caller: asyncio.ensure_future(ask()) for caller, ask in asked.items()}
    try:
        _, late = await asyncio.wait(answers.values(), timeout=PATIENCE_SECONDS)
    finally:
        for answer in answers.values():
            answer.cancel()
    return {caller for caller, answer in answers.items() if answer in late or answer.exception() is not None}
