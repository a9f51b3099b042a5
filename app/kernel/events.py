"""Wake-ups after a commit. A signal only says where to look: the tables are the truth."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Signal:
    """Something changed: the topic, and the keys of what changed. No keys: anything may have."""

    topic: str
    keys: frozenset[int] = frozenset()


@dataclass(eq=False)
class Listener:
    """Gathers the signals of its topics between two looks; any number of them costs one wake-up."""

    topics: frozenset[str]
    _pending: list[Signal] = field(default_factory=list)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, signal: Signal) -> None:
        if len(self._pending) >= 1000:
            self._pending = [Signal(topic) for topic in self.topics]
        self._pending.append(signal)
        self._wake.set()

    def rouse(self) -> None:
        """Wake who waits, though nothing is told."""
        self._wake.set()

    async def wait(self) -> list[Signal]:
        """The signals since the last look, once there are any or the listener is roused."""
        await self._wake.wait()
        self._wake.clear()
        pending, self._pending = self._pending, []
        return pending


class Bus:
    """Hands signals to the listeners of one server; lives on the event loop's thread."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[Listener]] = defaultdict(set)

    def listen(self, *topics: str) -> Listener:
        """A listener of some topics; hand it back to `forget`."""
        listener = Listener(frozenset(topics))
        for topic in topics:
            self._listeners[topic].add(listener)
        return listener

    def forget(self, listener: Listener) -> None:
        for topic in listener.topics:
            self._listeners[topic].discard(listener)

    def publish(self, signals: Iterable[Signal]) -> None:
        for signal in signals:
            for listener in tuple(self._listeners[signal.topic]):
                listener.put(signal)

    def wake_all(self) -> None:
        """Something changed where no one could say what: another process wrote, or a connection was cut."""
        self.publish([Signal(topic) for topic in self._listeners])


def encode(signals: Iterable[Signal]) -> str:
    """Signals as one short text for NOTIFY, at most 8,000 bytes: many keys become none, which means any."""
    keys: dict[str, set[int] | None] = {}
    for signal in signals:
        known = keys.setdefault(signal.topic, set())
        if known is not None and signal.keys:
            known |= signal.keys
        else:
            keys[signal.topic] = None
    return json.dumps({topic: sorted(found) if found and len(found) <= 100 else [] for topic, found in keys.items()})


def decode(text: str) -> list[Signal]:
    """The signals of a NOTIFY."""
    return [Signal(topic, frozenset(keys)) for topic, keys in json.loads(text).items()]
