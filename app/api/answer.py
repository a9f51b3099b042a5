"""One GraphQL response: its payload, the HTTP status it deserves, its JSON."""

from dataclasses import dataclass, field
from typing import Any

import orjson

from app.api.masking import FormattedError


@dataclass(frozen=True, slots=True)
class Answer:
    """A response. Without `data` in its payload nothing ran, or nothing of it can be told.

    `status` is what `application/graphql-response+json` answers with; 400 is 200 under the older `application/json`.
    """

    payload: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    encoded: bytes | None = None
    "The payload's JSON, where it was made once for many clients."

    @property
    def body(self) -> bytes:
        """The payload's JSON. Raises TypeError for a value that JSON can't hold."""
        return encode(self.payload) if self.encoded is None else self.encoded

    @property
    def errors(self) -> list[FormattedError]:
        """Those of the payload; empty where it has none."""
        errors: list[FormattedError] = self.payload.get("errors", [])
        return errors

    @property
    def refused(self) -> bool:
        """Whether it is errors alone."""
        return "data" not in self.payload


def result(data: object, errors: list[FormattedError], cost: int) -> Answer:
    """The answer of what ran."""
    payload = {"errors": errors, "data": data} if errors else {"data": data}
    payload["extensions"] = {"cost": cost}
    return Answer(payload)


def shared(data: object, cost: int) -> Answer:
    """The answer of what is told to many, encoded for all of them."""
    payload = result(data, [], cost).payload
    return Answer(payload, encoded=encode(payload))


def refusal(errors: list[FormattedError], status: int = 400, cost: int | None = None) -> Answer:
    """The answer of what did not run, or of what can't be answered for."""
    payload: dict[str, Any] = {"errors": errors}
    if cost is not None:
        payload["extensions"] = {"cost": cost}
    return Answer(payload, status)


def encode(envelope: dict[str, Any]) -> bytes:
    """The JSON of a payload, or of a message around one. Raises TypeError for a value that JSON can't hold."""
    return orjson.dumps(envelope)
