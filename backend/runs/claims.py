"""How a queued run gets devices, and how it gives them back.

Every writer names the attempt it speaks for; one that speaks for an older attempt changes nothing.
"""

from dataclasses import dataclass

from pydantic import ValidationError
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from backend.compute.leases import HostRoom, devices_of, lease, lock_host, release_devices, room_of
from backend.compute.tables import Device
from backend.datasets.lookups import ready_ids
from backend.db import now
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
from backend.runs.tables import Attempt, Run
from backend.runs.views import FailureKind
from backend.stream.service import tell
from sce.definition import Evaluation, Pretrain, definition_adapter
from sce.definition.problems import problems_of


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


def queue() -> Select[int, int, str]:
    """Id, devices and accelerator of what waits for devices, the next first."""
    accelerator = Run.definition["compute"]["accelerator"].as_string()
    return (
        select(Run.id, Run.devices, accelerator)
        .where(Run.state == QUEUED, Run.profile_id.is_(None))
        .where(Run.dataset_id.is_(None) | Run.dataset_id.in_(ready_ids()))
        .order_by(Run.priority.desc(), Run.queued_at, Run.id)
    )


def claim_next(db: Session, *, host: str) -> Claim | None:
    """The first queued run that fits the host's free devices, now STARTING and holding them.

    A run at the head that the host could carry keeps its devices free until enough are: smaller ones
    behind it do not slip past. Two callers never get the same run.
    """
    row = lock_host(db, host)
    if row is None or not row.enabled:
        return None
    devices = devices_of(db, row)
    room = room_of(row, [(device.kind, device.run_id) for device in devices])
    for run_id, kind, wanted in _fitting(db, room):
        free = [device for device in devices if device.kind == kind and device.run_id is None]
        claim = _claim(db, run_id, host=host, devices=free[:wanted])
        if claim is not None:
            return claim
    return None


def _fitting(db: Session, room: HostRoom) -> list[tuple[int, str, int]]:
    """Runs that could start here now, the next first: (run id, kind of device, how many)."""
    reserved: set[str] = set()
    fitting = []
    for run_id, wanted, accelerator in db.execute(queue()).all():
        kind = room.kind_for(accelerator)
        if wanted > room.total[kind] or kind in reserved:
            continue
        if wanted > room.free[kind]:
            reserved.add(kind)
        else:
            fitting.append((run_id, kind, wanted))
    return fitting


def _claim(db: Session, run_id: int, *, host: str, devices: list[Device]) -> Claim | None:
    """None when another host was faster, or when the run asks for something that this version cannot read."""
    run = db.get_one(Run, run_id, populate_existing=True)
    try:
        definition = take(db, run, host=host)
    except IllegalMove:
        return None
    if definition is None:
        return None
    lease(db, devices, run_id=run.id, attempt=run.attempt)
    db.flush()
    tell(db, "host", devices[0].host_id)
    return Claim(run.id, run.attempt, definition, devices[0].kind, tuple(device.number for device in devices))


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


def attempt_of(db: Session, run_id: int, number: int) -> Attempt | None:
    return db.scalar(select(Attempt).where(Attempt.run_id == run_id, Attempt.number == number))


def record_handle(db: Session, *, run_id: int, attempt: int, handle: str) -> None:
    """Keep what the launcher knows the attempt's processes by."""
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
