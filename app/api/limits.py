"""What one operation may ask for: bounds that are checked before anything runs (API-3)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The bounds on one operation. Fields, aliases and directives are counted with the fragments written out."""

    tokens: int = 2_000
    "Of the text; comments are not counted but may be as many again."
    length: int = 64 * 1024
    "Characters of the text."
    operations: int = 20
    "In one document, of which one runs."
    depth: int = 15
    "Fields inside each other; introspection's own standard query has 15."
    fields: int = 500
    aliases: int = 50
    directives: int = 50
    cost: int = 50_000
    "As `app.api.cost` reckons it."
    variables_depth: int = 32
    "Lists and objects inside each other in `variables`."
    body: int = 1024 * 1024
    "Bytes of a request's body."
    body_seconds: float = 10.0
    "Until the whole body has come."
    execution_seconds: float = 30.0
    "Until the operation has answered; of a subscription, each event."


WHAT = {
    "tokens": "The document has more than {bound} tokens.",
    "length": "The document has more than {bound} characters.",
    "operations": "The document has more than {bound} operations.",
    "depth": "The document has fields nested more than {bound} deep.",
    "fields": "The document has more than {bound} fields, with its fragments written out.",
    "aliases": "The document has more than {bound} aliases, with its fragments written out.",
    "directives": "The document has more than {bound} directives, with its fragments written out.",
    "cost": "The operation costs more than {bound}: ask for fewer fields or smaller pages.",
}


class LimitPassed(Exception):
    """A document is over one of the limits; the message says which, and its bound."""

    def __init__(self, limit: str, bound: int) -> None:
        super().__init__(WHAT[limit].format(bound=bound))
        self.limit = limit
        self.bound = bound
