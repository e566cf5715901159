"""Recipes: definitions with a name, and the one way to change a key of a definition.

A recipe file holds ``title``, ``source`` (the paper, or "SCE Lab" for what no paper prints), ``summary``,
``definition`` and, where a paper prints what came of it, ``aims_at``. Its ``views`` may name a family of
``views/*.yaml`` and change fields of it; ``size`` is then the side of all its views. An override is
``key.sub=value`` with a YAML value; list items are numbers (``views.views.0.size=112``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from sce.definition import Evaluation, Frozen, Pretrain, definition_adapter
from sce.definition.problems import nearest
from sce.recipes.aliases import alias_of

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Aim:
    """A published figure of a recipe: what was measured, and the score in percent."""

    what: str
    percent: float


@dataclass(frozen=True)
class Recipe:
    """A definition with a name. Evaluations leave ``checkpoint`` open; it is filled at launch."""

    name: str
    title: str
    source: str
    summary: str
    definition: Mapping[str, Any]
    aims_at: tuple[Aim, ...] = ()


class UnknownRecipe(ValueError):
    def __init__(self, name: str) -> None:
        super().__init__(f"There is no recipe {name!r}.{nearest(name, recipe_names())}")


class UnknownFamily(ValueError):
    def __init__(self, name: str) -> None:
        super().__init__(f"There is no family of views {name!r}.{nearest(name, family_names())}")


class UnknownKey(ValueError):
    """An override names a field that the definition does not have. ``asked`` is the whole key of it."""

    def __init__(self, key: str, known: Sequence[str], *, asked: str = "") -> None:
        self.key = key
        alias = alias_of(asked or key)
        hint = f" Here it is {alias}." if alias else nearest(key.rpartition(".")[2], known)
        super().__init__(f"There is no field {key!r}.{hint}")


class BadOverride(ValueError):
    """An override that is not ``key.sub=value``."""


def recipe_names() -> list[str]:
    return sorted(file.stem for file in FOLDER.glob("*.yaml"))


@cache
def load_recipe(name: str) -> Recipe:
    """Raises ``UnknownRecipe`` with the nearest name."""
    if name not in recipe_names():
        raise UnknownRecipe(name)
    text = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())
    text["aims_at"] = tuple(Aim(**aim) for aim in text.get("aims_at", ()))
    return Recipe(name=name, **text | {"definition": _with_family(text["definition"])})


def family_names() -> list[str]:
    return sorted(file.stem for file in (FOLDER / "views").glob("*.yaml"))


def load_family(name: str) -> dict[str, Any]:
    """The ``views`` of a family of augmentations, A-* for images and B-* for videos. Raises ``UnknownFamily``."""
    if name not in family_names():
        raise UnknownFamily(name)
    family: dict[str, Any] = yaml.safe_load((FOLDER / "views" / f"{name}.yaml").read_text())
    return family


def _with_family(definition: dict[str, Any]) -> dict[str, Any]:
    """``definition`` with its views written out, where they name a family."""
    views = definition.get("views")
    if not isinstance(views, dict) or "family" not in views:
        return definition
    changes = dict(views)
    family = load_family(changes.pop("family"))
    if (size := changes.pop("size", None)) is not None:
        family["views"] = [view | {"size": size} for view in family["views"]]
    return definition | {"views": family | changes}


def parse_override(text: str) -> tuple[str, Any]:
    """``"optimisation.epochs=20"`` -> ``("optimisation.epochs", 20)``. Raises ``BadOverride``."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise BadOverride(f"{text!r} is not an override: write key.sub=value, as in optimisation.epochs=20")
    try:
        read = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise BadOverride(f"The value of {key.strip()!r} is not YAML: {value!r}") from error
    is_quoted = read != value.strip()
    return key.strip(), read if is_quoted else _number(read)


def define(base: Mapping[str, Any], overrides: Mapping[str, Any]) -> Pretrain | Evaluation:
    """The definition that ``base`` with ``overrides`` asks for.

    Raises ``UnknownKey`` with the nearest name, or pydantic's ``ValidationError``.
    """
    return definition_adapter.validate_python(with_overrides(base, overrides))


def with_overrides(base: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """``base``, every default written out, with the values of ``overrides`` put in.

    Choices of a variant (``method.kind``) go first: the other fields are then the new variant's.
    """
    tree = expanded(base)
    for key in sorted((key for key in overrides if _is_choice(key)), key=lambda key: key.count(".")):
        _put(tree, key, overrides[key])
    for key in overrides:
        if not _is_choice(key):
            _put(tree, key, overrides[key])
    return tree


def expanded(base: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with every default written out; an evaluation may still lack its checkpoint."""
    is_open = base.get("kind") == "evaluation" and "checkpoint" not in base
    whole = {**base, "checkpoint": {"path": "to be chosen"}} if is_open else dict(base)
    tree: dict[str, Any] = definition_adapter.validate_python(whole).model_dump(mode="json")
    if is_open:
        tree["checkpoint"] = None
    return tree


def _is_choice(key: str) -> bool:
    return key.endswith(".kind")


def _put(tree: dict[str, Any], key: str, value: Any) -> None:
    """Set one key in place; another ``kind`` brings its own fields. Raises ``UnknownKey``."""
    *path, last = key.split(".")
    node: Any = tree
    for depth, part in enumerate(path):
        node = _child(node, part, ".".join(path[: depth + 1]), asked=key)
    if last == "kind" and isinstance(node, dict) and node.get("kind") != value:
        node.clear()
        node.update(_variant(value))
        return
    _set(node, last, key, value)


def _variant(kind: Any) -> dict[str, Any]:
    """The fields of a variant with their defaults; None where there is none, for pydantic to ask for."""
    model = next((model for model in Frozen.__subclasses__() if _kind_of(model) == kind), None)
    if model is None:
        return {"kind": kind}
    return dict.fromkeys(model.model_fields) | model.model_construct().model_dump(mode="json")


def _kind_of(model: type[Frozen]) -> Any:
    field = model.model_fields.get("kind")
    return field.default if field else None


def _child(node: Any, part: str, key: str, *, asked: str) -> Any:
    if isinstance(node, list):
        return node[_index(node, part, key)]
    if not isinstance(node, dict) or (part not in node and node):
        raise UnknownKey(key, list(node) if isinstance(node, dict) else [], asked=asked)
    if node.get(part) is None:
        node[part] = {}
    return node[part]


def _set(node: Any, last: str, key: str, value: Any) -> None:
    if isinstance(node, list):
        node[_index(node, last, key)] = value
    elif isinstance(node, dict) and (last in node or not node):
        node[last] = value
    else:
        raise UnknownKey(key, list(node) if isinstance(node, dict) else [])


def _index(node: list[Any], part: str, key: str) -> int:
    if not part.isdigit() or int(part) >= len(node):
        raise UnknownKey(key, [str(number) for number in range(len(node))])
    return int(part)


def _number(value: Any) -> Any:
    """YAML 1.1 reads 1e-6 as text; every user of ours means the number."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value
