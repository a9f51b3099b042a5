"""What a document may ask for: bounds that are checked before anything runs (API-3)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The bounds on one operation. Counts are of the document with every fragment spread expanded."""

    tokens: int = 2_000
    "Lexical tokens of the text, comments apart; a comment counts for one of as many again."
    length: int = 64 * 1024
    "Characters of the text."
    operations: int = 20
    depth: int = 15
    "Fields on the longest way down; introspection's own standard query has 15."
    fields: int = 500
    aliases: int = 50
    directives: int = 50
    cost: int = 50_000
    "See `app.api.cost`."
    variables_depth: int = 32
    "Lists and objects inside each other in `variables` and `extensions`."
    body: int = 1024 * 1024
    "Bytes of a request body or of a WebSocket message."
    body_seconds: float = 10.0
    "Until the whole body has come."
    execution_seconds: float = 30.0
    "Until the operation has answered; a subscription's events are each an answer."
