"""Checkpoints as pages show them, and what may be done with them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from backend.checkpoints.holds import May, held_by, may
from backend.checkpoints.registry import newest_steps
from backend.checkpoints.tables import Checkpoint
from backend.checkpoints.views import CheckpointEdit, CheckpointView, EvaluateRequest, Score
from backend.db import after_commit, now
from backend.errors import Conflict, NotFound
from backend.evaluations.service import scores_in
from backend.experiments import service as experiments
from backend.people.deeds import record_deed
from backend.people.tables import User
from backend.runs.asking import invalid
from backend.runs.launch import launch
from backend.runs.reading import run_ref, runs_by_id
from backend.runs.tables import Run
from backend.runs.views import LaunchedView, LaunchRequest
from backend.settings import Settings
from backend.stream.service import tell
from backend.views import Page
from sce.definition import Compute, Trunk
from sce.definition.exports import Layout, layouts_of
from sce.recipes import UnknownRecipe, load_recipe

MAX_PRIORITY = 100


@dataclass(frozen=True)
class Download:
    """A checkpoint's file, and the name to save it under."""

    file: Path
    name: str


def list_checkpoints(
    db: Session, *, run_id: int | None, pinned: bool | None, removed: bool, page: int, size: int
) -> Page[CheckpointView]:
    """The newest first; those whose file is gone only when they are asked for."""
    conditions: list[ColumnElement[bool]] = [
        Checkpoint.removed_at.is_not(None) if removed else Checkpoint.removed_at.is_(None)
    ]
    if run_id is not None:
        conditions.append(Checkpoint.run_id == run_id)
    if pinned is not None:
        conditions.append(Checkpoint.pinned.is_(pinned))
    total = db.scalar(select(func.count()).select_from(Checkpoint).where(*conditions)) or 0
    asked = select(Checkpoint).where(*conditions).order_by(Checkpoint.id.desc())
    rows = db.scalars(asked.offset((page - 1) * size).limit(size)).all()
    return Page(items=views(db, rows), total=total, page=page, size=size)


def read_checkpoint(db: Session, checkpoint_id: int) -> CheckpointView:
    """Raises ``NotFound``."""
    return views(db, [get(db, checkpoint_id)])[0]


def get(db: Session, checkpoint_id: int) -> Checkpoint:
    """Raises ``NotFound``."""
    row = db.get(Checkpoint, checkpoint_id)
    if row is None:
        raise NotFound.of("checkpoint", checkpoint_id)
    return row


def views(db: Session, rows: Sequence[Checkpoint]) -> list[CheckpointView]:
    """Four queries, however many checkpoints."""
    run_ids = {row.run_id for row in rows}
    runs = runs_by_id(db, run_ids)
    names = experiments.names(db, {run.experiment_id for run in runs.values()})
    newest = newest_steps(db, run_ids)
    measured = evaluations_of(db, [row.id for row in rows])
    return [
        _view(
            row,
            runs[row.run_id],
            names[runs[row.run_id].experiment_id],
            measured.get(row.id, []),
            is_newest=newest.get(row.run_id) == row.step,
        )
        for row in rows
    ]


def evaluations_of(db: Session, checkpoint_ids: Sequence[int]) -> dict[int, list[Run]]:
    """Evaluations that name each checkpoint and are not archived."""
    asked = (
        select(Run).where(Run.checkpoint_id.in_(checkpoint_ids), Run.archived_at.is_(None)).order_by(Run.id)
    )
    found: dict[int, list[Run]] = {}
    for run in db.scalars(asked):
        if run.checkpoint_id is not None:
            found.setdefault(run.checkpoint_id, []).append(run)
    return found


def _view(
    row: Checkpoint, run: Run, experiment: str, measured: Sequence[Run], *, is_newest: bool
) -> CheckpointView:
    holds = held_by(row, run, measured, is_newest=is_newest)
    allowed: list[May] = may(row, run, is_held=bool(holds), is_newest=is_newest)
    own = {name: getattr(row, name) for name in _AS_STORED}
    scores = [
        Score(run_id=child.id, kind=child.kind, state=child.state, values=scores_in(child.summary))
        for child in measured
    ]
    return CheckpointView(
        **own,
        run=run_ref(run),
        experiment=experiment,
        scores=scores,
        held_by=holds,
        may=allowed,
        layouts=_layouts(run) if "download" in allowed else [],
    )


def _layouts(run: Run) -> list[Layout]:
    """In whose names its trunk can be given away; a run written by another version may not say its trunk."""
    try:
        return list(layouts_of(_trunk.validate_python(run.definition.get("trunk"))))
    except ValidationError:
        return []


_trunk: TypeAdapter[Trunk] = TypeAdapter(Trunk)
_AS_STORED = (
    "id", "step", "epoch", "kind", "bytes", "sha256", "path", "pinned", "created_at", "removed_at",
)  # fmt: skip


def edit_checkpoint(db: Session, checkpoint_id: int, asked: CheckpointEdit, *, by: User) -> CheckpointView:
    """Pin or unpin. Raises ``Conflict`` for pinning a file that is gone."""
    row = get(db, checkpoint_id)
    if asked.pinned and row.removed_at is not None:
        raise Conflict(f"The file of checkpoint {checkpoint_id} was removed: there is nothing to keep.")
    row.pinned = asked.pinned
    _tell_of(db, row, "checkpoint pinned" if asked.pinned else "checkpoint unpinned", by)
    return read_checkpoint(db, checkpoint_id)


def remove_checkpoint(db: Session, checkpoint_id: int, *, settings: Settings, by: User) -> CheckpointView:
    """Delete the file and keep the row. Raises ``Conflict`` while anything refers to it."""
    view = read_checkpoint(db, checkpoint_id)
    if view.removed_at is not None:
        raise Conflict(f"The file of checkpoint {checkpoint_id} was removed already.")
    if view.held_by:
        raise Conflict(f"Checkpoint {checkpoint_id} is still referred to: {' '.join(view.held_by)}")
    row = get(db, checkpoint_id)
    file = contained(settings, row)
    row.removed_at = now()
    after_commit(db, ("remove", file), _remover(file))
    _tell_of(db, row, "checkpoint removed", by)
    db.flush()
    return read_checkpoint(db, checkpoint_id)


def download(db: Session, checkpoint_id: int, *, settings: Settings) -> Download:
    """Raises ``NotFound`` when the file is gone."""
    row = get(db, checkpoint_id)
    file = contained(settings, row)
    if row.removed_at is not None or not file.is_file():
        raise NotFound(f"The file of checkpoint {checkpoint_id} is gone.")
    return Download(file, f"run{row.run_id}-{file.name}")


def evaluate(
    db: Session, checkpoint_id: int, asked: EvaluateRequest, *, settings: Settings, by: User
) -> LaunchedView:
    """Launch an evaluation; unless told otherwise it reads the data that the checkpoint learned from.

    An import learned from none here: the recipe's data is read, if there is a recipe.
    """
    row = get(db, checkpoint_id)
    parent = db.get_one(Run, row.run_id)
    recipe = _recipe_definition(asked.recipe)
    protocol = asked.protocol or recipe.get("protocol")
    if protocol is None:
        raise invalid({"protocol": "Name a recipe, or give a protocol."})
    data = asked.data or parent.definition.get("data") or recipe.get("data")
    if data is None:
        raise invalid(
            {"data": "An imported trunk learned from no data set here: say on which to measure it."}
        )
    definition = {
        "compute": _compute(parent),
        **recipe,
        "kind": "evaluation",
        "data": data,
        "protocol": protocol,
        "seed": parent.seed,
    }
    request = LaunchRequest(
        recipe=asked.recipe,
        definition={key: value for key, value in definition.items() if key != "checkpoint"},
        overrides=asked.overrides,
        experiment=experiments.names(db, [parent.experiment_id])[parent.experiment_id],
        checkpoint_id=row.id,
        priority=min(parent.priority + 1, MAX_PRIORITY),
    )
    return launch(db, request, settings=settings, by=by)


def _compute(parent: Run) -> dict[str, object]:
    """The parent's accelerator and readers, on one device; an import was computed nowhere."""
    kept = ("accelerator", "loader_workers")
    given = parent.definition.get("compute", {})
    return Compute().model_dump(mode="json") | {name: given[name] for name in kept if name in given}


def contained(settings: Settings, row: Checkpoint) -> Path:
    """The checkpoint's file. Raises ``NotFound`` for one that leads out of its run's folder."""
    folder = settings.run_folder(row.run_id).resolve()
    file = (folder / row.path).resolve()
    if not file.is_relative_to(folder):
        raise NotFound(f"The file of checkpoint {row.id} does not lie in its run's folder.")
    return file


def _remover(file: Path) -> Callable[[], None]:
    return lambda: file.unlink(missing_ok=True)


def _recipe_definition(name: str | None) -> dict[str, object]:
    if name is None:
        return {}
    try:
        definition = dict(load_recipe(name).definition)
    except UnknownRecipe as error:
        raise invalid({"recipe": str(error)}) from error
    if definition.get("kind") != "evaluation":
        raise invalid({"recipe": f"{name} is no evaluation: choose a recipe that measures a checkpoint."})
    return definition


def _tell_of(db: Session, row: Checkpoint, verb: str, by: User) -> None:
    record_deed(db, verb, by=by, run_id=row.run_id, detail={"checkpoint": row.id, "path": row.path})
    tell(db, "checkpoint", row.run_id)
