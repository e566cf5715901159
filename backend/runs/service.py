"""What a user does with a run that is there: launch a draft, stop, resume, retry, clone, edit, archive."""

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from backend.checkpoints import registry
from backend.db import now
from backend.errors import Conflict, SceLabError
from backend.experiments import service as experiments
from backend.nudge import nudge
from backend.people.deeds import record_deed
from backend.people.tables import User
from backend.runs.asking import invalid
from backend.runs.claims import lock_run
from backend.runs.launch import MAX_TAG, launch
from backend.runs.life import FAILED, PREEMPTED, QUEUED, STOPPED, STOPPING, may, move
from backend.runs.reading import get_run, run_view
from backend.runs.spreading import changes_for, spread_run
from backend.runs.tables import Run
from backend.runs.views import (
    Action,
    BulkAction,
    BulkRequest,
    BulkView,
    LaunchedView,
    LaunchRequest,
    Refused,
    RunEdit,
    RunView,
    Spread,
)
from backend.settings import Settings
from backend.slurm.reading import offered
from backend.stream.service import tell


def launch_draft(db: Session, run_id: int, *, by: User) -> RunView:
    """Queue a draft. Raises ``Conflict`` for anything else."""
    run = _allowed(db, run_id, "launch")
    _queue(db, run, by, "launched")
    return run_view(db, run)


def stop_run(db: Session, run_id: int, *, by: User) -> RunView:
    """Stop a run: at once while it has no processes, else when they have saved and left."""
    run = _allowed(db, run_id, "stop")
    _stop(db, run, by)
    return run_view(db, run)


def resume_run(db: Session, run_id: int, *, by: User) -> RunView:
    """Queue a stopped run again; its next attempt goes on from its newest checkpoint."""
    run = _allowed(db, run_id, "resume")
    _queue(db, run, by, "resumed")
    return run_view(db, run)


def other_devices(db: Session, run_id: int, asked: Spread) -> list[str]:
    """What it would change if the run went on over so many devices. Raises ``Invalid``."""
    return changes_for(db, get_run(db, run_id), asked)


def spread(db: Session, run_id: int, asked: Spread, *, by: User) -> list[str]:
    """Let a run that may go on take so many devices from its next attempt on. Raises ``Conflict``."""
    return spread_run(db, _allowed(db, run_id, "devices"), asked, by=by)


def retry_run(db: Session, run_id: int, *, by: User) -> RunView:
    """Queue a failed run again, or a stopped one that left nothing to go on from."""
    run = _allowed(db, run_id, "retry")
    _queue(db, run, by, "retried")
    return run_view(db, run)


def archive_run(db: Session, run_id: int, *, by: User) -> RunView:
    run = _allowed(db, run_id, "archive")
    _archive(db, run, by)
    return run_view(db, run)


def restore_run(db: Session, run_id: int, *, by: User) -> RunView:
    run = _allowed(db, run_id, "restore")
    _restore(db, run, by)
    return run_view(db, run)


def act_on_runs(db: Session, asked: BulkRequest, *, by: User) -> BulkView:
    """Do the same to many runs; those that it cannot be done to are named with the reason."""
    acts: dict[BulkAction, Callable[[Session, Run, User], None]] = {
        "stop": _stop,
        "archive": _archive,
        "restore": _restore,
    }
    done, refused = [], []
    for run_id in dict.fromkeys(asked.ids):
        try:
            acts[asked.action](db, _allowed(db, run_id, asked.action), by)
            done.append(run_id)
        except SceLabError as error:
            refused.append(Refused(id=run_id, reason=error.detail))
    return BulkView(done=done, refused=refused)


def edit_run(db: Session, run_id: int, asked: RunEdit, *, by: User) -> Run:
    """Change what may always be changed. Raises ``NotFound`` or ``Invalid``."""
    run = get_run(db, run_id)
    if asked.tags is not None and any(not tag.strip() or len(tag) > MAX_TAG for tag in asked.tags):
        raise invalid({"tags": f"A tag has 1 to {MAX_TAG} characters."})
    changed = asked.model_dump(exclude_none=True)
    if asked.tags is not None:
        changed["tags"] = [tag.strip() for tag in asked.tags]
    for name, value in changed.items():
        setattr(run, name, value)
    if changed:
        record_deed(db, "edited", by=by, run_id=run.id, detail={"fields": sorted(changed)})
        tell(db, "run", run.id)
    db.flush()
    return run


def clone_request(db: Session, run_id: int) -> LaunchRequest:
    """A request that asks for the same again: what Clone fills the form with."""
    run = get_run(db, run_id)
    return LaunchRequest(
        recipe=run.recipe,
        definition=run.definition,
        experiment=experiments.names(db, [run.experiment_id])[run.experiment_id],
        checkpoint_id=run.checkpoint_id,
        priority=run.priority,
        tags=run.tags,
        slurm=_offered_name(db, run),
        cloned_from_id=run.id,
    )


def _offered_name(db: Session, run: Run) -> str | None:
    """The profile that it ran by, while that is still offered."""
    return next((row.name for row in offered(db) if row.id == run.profile_id), None)


def clone_run(
    db: Session, run_id: int, overrides: dict[str, Any], *, settings: Settings, by: User
) -> LaunchedView:
    """Launch the same again with other values. Raises ``Invalid`` like a launch."""
    asked = clone_request(db, run_id).model_copy(update={"overrides": overrides})
    return launch(db, asked, settings=settings, by=by)


def _allowed(db: Session, run_id: int, action: Action) -> Run:
    """The run, locked. Raises ``NotFound``, or ``Conflict`` when the action is not allowed now."""
    get_run(db, run_id)
    run = lock_run(db, run_id)
    total = registry.totals(db, [run_id]).get(run_id, registry.Total())
    if action not in may(run, num_states=total.count, num_kept=total.kept):
        raise Conflict(_refusal(run, action))
    return run


def _refusal(run: Run, action: Action) -> str:
    if run.archived_at is not None:
        return f"Run {run.id} is archived: restore it first."
    if action == "resume" and run.state == STOPPED:
        return f"Run {run.id} left no checkpoint to go on from: retry it from the start."
    if action == "stop":
        return f"Run {run.id} is {run.state}: there is nothing to stop."
    if action == "archive":
        return f"Run {run.id} is {run.state}: stop it before it is archived."
    return f"Run {run.id} is {run.state}, so it cannot be asked to {action}."


def _queue(db: Session, run: Run, by: User, verb: str) -> None:
    run.retries, run.excluded = 0, []
    move(db, run, QUEUED, by=by, verb=verb)
    nudge(db, "worker.start_runs")


def _stop(db: Session, run: Run, by: User) -> None:
    if run.state == FAILED:
        run.retry_at = None
        _tell_of(db, run, by, "called the retry off")
        return
    if run.state in (QUEUED, PREEMPTED):
        move(db, run, STOPPED, by=by, verb="stopped")
        return
    move(db, run, STOPPING, by=by, verb="asked to stop")
    nudge(db, "worker.stop_run", run.id)


def _archive(db: Session, run: Run, by: User) -> None:
    run.archived_at = now()
    _tell_of(db, run, by, "archived")


def _restore(db: Session, run: Run, by: User) -> None:
    run.archived_at = None
    _tell_of(db, run, by, "restored")


def _tell_of(db: Session, run: Run, by: User, verb: str) -> None:
    record_deed(db, verb, by=by, run_id=run.id)
    tell(db, "run", run.id)
