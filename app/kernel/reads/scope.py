"""What a statement is built with: the caller and the field's arguments, as bound parameters only."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, BindParameter, Boolean, Connection, String, bindparam
from sqlalchemy.types import TypeEngine

from app.kernel.tables import UtcDateTime
from app.kernel.viewer import Viewer

Extract = Callable[["Values"], Any]


class Keys(list[int]):
    """Keys as one parameter: a statement is the same for any number of them."""


@dataclass(slots=True)
class Values:
    """What the parameters of one execution are taken from."""

    viewer: Viewer
    now: datetime
    arguments: list[Mapping[str, Any]]
    binds: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a computed field reads with: the same connection, caller and instant as the rest of the answer."""

    connection: Connection
    viewer: Viewer
    now: datetime


def _type_of(value: Any, dialect: str) -> TypeEngine[Any]:
    if isinstance(value, Keys):
        return ARRAY(BigInteger()) if dialect == "postgresql" else String()
    if isinstance(value, bool):
        return Boolean()
    if isinstance(value, int):
        return BigInteger()
    if isinstance(value, datetime):
        return UtcDateTime()
    return String()


@dataclass(slots=True)
class Scope:
    """Binds parameters while a statement is compiled; `parameters` says how to fill them at each execution."""

    dialect: str
    values: Values
    slot: int = -1
    parameters: dict[str, Extract] = field(default_factory=dict)

    def at(self, slot: int) -> "Scope":
        """The same statement, seen from a field whose arguments stand in another slot."""
        return Scope(self.dialect, self.values, slot, self.parameters)

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The field's arguments, by GraphQL name. Ask them only what is there, and for booleans and enums."""
        return self.values.arguments[self.slot] if self.slot >= 0 else {}

    @property
    def viewer_account(self) -> BindParameter[str]:
        """The caller's account id."""
        self.parameters["viewer_account"] = lambda values: values.viewer.account_id
        return bindparam("viewer_account", self.values.viewer.account_id, type_=String(), unique=False)

    @property
    def now(self) -> BindParameter[datetime]:
        """The instant of the read."""
        self.parameters["now"] = lambda values: values.now
        return bindparam("now", self.values.now, type_=UtcDateTime(), unique=False)

    def argument(self, *path: str, convert: Callable[[Any], Any] | None = None) -> BindParameter[Any]:
        """A parameter that takes an argument's value, by its path, such as ("filter", "nameContains")."""
        slot = self.slot

        def extract(values: Values) -> Any:
            found: Any = values.arguments[slot]
            for step in path:
                found = found[step]
            return convert(found) if convert else found

        return self._bind(f"a{slot}_{'_'.join(path)}_{len(self.parameters)}", extract)

    def bind(self, name: str) -> BindParameter[Any]:
        """A parameter that the resolver gives by name."""
        return self._bind(f"b_{name}", lambda values: values.binds[name])

    def constant(self, key: object) -> BindParameter[Any]:
        """A value that is the same at every execution of the statement."""
        return self._bind(f"k_{len(self.parameters)}", lambda _: key)

    def _bind(self, name: str, extract: Extract) -> BindParameter[Any]:
        self.parameters[name] = extract
        found = extract(self.values)
        return bindparam(name, found, type_=_type_of(found, self.dialect), unique=False)
