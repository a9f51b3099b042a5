"""Runs GraphQL operations: bounded before they run, timed while they run, masked and recorded before they are answered.

It calls graphql-core's executor on strawberry's schema itself, and keeps documents parsed, measured and validated;
docs/adr has the measurements.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing
from inspect import isawaitable
from typing import Any, cast

import strawberry
from graphql import ExecutionResult, GraphQLError, OperationType, create_source_event_stream

from app.api.answer import Answer, refusal, result
from app.api.documents import Documents, Refused
from app.api.envelope import GraphQLRequest
from app.api.executor import Executor
from app.api.limits import LimitPassed, Limits
from app.api.masking import FormattedError, field_errors, is_unavailable, refused, request_errors, unexpected
from app.api.operations import OperationContext, root_fields
from app.api.subscription import Prepared, Subscription, close
from app.kernel.errors import Unavailable

TOO_LATE = "The operation took longer than {seconds:g} s and was stopped."
LOOK = " It may have taken effect all the same: look before you repeat it."


class Engine:
    """One schema, ready to answer requests. Strawberry's schema extensions are not run; those of fields are.

    Use: `prepared = engine.prepare(request)`, which raises Refused; then `await engine.execute(prepared, context)` for
    a query or a mutation, or `async for answer in engine.stream(prepared, context)` for any operation.
    Both answer whatever happens, except that `stream` raises Unauthenticated once `context.revalidate()` does.
    """

    def __init__(self, schema: strawberry.Schema, limits: Limits | None = None, *, suggestions: bool = False) -> None:
        """`suggestions` adds "Did you mean" to errors: for development, as it tells the schema to those who guess."""
        self.limits = limits or Limits()
        self._schema = schema._schema  # noqa: SLF001 - strawberry has no public name for the graphql-core schema
        self._suggestions = suggestions
        # Bound once for all subscriptions.
        self._execute = self._execute_event
        self._documents = Documents(self._schema, self.limits, suggestions=suggestions)

    def prepare(self, request: GraphQLRequest) -> Prepared:
        """Find the operation of a request. Raises Refused for a document that is wrong or over a limit."""
        return Prepared(self._documents.operation(request.query, request.operation_name), request.variables)

    async def execute(self, prepared: Prepared, context: OperationContext) -> Answer:
        """Run a query or a mutation."""
        try:
            executor, cost = self._executor(prepared, context)
        except Refused as error:
            return refusal(error.errors, cost=error.cost)
        answer = await self._run(executor, cost)
        return await _recorded(prepared, context, executor, answer)

    def stream(self, prepared: Prepared, context: OperationContext) -> AsyncGenerator[Answer, None]:
        """Run any operation: a query or a mutation answers once, a subscription once or for each event.

        An event that is `Completed` goes out as it is, nothing executed: a source shared by many subscribers encodes it
        once, as an `orjson.Fragment`. The source is not read ahead of what is taken, so it must bound what it holds.
        A refusal that comes before the first event is in the audit trail only if the resolver is a coroutine that
        returns the generator; a generator's own body begins after.
        """
        if prepared.type is OperationType.SUBSCRIPTION:
            return self._subscribe(prepared, context)
        return self._once(prepared, context)

    def _executor(self, prepared: Prepared, context: OperationContext) -> tuple[Executor, int]:
        operation = prepared.operation
        executor = Executor.build(
            self._schema,
            operation.document,
            context_value=context,
            raw_variable_values=prepared.variables,
            operation_name=operation.name,
            max_coercion_errors=10,
            hide_suggestions=not self._suggestions,
        )
        if isinstance(executor, list):
            raise Refused(request_errors(executor, "INVALID_INPUT"))
        cost = operation.cost.value(executor.variable_values.coerced)
        if cost > self.limits.cost:
            raise Refused([refused(LimitPassed("cost", self.limits.cost))], cost)
        return cast("Executor", executor), cost

    async def _run(self, executor: Executor, cost: int) -> Answer:
        try:
            outcome = executor.execute_operation()
            if isawaitable(outcome):
                async with asyncio.timeout(self.limits.execution_seconds):
                    outcome = await outcome
        except TimeoutError:
            return refusal([self._late(executor)], 503, cost)
        except Exception as error:
            return refusal([unexpected(error)], 500, cost)
        assert isinstance(outcome, ExecutionResult)
        errors = _errors(outcome)
        if outcome.data is None and any(is_unavailable(error) for error in outcome.errors or ()):
            return refusal(errors, 503, cost)
        return result(outcome.data, errors, cost)

    def _late(self, executor: Executor) -> FormattedError:
        text = TOO_LATE.format(seconds=self.limits.execution_seconds)
        changed = executor.operation.operation is OperationType.MUTATION
        return refused(TimeoutError(text + LOOK if changed else text))

    async def _once(self, prepared: Prepared, context: OperationContext) -> AsyncGenerator[Answer, None]:
        yield await self.execute(prepared, context)

    async def subscribe(self, prepared: Prepared, context: OperationContext) -> Subscription | Answer:
        """Begin a subscription, to be closed; or the answer of why it does not begin."""
        try:
            executor, cost = self._executor(prepared, context)
        except Refused as error:
            return refusal(error.errors, cost=error.cost)
        source = await self._source(executor)
        # A client that goes away now must not take the record with it.
        failure = refusal(_errors(source), cost=cost) if isinstance(source, ExecutionResult) else Answer()
        try:
            begun = await asyncio.shield(_recorded(prepared, context, executor, failure))
        except BaseException:
            await close(source)
            raise
        if isinstance(source, ExecutionResult):
            return begun
        if begun.errors:
            await close(source)
            return begun

        (field, *_) = executor.begun.items()
        return Subscription(source, prepared, context, self._execute, field, cost)

    async def _execute_event(self, prepared: Prepared, context: OperationContext, event: object) -> Answer:
        executor, cost = self._executor(prepared, context)
        return await self._run(cast("Executor", executor.build_per_event_executor(event)), cost)

    async def _subscribe(self, prepared: Prepared, context: OperationContext) -> AsyncGenerator[Answer, None]:
        begun = await self.subscribe(prepared, context)
        if isinstance(begun, Answer):
            yield begun
            return
        async with aclosing(begun) as answers:
            async for answer in answers:
                yield answer

    async def _source(self, executor: Executor) -> Any:
        try:
            source = create_source_event_stream(executor)
            if isawaitable(source):
                async with asyncio.timeout(self.limits.execution_seconds):
                    source = await cast("Awaitable[Any]", source)
        except TimeoutError:
            text = TOO_LATE.format(seconds=self.limits.execution_seconds)
            return ExecutionResult(None, [GraphQLError(text, extensions={"code": "TIMEOUT"})])
        return source


def _errors(outcome: ExecutionResult) -> list[FormattedError]:
    return [formatted for error in outcome.errors or () for formatted in field_errors(error)]


async def _recorded(prepared: Prepared, context: OperationContext, executor: Executor, answer: Answer) -> Answer:
    """The answer, once the context has taken note of it; what can't be recorded is not answered."""
    fields = root_fields(prepared.type, executor.begun, prepared.variables, answer.errors)
    try:
        await context.finished(prepared.type, fields)
    except Unavailable as error:
        return refusal([refused(error)], 503)
    except Exception as error:
        return refusal([unexpected(error)], 500)
    return answer
