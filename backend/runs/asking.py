"""What a launch request asks for: a recipe or a definition, its changes, and the checkpoint it names."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.checkpoints.registry import CLASSIFIERS, KEPT
from backend.checkpoints.tables import Checkpoint
from backend.datasets.service import resolve_root
from backend.errors import Invalid
from backend.runs.tables import Run
from backend.runs.views import LaunchRequest
from backend.settings import Settings
from backend.views import MAX_ID
from sce.definition import Evaluation, Pretrain, TestProtocol, definition_adapter
from sce.definition.problems import problems_of
from sce.recipes import Recipe, UnknownKey, UnknownRecipe, expanded, load_recipe, with_overrides

Tree = dict[str, Any]  # Any: a definition as JSON, before and after pydantic has looked at it


@dataclass(frozen=True)
class Asked:
    """A launch request, understood: every path absolute, every default written out."""

    definition: Pretrain | Evaluation
    recipe: Recipe | None
    checkpoint: Checkpoint | None
    parent: Run | None


def understand(db: Session, asked: LaunchRequest, *, settings: Settings) -> Asked:
    """Raises ``Invalid``, naming the fields by their dotted path."""
    recipe = _recipe(asked.recipe)
    tree = _tree(asked, recipe)
    checkpoint = _checkpoint(db, asked.checkpoint_id)
    if checkpoint is not None:
        tree["checkpoint"] = _file_of(checkpoint, tree.get("checkpoint"))
    elif "protocol" in tree and tree.get("checkpoint") is None:
        raise invalid(
            {"checkpoint": "Choose what is measured: a checkpoint's number, or the path of a file."}
        )
    definition = _validated(tree)
    whole = definition.model_dump(mode="json")
    _refuse_huge(whole)
    _resolve_roots(whole, settings)
    if isinstance(definition, Evaluation):
        checkpoint = checkpoint or _by_path(db, definition, settings)
        whole["checkpoint"] = _known_file(definition, checkpoint, settings)
        _refuse_odd_checkpoint(definition, checkpoint)
    parent = db.get(Run, checkpoint.run_id) if checkpoint else None
    return Asked(_validated(whole), recipe, checkpoint, parent)


def invalid(fields: Mapping[str, str]) -> Invalid:
    """One error for all fields that need a change."""
    (field, sentence), *more = fields.items()
    first = f"{field}: {sentence}" if field and field not in sentence else sentence
    return Invalid(first if not more else f"{len(fields)} fields need a change. {first}", fields=dict(fields))


def _recipe(name: str | None) -> Recipe | None:
    if name is None:
        return None
    try:
        return load_recipe(name)
    except UnknownRecipe as error:
        raise invalid({"recipe": str(error)}) from error


def _tree(asked: LaunchRequest, recipe: Recipe | None) -> Tree:
    base = asked.definition if asked.definition is not None else recipe.definition if recipe else None
    if base is None:
        raise invalid({"recipe": "Name a recipe, or give a definition."})
    if base.get("checkpoint", "") is None:  # a recipe as the API says it: the checkpoint is to be chosen
        base = {key: value for key, value in base.items() if key != "checkpoint"}
    try:
        return with_overrides(base, asked.overrides)
    except UnknownKey as error:
        raise invalid({error.key: str(error)}) from error
    except ValidationError as error:
        raise invalid(_fields(error, base)) from error


def _validated(tree: Mapping[str, object]) -> Pretrain | Evaluation:
    try:
        return definition_adapter.validate_python(tree)
    except ValidationError as error:
        raise invalid(_fields(error, tree)) from error


def _fields(error: ValidationError, given: Mapping[str, object]) -> dict[str, str]:
    return {
        field_meant(problem.field, problem.message, given): problem.message
        for problem in problems_of(error, given)
    }


def field_meant(field: str, message: str, given: object) -> str:
    """The field that a sentence about a whole part begins with, so that a form can show it there.

    A part says "batch_size 30 cannot be cut into ..." of itself; the field is the part's batch_size.
    """
    node = _at(given, field)
    if not isinstance(node, Mapping):
        return field
    for word in message.replace(",", " ").replace(":", " ").split():
        if word.split(".")[0] in node and (part := _at(node, word)) is not None:
            named = f"{field}.{word}" if field else word
            return f"{named}.kind" if isinstance(part, Mapping) and "kind" in part else named
    return field


def _at(tree: object, path: str) -> object:
    for part in path.split(".") if path else []:
        if isinstance(tree, list | tuple) and part.isdigit() and int(part) < len(tree):
            tree = tree[int(part)]
        elif isinstance(tree, Mapping):
            tree = tree.get(part)
        else:
            return None
    return tree


def _refuse_huge(tree: Mapping[str, object]) -> None:
    """Raises ``Invalid`` for whole numbers that no column of the record could hold."""
    faults: dict[str, str] = {}
    left: list[tuple[str, object]] = [("", tree)]
    while left:
        path, part = left.pop()
        if isinstance(part, int) and part > MAX_ID:
            faults[path] = f"{part} is more than the largest number there is room for, {MAX_ID}."
        inner = (
            part.items() if isinstance(part, Mapping) else enumerate(part) if isinstance(part, list) else ()
        )
        left += [(f"{path}.{name}" if path else str(name), value) for name, value in inner]
    if faults:
        raise invalid(faults)


def _resolve_roots(tree: Tree, settings: Settings) -> None:
    """Make every data root absolute, in place. Raises ``Invalid`` for one outside the data roots."""
    places = [("data.root", tree["data"])]
    for number, planned in enumerate(tree.get("evaluations", ())):
        if planned["data"] is not None:
            places.append((f"evaluations.{number}.data.root", planned["data"]))
    for field, data in places:
        data["root"] = str(resolve_root(settings, data["root"], field=field))


def _checkpoint(db: Session, checkpoint_id: int | None) -> Checkpoint | None:
    if checkpoint_id is None:
        return None
    row = db.get(Checkpoint, checkpoint_id)
    if row is None:
        raise invalid({"checkpoint_id": f"There is no checkpoint {checkpoint_id}."})
    if row.removed_at is not None:
        raise invalid(
            {"checkpoint_id": f"The file of checkpoint {checkpoint_id} was removed: choose another."}
        )
    if row.kind not in (*KEPT, *CLASSIFIERS):
        sentence = "The newest state is replaced while the run goes on: choose a checkpoint that is kept."
        raise invalid({"checkpoint_id": sentence})
    return row


def _refuse_odd_checkpoint(definition: Evaluation, checkpoint: Checkpoint | None) -> None:
    """Raises ``Invalid`` when a test is asked of a trunk, or anything else of a classifier."""
    if checkpoint is None:
        return
    is_test, is_classifier = isinstance(definition.protocol, TestProtocol), checkpoint.kind in CLASSIFIERS
    if is_test and not is_classifier:
        sentence = "It holds no classifier to test: choose one of a linear probe or a fine-tuning."
        raise invalid({"checkpoint_id": sentence})
    if is_classifier and not is_test:
        sentence = (
            "It is a classifier with its trunk: choose the protocol test, or a pretraining's checkpoint."
        )
        raise invalid({"checkpoint_id": sentence})


def _file_of(checkpoint: Checkpoint, given: object) -> Tree:
    branch = given.get("branch", "online") if isinstance(given, Mapping) else "online"
    path = f"{checkpoint.run_id}/{checkpoint.path}"
    return {"path": path, "sha256": checkpoint.sha256, "branch": branch}


def _by_path(db: Session, definition: Evaluation, settings: Settings) -> Checkpoint | None:
    """The registered checkpoint that lies at the path, if the path is in the runs folder."""
    file = (settings.runs_dir / definition.checkpoint.path).resolve()
    if not file.is_relative_to(settings.runs_dir):
        return None
    run_id, _, path = file.relative_to(settings.runs_dir).as_posix().partition("/")
    if not (run_id.isascii() and run_id.isdigit() and len(run_id) < 10):
        return None
    asked = select(Checkpoint).where(Checkpoint.run_id == int(run_id), Checkpoint.path == path)
    row = db.scalar(asked)
    return _checkpoint(db, row.id) if row else None


def _known_file(definition: Evaluation, checkpoint: Checkpoint | None, settings: Settings) -> Tree:
    """The checkpoint's file with its digest. Raises ``Invalid`` for a file that is elsewhere or missing."""
    given = definition.checkpoint.model_dump(mode="json")
    if checkpoint is not None:
        if given["sha256"] not in (None, checkpoint.sha256):
            raise invalid({"checkpoint.sha256": "The file that was registered has another digest."})
        return _file_of(checkpoint, given)
    file = (settings.runs_dir / given["path"]).resolve()
    if not any(file.is_relative_to(root) for root in (settings.runs_dir, *settings.roots)):
        sentence = "It lies outside the runs folder and the data roots: copy it under one of them."
        raise invalid({"checkpoint.path": sentence})
    if not file.is_file():
        raise invalid({"checkpoint.path": f"There is no file {given['path']}."})
    return {**given, "path": str(file)}


def recipe_definition(name: str | None) -> Tree | None:
    """A recipe's whole definition; None when it is not there (any more)."""
    try:
        return expanded(load_recipe(name).definition) if name else None
    except UnknownRecipe:
        return None
