"""The life of a run: one table of legal moves, and the one function that writes a run's state."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from backend.db import now
from backend.errors import Conflict
from backend.people.deeds import record_deed
from backend.people.tables import User
from backend.runs.tables import Run
from backend.runs.views import Action, FailureKind
from backend.stream.service import tell


class RunState(StrEnum):
    DRAFT = "draft"
    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    PREEMPTED = "preempted"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"


DRAFT, QUEUED, STARTING, RUNNING, STOPPING, PREEMPTED, FINISHED, STOPPED, FAILED = RunState

NEXT: dict[RunState, frozenset[RunState]] = {
    DRAFT: frozenset({QUEUED}),
    QUEUED: frozenset({STARTING, STOPPED, FAILED}),  # FAILED: what it asks for can never run
    STARTING: frozenset({RUNNING, STOPPING, QUEUED, FAILED}),  # QUEUED: a claim that was never launched
    # STOPPED: somebody put the stop file there by hand.
    RUNNING: frozenset({STOPPING, PREEMPTED, FINISHED, STOPPED, FAILED}),
    STOPPING: frozenset({STOPPED, FINISHED, FAILED}),  # FINISHED: it was done before the wish reached it
    PREEMPTED: frozenset({QUEUED, STOPPED}),
    FINISHED: frozenset(),
    STOPPED: frozenset({QUEUED}),
    FAILED: frozenset({QUEUED}),
}
ACTIVE = frozenset({QUEUED, STARTING, RUNNING, STOPPING, PREEMPTED})
HOLDING = frozenset({STARTING, RUNNING, STOPPING})
"""States in which a run holds devices."""
ENDED = frozenset({FINISHED, STOPPED, FAILED})


class IllegalMove(Conflict):
    """A run cannot go from its state to the wanted one, or another writer was faster."""

    def __init__(self, state: str, wanted: str) -> None:
        super().__init__(f"A {state} run cannot become {wanted}.")
        self.state = state
        self.wanted = wanted


@dataclass(frozen=True)
class Why:
    """Why a run failed."""

    kind: FailureKind
    sentence: str


def move(
    db: Session,
    run: Run,
    to: RunState,
    *,
    by: User | None = None,
    verb: str | None = None,
    why: Why | None = None,
    attempt: int | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """The only place where a run's state is written.

    It is a compare-and-set on the state and attempt that ``run`` was read with: raises ``IllegalMove``
    when the table forbids the move, or when another writer was faster. ``attempt`` is the new number.
    """
    came_from, number = RunState(run.state), run.attempt
    if to not in NEXT[came_from]:
        raise IllegalMove(came_from, to)
    db.flush()
    won = db.scalar(
        update(Run)
        .where(Run.id == run.id, Run.state == came_from, Run.attempt == number)
        .values(state=to, attempt=number if attempt is None else attempt, **_marks(run, to, why))
        .returning(Run.id)
        .execution_options(synchronize_session=False)
    )
    db.refresh(run)
    if won is None:
        raise IllegalMove(run.state, to)
    what = {"from": came_from.value, "to": to.value, "attempt": run.attempt, **(detail or {})}
    record_deed(db, verb or to.value, by=by, run_id=run.id, detail=what)
    tell(db, "run", run.id)


def _marks(run: Run, to: RunState, why: Why | None) -> dict[str, Any]:
    """What else is written with the state: moments, and why it failed."""
    moment = now()
    marks: dict[str, Any] = {"state_since": moment}
    if to is QUEUED:
        marks |= {"queued_at": moment, "ended_at": None, "failure_kind": None, "failure_sentence": None}
        marks["retry_at"] = None
        # Who was queued before and came to nothing through no fault of its own keeps its place.
        if run.turn is None or run.state not in (STARTING, PREEMPTED):
            marks["turn"] = moment
    if to is STARTING or to in ENDED:
        marks |= {"reserved_host_id": None, "reserved_until": None}
        marks |= {"makes_room_for_id": None, "makes_room_since": None}
    if to is RUNNING and run.started_at is None:
        marks["started_at"] = moment
    if to in ENDED or to in (QUEUED, PREEMPTED):
        marks |= {"eta_s": None, "phase": None}
    if to in ENDED:
        marks["ended_at"] = moment
    if to is FAILED and run.state in HOLDING:
        marks["retry_at"] = moment  # the sweep decides
    if to is FINISHED:
        marks["progress"] = 1.0
    if why is not None:
        marks |= {"failure_kind": why.kind, "failure_sentence": why.sentence}
    return marks


def is_to_be_retried(run: Run) -> bool:
    """Whether a failed run will be queued again by itself: planned by the sweep, for a moment after its end."""
    return run.state == FAILED and run.retry_at is not None and run.retry_at > run.state_since


def may(run: Run, *, num_states: int = 0, num_kept: int = 0) -> list[Action]:
    """What a user may do with the run now.

    ``num_states`` counts the checkpoints that are still there, ``num_kept`` those that nothing will replace.
    """
    if run.archived_at is not None:
        return ["restore"] if run.kind == "import" else ["clone", "restore"]
    state = RunState(run.state)
    allowed: dict[Action, bool] = {
        "launch": state is DRAFT,
        "stop": (state in ACTIVE and state is not STOPPING) or is_to_be_retried(run),
        "resume": state is STOPPED and num_states > 0,
        "retry": state is FAILED or (state is STOPPED and num_states == 0),
        "clone": run.kind != "import",
        "test": run.kind in ("linear", "finetune") and state is FINISHED and num_states > 0,
        "evaluate": run.kind in ("pretrain", "import") and num_kept > 0,
        "devices": state in (STOPPED, FAILED)
        and (run.kind in ("linear", "finetune") or (run.kind == "pretrain" and num_states > 0)),
        "archive": state in ENDED or state is DRAFT,
    }
    return [action for action, is_allowed in allowed.items() if is_allowed]
