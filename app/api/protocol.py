"""The messages of graphql-transport-ws, as they are read and told, and the codes that end a connection.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

from typing import Any

import orjson

from app.api.masking import FormattedError

PROTOCOL = "graphql-transport-ws"
MOST_REASON = 120
"A close frame has room for 123 bytes of text."
MOST_ID = 100
NEXT_ENDS = b"}"

Message = dict[str, Any]


class Close(Exception):
    """The connection ends, with a code of the protocol or of WebSocket itself."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode()[:MOST_REASON].decode(errors="ignore")


def read(text: str | None, bound: int) -> Message:
    """A message of a client; Close where it is none."""
    if text is None:
        raise Close(4400, "Messages have to be text")
    if len(text) > bound:
        raise Close(1009, f"Messages have to be of {bound} characters or fewer")
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Close(4400, "Messages have to be JSON") from None
    if not isinstance(message, dict):
        raise Close(4400, "Messages have to be objects")
    return message


def details(message: Message) -> Message:
    """The payload that some messages may have, empty where it is left out."""
    payload = message.get("payload")
    if payload is None:
        return {}
    if not isinstance(payload, dict):
        raise Close(4400, "A payload has to be an object")
    return payload


def identifier(message: Message) -> str:
    """The id of the operation that a message is about."""
    given = message.get("id")
    if not isinstance(given, str) or not 0 < len(given) <= MOST_ID:
        raise Close(4400, f"An id has to be a string of 1 to {MOST_ID} characters")
    return given


def authorization(payload: Message) -> str | None:
    """What `connection_init` says of who connects."""
    given = payload.get("Authorization", payload.get("authorization"))
    if given is None or isinstance(given, str):
        return given
    raise Close(4400, "Authorization has to be a string")


def next_begins(operation: str) -> bytes:
    """The text of an answer's message up to its payload; NEXT_ENDS follows it."""
    return b'{"id":' + orjson.dumps(operation) + b',"type":"next","payload":'


def error_message(operation: str, errors: list[FormattedError]) -> Message:
    """The end of an operation that was refused, or failed."""
    return {"id": operation, "type": "error", "payload": errors}


def complete_message(operation: str) -> Message:
    """The end of an operation that has told everything."""
    return {"id": operation, "type": "complete"}
