"""Write ``docs/definition.md`` from the fields' own docstrings: ``python -m docs.build [--check]``."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sce.definition import definition_adapter
from sce.recipes import load_recipe, recipe_names

TARGET = Path(__file__).parent / "definition.md"
HEAD = """# What a run can be asked to do

Written by `make docs` from the definition itself: the same sentences stand under the form's fields.
Change any field with `key.sub=value` on the command line, `overrides` in REST, or in the form.

"""


def page() -> str:
    """The whole reference as Markdown."""
    return HEAD + "\n".join([*_recipes(), *_parts()]) + "\n"


def _recipes() -> Iterator[str]:
    yield from ("## Recipes", "", "| recipe | what it is | source |", "|---|---|---|")
    for name in recipe_names():
        recipe = load_recipe(name)
        yield f"| `{name}` | {recipe.title} | {recipe.source} |"
    yield ""


def _parts() -> Iterator[str]:
    parts: dict[str, Any] = definition_adapter.json_schema()["$defs"]
    for name in _in_reading_order(parts):
        yield from (f"## {name}", "", parts[name].get("description", ""), "")
        yield from ("| field | type | default | meaning |", "|---|---|---|---|")
        for field, facts in parts[name].get("properties", {}).items():
            yield f"| `{field}` | {_type(facts)} | {_default(facts)} | {facts.get('description', '')} |"
        yield ""


def _in_reading_order(parts: dict[str, Any]) -> list[str]:
    return sorted(parts, key=lambda name: (name not in ("Pretrain", "Evaluation"), name))


def _type(facts: dict[str, Any]) -> str:
    if "$ref" in facts:
        name = facts["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    for union in ("oneOf", "anyOf"):
        if union in facts:
            return " or ".join(_type(option) for option in facts[union])
    if "const" in facts:
        return f"`{facts['const']}`"
    if "enum" in facts:
        return " or ".join(f"`{value}`" for value in facts["enum"])
    return {"null": "none"}.get(facts.get("type", ""), str(facts.get("type", "")))


def _default(facts: dict[str, Any]) -> str:
    if "default" not in facts:
        return "required"
    value = facts["default"]
    return "as below" if isinstance(value, dict | list) and value else f"`{value}`"


def main() -> None:
    if "--check" not in sys.argv:
        TARGET.write_text(page())
    elif TARGET.read_text() != page():
        sys.exit("docs/definition.md is stale: make docs")


if __name__ == "__main__":
    main()
