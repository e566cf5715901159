"""Evaluations that follow a pretraining's checkpoints by themselves, each exactly once."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.checkpoints.registry import KEPT
from backend.checkpoints.tables import Checkpoint
from backend.datasets.lookups import by_root
from backend.db import now
from backend.nudge import nudge
from backend.runs.estimates import estimate
from backend.runs.life import DRAFT, QUEUED, move
from backend.runs.naming import evaluation_name
from backend.runs.tables import Run
from sce.definition import (
    CheckpointFile,
    Compute,
    Evaluation,
    Planned,
    Pretrain,
    TrainedProtocol,
    definition_adapter,
    kind_of,
)
from sce.definition.derived import derive

MAX_PRIORITY = 100


def launch_planned(db: Session, *, run: Run, checkpoint: Checkpoint) -> list[Run]:
    """Launch what the run's plan asks for at this checkpoint and was not launched before."""
    definition = definition_adapter.validate_python(run.definition)
    if not isinstance(definition, Pretrain) or checkpoint.kind not in KEPT:
        return []
    asked = select(Run.plan_index).where(Run.checkpoint_id == checkpoint.id, Run.plan_index.is_not(None))
    done = set(db.scalars(asked))
    due = [
        (index, planned)
        for index, planned in enumerate(definition.evaluations)
        if index not in done and is_due(planned, definition, kind=checkpoint.kind, epoch=checkpoint.epoch)
    ]
    return [_launch(db, run, definition, checkpoint, index, planned) for index, planned in due]


def is_due(planned: Planned, definition: Pretrain, *, kind: str, epoch: float) -> bool:
    """Whether a kept checkpoint is one that the plan names. The last one is the final epoch's."""
    is_first = kind == "initial"
    is_last = kind == "periodic" and epoch > definition.optimisation.epochs - 1e-6
    return {"every": True, "first_and_last": is_first or is_last, "last": is_last}[planned.when]


def evaluation_of(parent: Pretrain, planned: Planned, *, run_id: int, path: str, sha256: str) -> Evaluation:
    """The definition that measures one checkpoint: the parent's data, accelerator and labels, on one device."""
    compute = Compute(
        accelerator=parent.compute.accelerator,
        labels=parent.compute.labels,
        loader_workers=parent.compute.loader_workers,
        deterministic=parent.compute.deterministic,
    )
    return Evaluation(
        checkpoint=CheckpointFile(path=f"{run_id}/{path}", sha256=sha256),
        data=planned.data or parent.data,
        protocol=planned.protocol,
        compute=compute,
        seed=parent.seed,
    )


def _launch(
    db: Session, parent: Run, definition: Pretrain, checkpoint: Checkpoint, index: int, planned: Planned
) -> Run:
    asked = evaluation_of(
        definition, planned, run_id=parent.id, path=checkpoint.path, sha256=checkpoint.sha256
    )
    dataset = by_root(db, asked.data.root)
    run = Run(
        experiment_id=parent.experiment_id,
        name=evaluation_name(asked.protocol.kind, parent.name, checkpoint),
        kind=kind_of(asked),
        state=DRAFT,
        definition=asked.model_dump(mode="json"),
        seed=asked.seed,
        owner_id=parent.owner_id,
        profile_id=parent.profile_id,
        # Scores of what is being trained are worth more than the next training.
        priority=min(parent.priority + 1, MAX_PRIORITY),
        devices=asked.compute.devices,
        parent_id=parent.id,
        checkpoint_id=checkpoint.id,
        plan_index=index,
        dataset_id=dataset.id if dataset else parent.dataset_id,
        epochs=asked.protocol.optimisation.epochs if isinstance(asked.protocol, TrainedProtocol) else None,
        created_at=now(),
        expected_s=estimate(db, asked, derive(asked, train_items=None)).seconds,
    )
    db.add(run)
    db.flush()
    move(db, run, QUEUED, detail={"planned_by": parent.id})
    nudge(db, "worker.start_runs")
    return run
