"""What is wrong with a definition, in words: the field as the user wrote it, and a sentence."""

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError


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
        Problem(".".join(_path(fault["loc"], given)), _sentence(fault["type"], fault["msg"]))
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


def _sentence(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "There is no such field."
    if kind == "missing":
        return "This field is required."
    return message.removeprefix("Value error, ")
