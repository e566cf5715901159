"""Runs as the API says them: whole pages of rows with a fixed number of queries."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.checkpoints import registry
from backend.checkpoints.tables import Checkpoint
from backend.datasets import lookups as datasets
from backend.datasets.tables import Dataset
from backend.db import now
from backend.errors import NotFound
from backend.experiments import service as experiments
from backend.people.deeds import user_names
from backend.runs import waiting
from backend.runs.life import HOLDING, is_to_be_retried, may
from backend.runs.tables import Run
from backend.runs.views import CheckpointRef, DatasetRef, ExperimentRef, Failure, RunRef, RunView
from backend.slurm import reading as slurm


@dataclass(frozen=True)
class Surroundings:
    """What a page of runs refers to, by id."""

    experiments: Mapping[int, str]
    datasets: Mapping[int, Dataset]
    checkpoints: Mapping[int, Checkpoint]
    runs: Mapping[int, Run]
    owners: Mapping[int, str]
    totals: Mapping[int, registry.Total]
    waits: Mapping[int, str]
    profiles: Mapping[int, str]
    moment: datetime


def get_run(db: Session, run_id: int) -> Run:
    """Raises ``NotFound``."""
    run = db.get(Run, run_id)
    if run is None:
        raise NotFound.of("run", run_id)
    return run


def runs_by_id(db: Session, ids: Iterable[int]) -> dict[int, Run]:
    wanted = set(ids)
    if not wanted:
        return {}
    return {run.id: run for run in db.scalars(select(Run).where(Run.id.in_(wanted)))}


def run_view(db: Session, run: Run) -> RunView:
    return run_views(db, [run])[0]


def run_views(db: Session, runs: Sequence[Run]) -> list[RunView]:
    """Each run as a table shows it; ten queries at most, and three more for those of SLURM, however many runs."""
    if not runs:
        return []
    around = _surroundings(db, runs)
    return [RunView(**fields_of(run, around)) for run in runs]


def run_ref(run: Run) -> RunRef:
    return RunRef.model_validate(run)


def _surroundings(db: Session, runs: Sequence[Run]) -> Surroundings:
    known_datasets = datasets.by_ids(db, _ids(run.dataset_id for run in runs))
    checkpoints = registry.by_ids(db, _ids(run.checkpoint_id for run in runs))
    related = _ids(other for run in runs for other in (run.parent_id, run.makes_room_for_id))
    related |= {row.run_id for row in checkpoints.values()}
    return Surroundings(
        experiments=experiments.names(db, {run.experiment_id for run in runs}),
        datasets=known_datasets,
        checkpoints=checkpoints,
        runs=runs_by_id(db, related),
        owners=user_names(db, _ids(run.owner_id for run in runs)),
        totals=registry.totals(db, [run.id for run in runs]),
        waits=waiting.reasons(db, runs, known_datasets),
        profiles=slurm.profile_names(db, _ids(run.profile_id for run in runs)),
        moment=now(),
    )


def surroundings_of(db: Session, run: Run) -> Surroundings:
    return _surroundings(db, [run])


def _ids(values: Iterable[int | None]) -> set[int]:
    return {value for value in values if value is not None}


def fields_of(run: Run, around: Surroundings) -> dict[str, Any]:
    """The fields of a ``RunView``."""
    total = around.totals.get(run.id, registry.Total())
    dataset = around.datasets.get(run.dataset_id or 0)
    parent = around.runs.get(run.parent_id or 0)
    own = {name: getattr(run, name) for name in _AS_STORED}
    return own | {
        "may": may(run, num_states=total.count, num_kept=total.kept),
        "experiment": ExperimentRef(id=run.experiment_id, name=around.experiments[run.experiment_id]),
        "method": _kind_at(run.definition, "method"),
        "trunk": _kind_at(run.definition, "trunk")
        or (_kind_at(parent.definition, "trunk") if parent else None),
        "dataset": DatasetRef(id=dataset.id, name=dataset.name) if dataset else None,
        "parent": run_ref(parent) if parent else None,
        "checkpoint": _checkpoint_ref(around, run.checkpoint_id),
        "owner": around.owners.get(run.owner_id or 0),
        "failure": _failure(run),
        "slurm": around.profiles.get(run.profile_id or 0),
        "makes_room_for": run_ref(around.runs[run.makes_room_for_id]) if run.makes_room_for_id else None,
        "waits_for": around.waits.get(run.id),
        "num_checkpoints": total.count,
        "checkpoint_bytes": total.bytes,
        "duration_s": duration_s(run, around.moment),
        "archived": run.archived_at is not None,
    }


_AS_STORED = (
    "id", "name", "kind", "state", "state_since", "recipe", "seed", "seed_group", "priority", "devices",
    "attempt", "phase", "progress", "eta_s", "step", "steps", "epoch", "epochs", "summary", "tags",
    "created_at", "queued_at", "started_at", "ended_at",
)  # fmt: skip


def _kind_at(definition: Mapping[str, Any], field: str) -> str | None:
    part = definition.get(field)
    return part.get("kind") if isinstance(part, Mapping) else None


def _checkpoint_ref(around: Surroundings, checkpoint_id: int | None) -> CheckpointRef | None:
    row = around.checkpoints.get(checkpoint_id or 0)
    if row is None:
        return None
    name = around.runs[row.run_id].name
    return CheckpointRef(
        id=row.id, run_id=row.run_id, run_name=name, step=row.step, epoch=row.epoch, kind=row.kind
    )


def _failure(run: Run) -> Failure | None:
    if run.failure_kind is None:
        return None
    retry = None
    if is_to_be_retried(run):
        retry = {"at": run.retry_at, "number": run.retries + 1, "limit": run.retry_limit}
    known = {"kind": run.failure_kind, "sentence": run.failure_sentence or "", "retry": retry}
    return Failure.model_validate(known)


def duration_s(run: Run, moment: datetime) -> float | None:
    """Seconds from its first step to its end, or until now while it holds devices."""
    if run.started_at is None:
        return None
    end = moment if run.state in HOLDING else run.ended_at
    return (end - run.started_at).total_seconds() if end else None
