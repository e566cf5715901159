"""What SLURM says of a job and what the run's journal says, taken together: one pure table."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from backend.runs.views import FailureKind
from backend.slurm.record import JobSight
from backend.slurm.script import STARTED_TWICE

VANISHED = "VANISHED"
"""Our word for a job that no command of SLURM knows (any more)."""
WITHDRAWN = "WITHDRAWN"
"""Our word for a task that its array, which SLURM knows, does not have (any more): SLURM keeps nothing of a task
that was cancelled before it began, and forgets others some minutes after their end."""

WAITING = frozenset(
    {"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT", "RESV_DEL_HOLD"}
)
AT_WORK = frozenset({"RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "RESIZING", "SIGNALING", "STAGE_OUT"})
"""Its processes may be there."""
TAKEN_AWAY = frozenset({"PREEMPTED", "NODE_FAIL", "BOOT_FAIL"})
OUT_OF_TIME = frozenset({"TIMEOUT", "DEADLINE"})


class Told(Enum):
    """What the journal tells of an attempt."""

    NOTHING = "nothing"
    BEGUN = "begun"
    SAVED = "saved"
    """Begun, and it came further: it left a checkpoint."""
    FINISHED = "finished"
    STOPPED = "stopped"
    PREEMPTED = "preempted"
    FAILED = "failed"

    @property
    def is_end(self) -> bool:
        return self in (Told.FINISHED, Told.STOPPED, Told.PREEMPTED, Told.FAILED)


class Deed(Enum):
    """What is done about an attempt."""

    WAIT = "wait"
    """It is in SLURM's queue."""
    WATCH = "watch"
    """Its processes may be there."""
    CLOSE = "close"
    """The trainer said how it ended, and that stands."""
    REQUEUE = "requeue"
    """It was taken away: submit it again."""
    TAKE_BACK = "take back"
    """SLURM queued it again by itself: cancel that job, then submit the run as a new attempt."""
    FAIL = "fail"
    CANCELLED = "cancelled"
    LOOK = "look"
    """It ended without a word: the log says why, perhaps."""


@dataclass(frozen=True)
class Verdict:
    deed: Deed
    sentence: str = ""
    kind: FailureKind = "lost"


def decide(sight: JobSight, told: Told) -> Verdict:
    """Pure: a row of the table."""
    state, name = sight.state, f"SLURM's job {sight.job}"
    if state in WAITING:
        return _waiting(state, told, name)
    if state in AT_WORK:
        return Verdict(Deed.WATCH)
    if told.is_end:
        return Verdict(Deed.CLOSE)
    if state in TAKEN_AWAY:
        return Verdict(Deed.REQUEUE, _taken_away(state, sight, name))
    if state in OUT_OF_TIME:
        return _out_of_time(state, told, name)
    if state == "OUT_OF_MEMORY":
        sentence = (
            f"{name} used more memory than it had: raise the profile's memory, or take a smaller batch."
        )
        return Verdict(Deed.FAIL, sentence, "out_of_memory")
    if state == "CANCELLED":
        return Verdict(Deed.CANCELLED, f"{name} was cancelled in SLURM{_because(sight)}.")
    if state == VANISHED:
        return Verdict(Deed.LOOK, f"SLURM does not know job {sight.job} any more.")
    if state == "FAILED" and sight.exit_code == STARTED_TWICE:
        return Verdict(Deed.REQUEUE, f"SLURM started its job {sight.job} a second time by itself.")
    return Verdict(Deed.LOOK, f"{name} ended {state}{_exit_words(sight)}.")


def _waiting(state: str, told: Told, name: str) -> Verdict:
    if told is Told.NOTHING and state in ("PENDING", "CONFIGURING"):
        return Verdict(Deed.WAIT)
    return Verdict(Deed.TAKE_BACK, f"{name} was put back into SLURM's queue by SLURM.")


def _out_of_time(state: str, told: Told, name: str) -> Verdict:
    limit = "time limit" if state == "TIMEOUT" else "deadline"
    if told is Told.SAVED:
        return Verdict(Deed.REQUEUE, f"{name} came to its {limit} before it had left.")
    sentence = (
        f"{name} came to its {limit} before anything was saved: raise the profile's time limit or warning."
    )
    return Verdict(Deed.FAIL, sentence, "timeout")


def _taken_away(state: str, sight: JobSight, name: str) -> str:
    if state == "PREEMPTED":
        return f"{name} made room for another."
    where = f" ({sight.nodes})" if sight.nodes else ""
    return (
        f"A node of {name} failed{where}."
        if state == "NODE_FAIL"
        else f"A node for {name} did not start{where}."
    )


def _because(sight: JobSight) -> str:
    return f" ({sight.reason})" if sight.reason else ""


def _exit_words(sight: JobSight) -> str:
    if sight.exit_signal:
        return f" by signal {sight.exit_signal}"
    return f" with exit status {sight.exit_code}" if sight.exit_code else ""


def told_by(events: Iterable[Mapping[str, Any]], attempt: int) -> Told:
    """What the journal tells of one attempt, from its lines."""
    told = Told.NOTHING
    for event in events:
        if event.get("attempt") != attempt:
            continue
        if event.get("event") == "end":
            return _ended(str(event.get("status")))
        if event.get("event") == "checkpoint" and event.get("kind") != "initial":
            told = Told.SAVED
        elif told is Told.NOTHING:
            told = Told.BEGUN
    return told


def _ended(status: str) -> Told:
    return Told(status) if status in ("finished", "stopped", "preempted") else Told.FAILED
