"""An answer that is already complete: the GraphQL executor puts it in the result as it stands."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Completed:
    """A field's whole value, made for exactly the client's selection.

    A resolver of any field, sync or async, in a query, a mutation or the events of a subscription, may return one in
    place of its object, list or scalar: nothing below the field is walked, resolved or checked. `value` is what JSON
    can hold (dict, list, str, int, float, bool, None), or an `orjson.Fragment` of JSON that is encoded already; both
    may be mixed. None at a non-null field is an error, as it is for any resolver. An item of a list may be one too.
    """

    value: object
