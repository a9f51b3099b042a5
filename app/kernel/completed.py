"""An answer that is already complete: the GraphQL executor puts it in the result as it stands."""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

Form = TypeVar("Form")


class Completed:
    """A field's whole value, made for exactly the client's selection.

    A resolver of any field, sync or async, in a query, a mutation or the events of a subscription, may return one in
    place of its object, list or scalar: nothing below the field is walked, resolved or checked. `value` is what JSON
    can hold (dict, list, str, int, float, bool, None), or an `orjson.Fragment` of JSON that is encoded already; both
    may be mixed. None at a non-null field is an error, as it is for any resolver. An item of a list may be one too.
    """

    __slots__ = ("_forms", "value")

    def __init__(self, value: object) -> None:
        self.value = value
        self._forms: dict[Hashable, Any] | None = None

    def once(self, name: Hashable, make: Callable[[], Form]) -> Form:
        """What `make` returns, made once for a name: one event goes to thousands of clients in the same bytes.

        Names are few for an event, so they must not hold what a client chose.
        """
        if self._forms is None:
            self._forms = {}
        form = self._forms.get(name)
        if form is None:
            form = self._forms[name] = make()
        return form
