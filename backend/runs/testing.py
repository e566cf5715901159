"""Test runs: everything they need is known from the run that they test."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.checkpoints.tables import Checkpoint
from backend.errors import Conflict
from backend.experiments import service as experiments
from backend.people.tables import User
from backend.runs.launch import launch
from backend.runs.reading import get_run
from backend.runs.tables import Run
from backend.runs.views import LaunchedView, LaunchRequest, TestRequest
from backend.settings import Settings

KINDS = {"best": ("best",), "last": ("final",), "both": ("best", "final")}
WORDS = {"best": "the best validation", "final": "the last epoch"}


def test_run(db: Session, run_id: int, asked: TestRequest, *, settings: Settings, by: User) -> LaunchedView:
    """Launch a test of a run's classifiers. Raises ``NotFound``, ``Conflict`` when a classifier is gone."""
    run = get_run(db, run_id)
    classifiers = [_classifier(db, run, kind) for kind in KINDS[asked.which]]
    own = run.definition
    definition = {
        "kind": "evaluation",
        "data": own["data"],
        "protocol": {"kind": "test", "which": asked.which, "views": own["protocol"]["views"]},
        "compute": {**own["compute"], "devices": 1, "nodes": 1},
        "seed": run.seed,
    }
    request = LaunchRequest(
        definition=definition,
        experiment=experiments.names(db, [run.experiment_id])[run.experiment_id],
        checkpoint_id=classifiers[-1].id,
        priority=run.priority,
    )
    return launch(db, request, settings=settings, by=by)


def _classifier(db: Session, run: Run, kind: str) -> Checkpoint:
    if run.kind not in ("linear", "finetune"):
        raise Conflict(f"{run.name} trains no classifier: test a linear probe or a fine-tuning.")
    asked = select(Checkpoint).where(
        Checkpoint.run_id == run.id, Checkpoint.kind == kind, Checkpoint.removed_at.is_(None)
    )
    row = db.scalar(asked)
    if row is None:
        raise Conflict(
            f"{run.name} has no classifier of {WORDS[kind]}: it was not validated, it did not get so far, or "
            "the file was removed."
        )
    return row
