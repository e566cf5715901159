"""What the API says and hears: base of every view, pages of lists, and problems (RFC 9457)."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Generic, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
)

T = TypeVar("T")

MAX_ID = 2**31 - 1
Id = Annotated[int, Field(ge=0, le=MAX_ID)]
"""Number of a row; what no database column could hold is refused before it is asked for."""


NO_TEXT = re.compile("[\x00\ud800-\udfff]")
"""NUL, which PostgreSQL keeps in no text, and halves of surrogate pairs, which no UTF-8 can say."""


def of_text(value: T) -> T:
    """The value, when every text in it can be kept and said again. Raises ``ValueError``."""
    if any(NO_TEXT.search(text) for text in _texts(value)):
        raise ValueError("It holds a character that is no text (NUL, or half of a pair): leave it out.")
    return value


def _texts(value: object) -> Iterator[str]:
    """Every text in a value, keys too; however deep, it takes no stack."""
    left = [value]
    while left:
        part = left.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, Mapping):
            left += [*part, *part.values()]
        elif isinstance(part, list):
            left += part


Text = Annotated[str, AfterValidator(of_text)]
"""What is searched for, as an address says it."""
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=128)]
"""What people call a thing: never blank."""
# Any: a value of whichever field the key names; the definition checks it.
Overrides = Annotated[dict[str, Any], BeforeValidator(of_text), Field(max_length=200)]
"""Values by dotted key."""


class View(BaseModel):
    """Something the API says. The line under a field is its description in the OpenAPI document."""

    model_config = ConfigDict(use_attribute_docstrings=True, from_attributes=True)


class Request(BaseModel):
    """Something the API hears: an unknown field is an error."""

    model_config = ConfigDict(use_attribute_docstrings=True, extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _holds_text(cls, value: object) -> object:
        return of_text(value)


class Page(View, Generic[T]):
    """A part of a list."""

    items: list[T]
    total: int
    """Items in the whole list."""
    page: int
    """Number of this page, from 1."""
    size: int
    """Largest number of items on a page."""


class FieldProblem(View):
    """What is wrong with one field."""

    field: str
    """Dotted path of the field, as in method.temperature."""
    message: str


class Problem(View):
    """Why a request was refused (RFC 9457), with the remedy in ``detail``."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    fields: list[FieldProblem] = []
