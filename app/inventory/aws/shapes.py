"""What all of AWS's shapes have in common: names, bounds, and how an entry at fault is named."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_pascal

Path = tuple[int | str, ...]
"""Where something stands in an answer, such as ("Reservations", 3, "OwnerId")."""


class Unexpected(ValueError):
    """Something in an answer can't be taken: where it stands, and why."""

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(f"{dotted(path)}: {message}" if path else message)
        self.path = path
        self.message = message


class Shape(BaseModel):
    """A part of an answer; what Tollgate has no use for is passed over."""

    model_config = ConfigDict(
        extra="ignore", frozen=True, alias_generator=to_pascal, validate_by_name=False, hide_input_in_errors=True
    )


def plain(text: str) -> str:
    """A text that can be kept and shown; else ValueError."""
    if any(character < " " and character not in "\t\n" for character in text) or "\x7f" in text:
        raise ValueError("holds control characters")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("holds an unpaired surrogate")
    return text


Name = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(plain)]
Email = Annotated[str, Field(max_length=254), AfterValidator(plain)]
Word = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")]
AccountId = Annotated[str, Field(pattern=r"^[0-9]{12}$")]
Figure = Annotated[int, Field(ge=1, le=100_000)]


class Tag(Shape):
    """A tag; AWS's own, which begin with aws:, are kept with the others."""

    key: Annotated[str, Field(min_length=1, max_length=128), AfterValidator(plain)]
    value: Annotated[str, Field(max_length=256), AfterValidator(plain)] = ""


def tags_of(tags: Iterable[Tag] | None) -> dict[str, str]:
    """Tags by key; where AWS names one twice, the last."""
    return {tag.key: tag.value for tag in tags or ()}


S = TypeVar("S", bound=BaseModel)


def read(shape: type[S], answer: bytes | dict[str, Any]) -> S:
    """An answer of a shape, from its JSON or as boto3 gives it; raises Unexpected for the first entry at fault."""
    try:
        if isinstance(answer, bytes):
            return shape.model_validate_json(answer)
        return shape.model_validate(answer)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        message = first["msg"].removeprefix("Value error, ")
        raise Unexpected(tuple(first["loc"]), message[:1].lower() + message[1:]) from None


def dotted(path: Sequence[int | str]) -> str:
    """A path as people write it: Reservations[3].Instances[0].InstanceType."""
    written = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return written.removeprefix(".")
