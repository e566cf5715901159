"""How a queued run gets devices, and how it gives them back.

Every writer names the attempt it speaks for; one that speaks for an older attempt changes nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session, load_only

from backend.compute.leases import devices_of, lease, lock_host, release_devices
from backend.compute.tables import Device
from backend.db import lock_for_this_transaction, now
from backend.nudge import nudge
from backend.runs.life import (
    FAILED,
    HOLDING,
    PREEMPTED,
    QUEUED,
    RUNNING,
    STARTING,
    STOPPED,
    STOPPING,
    IllegalMove,
    RunState,
    Why,
    move,
)
from backend.runs.placing import Start
from backend.runs.preemption import clear_for_waiting
from backend.runs.queue import keep_reservations, plan_now
from backend.runs.tables import Attempt, Run
from backend.runs.views import FailureKind
from backend.stream.service import tell
from sce.definition import Evaluation, Pretrain, definition_adapter
from sce.definition.problems import problems_of

CLAIMS_LOCK = 0x5CE_0004
PROGRESS = (
    *(Run.state, Run.attempt, Run.journal_offset, Run.summary),
    *(Run.step, Run.steps, Run.epoch, Run.phase, Run.progress, Run.eta_s),
)
"""Columns of how far a run has come."""


@dataclass(frozen=True)
class Taken:
    """The attempt that somebody took upon himself to start now."""

    run_id: int
    attempt: int
    definition: Pretrain | Evaluation


@dataclass(frozen=True)
class Claim(Taken):
    """A run that this host shall start, on these devices."""

    device_kind: str
    """gpu or cpu."""
    device_numbers: tuple[int, ...]


def claim_next(db: Session, *, host: str, preempt_below: int | None = None) -> Claim | None:
    """The first queued run that is to start on the host now, STARTING and holding its devices.

    One claim at a time, on all hosts together: two never get the same run, pass a limit, or take what is
    kept for another. With ``preempt_below``, running ones of a lower priority than that make room for a
    waiting one of a higher.
    """
    row = lock_host(db, host)
    if row is None or not row.enabled:
        return None
    if preempt_below is None and not any(device.run_id is None for device in devices_of(db, row)):
        return None
    lock_for_this_transaction(db, CLAIMS_LOCK)
    tried: set[int] = set()
    while True:
        plan = plan_now(db, asking=host)
        start = next((start for start in plan.starts_on(host) if start.wish.run_id not in tried), None)
        if start is None:
            break
        tried.add(start.wish.run_id)
        if (claim := _claim(db, start, devices_of(db, row))) is not None:
            keep_reservations(db, plan)
            return claim
    keep_reservations(db, plan)
    if preempt_below is not None:
        clear_for_waiting(db, plan, below=preempt_below)
    return None


def _claim(db: Session, start: Start, devices: list[Device]) -> Claim | None:
    """None when it was stopped meanwhile, or when it asks for something that this version cannot read."""
    run = db.get_one(Run, start.wish.run_id, populate_existing=True)
    free = [device for device in devices if device.kind == start.spot.kind and device.run_id is None]
    try:
        definition = take(db, run, host=start.spot.host)
    except IllegalMove:
        return None
    if definition is None:
        return None
    taken = free[: start.wish.devices]
    lease(db, taken, run_id=run.id, attempt=run.attempt)
    db.flush()
    tell(db, "host", taken[0].host_id)
    return Claim(run.id, run.attempt, definition, start.spot.kind, tuple(device.number for device in taken))


def take(db: Session, run: Run, *, host: str) -> Pretrain | Evaluation | None:
    """Begin the run's next attempt. None when what it asks for cannot be read, which ends it.

    Raises ``IllegalMove`` when another host was faster.
    """
    try:
        definition = definition_adapter.validate_python(run.definition)
    except ValidationError as error:
        fault = problems_of(error, run.definition)[0]
        why = Why("user_error", f"{fault.field}: {fault.message} Clone the run to ask for it anew.")
        move(db, run, FAILED, why=why)
        return None
    move(db, run, STARTING, attempt=run.attempt + 1, detail={"host": host})
    db.add(Attempt(run_id=run.id, number=run.attempt, host=host))
    db.flush()
    return definition


def lock_run(db: Session, run_id: int) -> Run:
    """The run's row, held until commit, so that one writer at a time decides what it becomes."""
    return db.scalars(
        select(Run).where(Run.id == run_id).with_for_update().execution_options(populate_existing=True)
    ).one()


def lock_free_runs(db: Session, run_ids: Iterable[int]) -> Sequence[Run]:
    """Rows of those runs that nobody else holds, held until commit. What is seldom wanted is not read."""
    asked = (
        select(Run)
        .where(Run.id.in_(run_ids))
        .order_by(Run.id)
        .options(load_only(*PROGRESS))
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    return db.scalars(asked).all()


def attempt_of(db: Session, run_id: int, number: int) -> Attempt | None:
    return db.scalar(select(Attempt).where(Attempt.run_id == run_id, Attempt.number == number))


def last_begun(db: Session, run_id: int) -> int:
    """Number of the newest attempt that wrote its first line, 0 before any did."""
    begun = select(Attempt.number).where(Attempt.run_id == run_id, Attempt.start_step.is_not(None))
    return db.scalar(begun.order_by(Attempt.number.desc()).limit(1)) or 0


def was_launched(db: Session, *, run_id: int, attempt: int) -> bool:
    """Whether somebody who was slow has started the attempt after all; if not, he learns of what is done now."""
    lock_run(db, run_id)
    row = attempt_of(db, run_id, attempt)
    return row is not None and row.handle is not None


def record_handle(db: Session, *, run_id: int, attempt: int, handle: str) -> None:
    """Keep what the launcher knows the attempt's processes by."""
    lock_run(db, run_id)  # whoever takes the claim back does it before, and is seen, or sees the handle
    row = attempt_of(db, run_id, attempt)
    assert row is not None, f"run {run_id} has no attempt {attempt}"
    row.handle = handle


def release(db: Session, *, run_id: int, attempt: int) -> None:
    """Take back the attempt's devices and ask who may start now."""
    if release_devices(db, run_id=run_id, attempt=attempt):
        nudge(db, "worker.start_runs")
        tell(db, "run", run_id)


def requeue(db: Session, *, run_id: int, attempt: int, sentence: str) -> bool:
    """Put a run back into the queue: a claim that was never launched, or one that was preempted.

    False when the attempt is no longer the run's newest, or the run is not waiting for this.
    """
    run = _held(db, run_id, attempt, {STARTING, PREEMPTED})
    if run is None:
        return False
    close_attempt(db, run, "requeued", sentence)
    move(db, run, QUEUED, verb="requeued", detail={"because": sentence})
    return True


def give_back(db: Session, *, run_id: int, attempt: int, sentence: str) -> bool:
    """What ran the attempt took it away before it was done: the run is queued again, or stopped if that was
    asked. False when the attempt is no longer the newest, or has ended."""
    run = _held(db, run_id, attempt, HOLDING)
    if run is None:
        return False
    if run.state == STOPPING:
        return mark_gone(db, run_id=run_id, attempt=attempt, sentence=sentence)
    close_attempt(db, run, "preempted", sentence)
    if run.state == RUNNING:
        move(db, run, PREEMPTED, detail={"because": sentence})
    move(db, run, QUEUED, verb="requeued", detail={"because": sentence})
    nudge(db, "worker.start_runs")
    return True


def fail(db: Session, *, run_id: int, attempt: int, kind: FailureKind, sentence: str) -> bool:
    """Say why an attempt came to nothing. False when it is no longer the run's newest, or has ended."""
    run = _held(db, run_id, attempt, HOLDING)
    if run is None:
        return False
    close_attempt(db, run, "failed", sentence)
    move(db, run, FAILED, why=Why(kind, sentence))
    return True


def mark_gone(db: Session, *, run_id: int, attempt: int, sentence: str, kind: FailureKind = "lost") -> bool:
    """The attempt's processes went without an end line: stopped if that was asked, else failed.

    Ingest the rest of the journal first. False when the attempt is no longer the newest, or has ended.
    """
    run = _held(db, run_id, attempt, HOLDING)
    if run is None:
        return False
    was_asked = run.state == STOPPING
    close_attempt(db, run, "stopped" if was_asked else "failed", sentence)
    if was_asked:
        move(db, run, STOPPED, detail={"because": sentence})
    else:
        move(db, run, FAILED, why=Why(kind, sentence))
    return True


def close_attempt(db: Session, run: Run, outcome: str, sentence: str | None) -> None:
    """Write how the newest attempt came out, and take back its devices."""
    row = attempt_of(db, run.id, run.attempt)
    if row is not None and row.ended_at is None:
        row.ended_at, row.outcome, row.sentence = now(), outcome, sentence
    release(db, run_id=run.id, attempt=run.attempt)


def _held(db: Session, run_id: int, attempt: int, states: frozenset[RunState] | set[RunState]) -> Run | None:
    run = lock_run(db, run_id)
    return run if run.attempt == attempt and run.state in states else None
