"""What the API says and hears: base of every view, pages of lists, and problems (RFC 9457)."""

from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")

MAX_ID = 2**31 - 1
Id = Annotated[int, Field(ge=0, le=MAX_ID)]
"""Number of a row; what no database column could hold is refused before it is asked for."""


class View(BaseModel):
    """Something the API says. The line under a field is its description in the OpenAPI document."""

    model_config = ConfigDict(use_attribute_docstrings=True, from_attributes=True)


class Request(BaseModel):
    """Something the API hears: an unknown field is an error."""

    model_config = ConfigDict(use_attribute_docstrings=True, extra="forbid")


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
