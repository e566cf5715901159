"""How long a run will take, from the pace that earlier ones were measured at; never from a guess."""

from dataclasses import dataclass

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.runs.life import FINISHED
from backend.runs.tables import Run
from sce.definition import Evaluation, Pretrain, definition_adapter, kind_of
from sce.definition.derived import Derived

LOOK_BACK = 20


@dataclass(frozen=True)
class Estimate:
    """Seconds, or None, and where they come from."""

    seconds: float | None
    basis: str


def estimate(db: Session, definition: Pretrain | Evaluation, derived: Derived) -> Estimate:
    """The time of the newest finished run that did the same work, scaled by the number of videos."""
    for run in _finished(db, kind_of(definition)):
        earlier = _definition_of(run)
        took_s = (run.ended_at - run.started_at).total_seconds() if run.ended_at and run.started_at else 0.0
        if earlier is None or took_s <= 0 or not _is_alike(definition, earlier):
            continue
        if isinstance(definition, Evaluation):
            return Estimate(took_s, f"As long as {run.name} (run {run.id}), which measured the same.")
        found = _by_pace(run, earlier, took_s, derived)
        if found is not None:
            return found
    return Estimate(None, "Nothing like it has finished here yet, so there is no pace to go by.")


def _finished(db: Session, kind: str) -> list[Run]:
    """Runs that were never interrupted: only then is the time from start to end the work's own."""
    asked = select(Run).where(Run.kind == kind, Run.state == FINISHED, Run.attempt == 1)
    return list(db.scalars(asked.order_by(Run.id.desc()).limit(LOOK_BACK)))


def _definition_of(run: Run) -> Pretrain | Evaluation | None:
    try:
        return definition_adapter.validate_python(run.definition)
    except ValidationError:  # an older version wrote it; it tells this one nothing
        return None


def _is_alike(one: Pretrain | Evaluation, other: Pretrain | Evaluation) -> bool:
    return _work(one) == _work(other)


def _work(definition: Pretrain | Evaluation) -> tuple[object, ...]:
    """What the time per video depends on."""
    data, compute = definition.data, definition.compute
    shared = (data.kind, data.num_frames, compute.accelerator, compute.devices, compute.precision)
    if isinstance(definition, Evaluation):
        return (*shared, data.root, definition.protocol)
    sizes = tuple(view.size for view in definition.views.views)
    return (*shared, definition.trunk, sizes)


def _by_pace(run: Run, earlier: Pretrain | Evaluation, took_s: float, derived: Derived) -> Estimate | None:
    if not isinstance(earlier, Pretrain) or not run.steps or not derived.total_steps:
        return None
    videos_per_s = run.steps * earlier.optimisation.batch_size / took_s
    seconds = derived.total_steps * (derived.effective_batch or 0) / videos_per_s
    return Estimate(seconds, f"{run.name} (run {run.id}) trained on {videos_per_s:.3g} videos a second.")
