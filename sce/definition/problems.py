"""What is wrong with a definition, in words: the field as the user wrote it, and a sentence."""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import ValidationError

from sce.definition.base import Frozen
from sce.definition.runs import Definition


@dataclass(frozen=True)
class Problem:
    """``field`` is the dotted path in the definition, empty when the whole is meant."""

    field: str
    message: str


def problems_of(error: ValidationError, given: Any) -> list[Problem]:
    """One problem per fault. ``given`` is what was validated; it tells variants' tags from fields."""
    faults = error.errors(include_url=False, include_context=False)
    inner = [fault["loc"] for fault in faults]
    return [
        Problem(
            ".".join(_path(fault["loc"], given)), _sentence(fault["type"], fault["msg"]) + _hint(fault, given)
        )
        for fault in faults
        if fault["type"] != "too_short" or not _is_echo(fault["loc"], inner)
    ]


def _is_echo(location: tuple[int | str, ...], inner: list[tuple[int | str, ...]]) -> bool:
    """pydantic calls a list too short when one of its items is wrong: the item's own fault says it."""
    return any(other[: len(location)] == location and len(other) > len(location) for other in inner)


def _path(location: tuple[int | str, ...], given: Any) -> list[str]:
    """pydantic names the chosen variant in a location; the user never wrote it as a key."""
    path, node = [], given
    for part in location:
        if isinstance(node, dict) and part == node.get("kind") and part not in node:
            continue
        path.append(str(part))
        node = _step(node, part)
    return path


def _step(node: Any, part: int | str) -> Any:
    if isinstance(node, dict):
        return node.get(part)
    if isinstance(node, list | tuple) and isinstance(part, int) and part < len(node):
        return node[part]
    return None


def _hint(fault: Any, given: Any) -> str:
    """The nearest name beside a field that there is not."""
    if fault["type"] != "extra_forbidden":
        return ""
    *path, name = _path(fault["loc"], given)
    return nearest(name, fields_at(path, given))


def nearest(name: str, known: Sequence[str]) -> str:
    """What to write instead of a name that is not known, as the end of a sentence."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f" Did you mean {close[0]!r}?"
    return f" There are: {', '.join(known)}." if known else ""


def fields_at(path: list[str], given: Any) -> list[str]:
    """Names of the fields that the definition has at a place, whichever variants ``given`` chose on the way."""
    annotation: Any = Definition
    for part in path:
        chosen = _chosen(annotation, given)
        given = _step(given, int(part) if part.isdigit() else part)
        if chosen is not None:  # else a list: its items are of the same annotation
            annotation = chosen.model_fields[part].annotation if part in chosen.model_fields else None
    chosen = _chosen(annotation, given)
    return list(chosen.model_fields) if chosen else []


def _chosen(annotation: Any, node: Any) -> type[Frozen] | None:
    if not isinstance(node, dict):
        return None
    for model in _models_in(annotation):
        if "kind" not in model.model_fields or model.model_fields["kind"].default == node.get("kind"):
            return model
    return None


def _models_in(annotation: Any) -> Iterator[type[Frozen]]:
    if isinstance(annotation, type) and issubclass(annotation, Frozen):
        yield annotation
        return
    for part in get_args(annotation):
        yield from _models_in(part)


def _sentence(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "There is no such field."
    if kind == "missing":
        return "This field is required."
    return message.removeprefix("Value error, ")
