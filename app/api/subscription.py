"""A subscription that has begun: its answers, one by one, or handed over as they come."""

from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, Protocol

from graphql import FieldNode, OperationType, located_error

from app.api.answer import Answer, refusal, shared
from app.api.documents import Operation
from app.api.masking import field_errors
from app.api.operations import OperationContext
from app.kernel.completed import Completed
from app.kernel.errors import Unauthenticated
from app.kernel.feeds import Follower


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request whose document may run; its variables are still to be judged."""

    operation: Operation
    variables: dict[str, Any]

    @property
    def type(self) -> OperationType:
        """Query, mutation or subscription."""
        return self.operation.type


Execute = Callable[[Prepared, OperationContext, object], Awaitable[Answer]]


class Receiver(Protocol):
    """Who is told of a subscription that rests."""

    def tell(self, answers: list[Answer]) -> bool:
        """Tell all of them at once, or none and return False: then it is woken."""

    def wake(self) -> None:
        """Iterate on: there is something that can't be told at once."""


class Subscription(AsyncIterator[Answer]):
    """The answers of one operation. The caller is asked for anew before each: Unauthenticated ends them."""

    __slots__ = ("_context", "_cost", "_execute", "_key", "_node", "_over", "_prepared", "_receiver", "_source")

    def __init__(
        self,
        source: Any,
        prepared: Prepared,
        context: OperationContext,
        execute: Execute,
        field: tuple[str, FieldNode],
        cost: int,
    ) -> None:
        """`execute` answers for an event that is not complete; `field` is the response key, and where it is asked."""
        self._source = source
        self._prepared = prepared
        self._context = context
        self._execute = execute
        self._key, self._node = field
        self._cost = cost
        self._receiver: Receiver | None = None
        self._over = False

    async def __anext__(self) -> Answer:
        if self._over:
            raise StopAsyncIteration
        try:
            event = await anext(self._source)
            await self._context.revalidate()
            if type(event) is Completed and event.value is not None:
                return self._shared(event)
            return await self._execute(self._prepared, self._context, event)
        except (StopAsyncIteration, Unauthenticated):
            raise
        except Exception as error:
            self._over = True
            return refusal(field_errors(located_error(error, [self._node], [self._key])), cost=self._cost)

    async def rest(self, receiver: Receiver) -> bool:
        """Leave to a receiver what comes, if that costs no task. False: iterate on, and ask again after each answer."""
        if self._over or not isinstance(self._source, Follower):
            return False
        self._receiver = receiver
        try:
            return await self._source.rest(self)
        except Exception:
            # Iterating meets it too, and tells it.
            return False

    async def aclose(self) -> None:
        """Take no more of the source."""
        await close(self._source)

    def end(self) -> None:
        """Take no more of a source while it rests."""
        assert isinstance(self._source, Follower)
        self._source.close()

    # ------------------------------------------------------------ as a sleeper

    @property
    def caller(self) -> Hashable:
        """Who is told."""
        return self._context.caller

    def revalidate(self) -> Awaitable[None]:
        """Raises once the caller is to be told nothing."""
        return self._context.revalidate()

    def take(self, news: list[Completed]) -> bool:
        """Have the receiver tell what needs no execution."""
        if self._receiver is None or any(event.value is None for event in news):
            return False
        return self._receiver.tell([self._shared(event) for event in news])

    def wake(self) -> None:
        """Have the receiver iterate."""
        if self._receiver is not None:
            self._receiver.wake()

    def _shared(self, event: Completed) -> Answer:
        answer: Answer = event.once((self._key, self._cost), lambda: shared({self._key: event.value}, self._cost))
        return answer


async def close(source: Any) -> None:
    """End a source, if it is one that ends."""
    if hasattr(source, "aclose"):
        await source.aclose()
