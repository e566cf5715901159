"""Recipes as the API says them."""

from backend.errors import NotFound
from backend.runs.views import AimView, RecipeView
from backend.trees import Tree
from sce.definition import RunKind, definition_adapter
from sce.recipes import UnknownRecipe, expanded, load_recipe, recipe_names


def list_recipes() -> list[RecipeView]:
    return [read_recipe(name) for name in recipe_names()]


def read_recipe(name: str) -> RecipeView:
    """Raises ``NotFound`` with the nearest name."""
    try:
        recipe = load_recipe(name)
    except UnknownRecipe as error:
        raise NotFound(str(error)) from error
    whole = expanded(recipe.definition)
    return RecipeView(
        name=recipe.name,
        title=recipe.title,
        source=recipe.source,
        summary=recipe.summary,
        kind=_kind(whole),
        definition=whole,
        aims_at=[AimView(what=aim.what, percent=aim.percent) for aim in recipe.aims_at],
    )


def definition_schema() -> Tree:
    """JSON Schema of what may be asked: what the launch form is drawn from."""
    return definition_adapter.json_schema()


def _kind(whole: Tree) -> RunKind:
    kind: RunKind = "pretrain" if whole["kind"] == "pretrain" else whole["protocol"]["kind"]
    return kind
