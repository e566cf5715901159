"""What the trainer wrote becomes rows, whole and once: the byte offset commits with them.

The journal is another process's word. A line of an older attempt is fenced out, a line this version does
not know or cannot read becomes a note on the attempt; neither is ever a crash.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from sqlalchemy.orm import Session

from backend.checkpoints.registry import mark_removed, register_checkpoint
from backend.evaluations.planned import launch_planned
from backend.metrics.points import NewPoint, finite
from backend.metrics.store import MAX_KEY, add_points_of_runs
from backend.nudge import nudge
from backend.runs.claims import attempt_of, close_attempt, last_begun, lock_free_runs, lock_run
from backend.runs.life import (
    FAILED,
    FINISHED,
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

log = logging.getLogger(__name__)

Line = tuple[Mapping[str, Any], int]
MAX_NOTES = 200
FAILURE_KINDS: frozenset[FailureKind] = frozenset(
    {"user_error", "out_of_memory", "timeout", "infrastructure", "lost"}
)


PLAIN = frozenset({"metrics", "progress"})
"""Lines that change nothing but how far a run has come."""


def ingest(db: Session, *, run_id: int, lines: Sequence[Line]) -> None:
    """Apply journal lines, each with the offset just after it; those already applied are stepped over."""
    _apply(db, [(lock_run(db, run_id), lines)])


def ingest_plain(db: Session, lines: Mapping[int, Sequence[Line]]) -> None:
    """Apply plain lines of several runs in one transaction, which costs little more than one run's alone.

    Runs whose rows another writer holds are left out, so that nobody waits for us who has what we wait for.
    """
    runs = lock_free_runs(db, lines)
    _apply(db, [(run, lines[run.id]) for run in runs])


def _apply(db: Session, came: Sequence[tuple[Run, Sequence[Line]]]) -> None:
    read = [reader for run, lines in came if (reader := _read(db, run, lines)) is not None]
    add_points_of_runs(db, {reader.run.id: reader.points for reader in read})
    for reader in read:
        reader.close()
    db.flush()


def _read(db: Session, run: Run, lines: Sequence[Line]) -> "_Reader | None":
    """What new lines say, None when all of them were applied before."""
    new = [(event, end) for event, end in lines if end > run.journal_offset]
    if not new:
        return None
    reader = _Reader(db, run)
    for event, _ in new:
        reader.read(event)
    run.journal_offset = new[-1][1]
    return reader


class _Reader:
    """One batch of one run's lines. Points are gathered, to be written once, at its end."""

    def __init__(self, db: Session, run: Run) -> None:
        self.db = db
        self.run = run
        self.points: list[NewPoint] = []
        self.summary = dict(run.summary)
        self.fenced: dict[int, int] = {}
        self.apply: dict[str, Callable[[Mapping[str, Any]], None]] = {
            "start": self._start,
            "metrics": self._metrics,
            "progress": self._progress,
            "checkpoint": self._checkpoint,
            "removed": self._removed,
            "result": self._result,
            "note": self._note,
            "end": self._end,
            "torn": self._torn,
        }

    @cached_property
    def attempt(self) -> Attempt | None:
        """The newest one. Most lines need nothing of it."""
        return attempt_of(self.db, self.run.id, self.run.attempt)

    def close(self) -> None:
        """What is said once for all lines; their points are in the database."""
        tell(self.db, "run", self.run.id)
        if self.points:
            tell(self.db, "metrics", self.run.id)
        self.run.summary = self.summary
        for number, count in self.fenced.items():
            _note_on(
                attempt_of(self.db, self.run.id, number),
                f"{count} journal lines that came after attempt {self.run.attempt} took over were left out.",
            )

    def read(self, event: Mapping[str, Any]) -> None:
        name, number = str(event.get("event")), event.get("attempt", self.run.attempt)
        if number != self.run.attempt:
            if not (name == "metrics" and self._came_before_the_next_began(number)):
                self.fenced[number] = self.fenced.get(number, 0) + 1
                return
            apply: Callable[[Mapping[str, Any]], object] | None = self._points
        else:
            apply = self.apply.get(name)
        if apply is None:
            self._say(f"The journal holds a line of a kind that this version does not know: {name[:40]!r}.")
            return
        try:
            apply(event)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            # The line is malformed: another version wrote it, or a disk spoiled it.
            self._say(f"A {name} line of the journal could not be read ({type(error).__name__}: {error}).")

    def _say(self, text: str) -> None:
        log.info("run %s attempt %s: %s", self.run.id, self.run.attempt, text)
        _note_on(self.attempt, text)

    def _start(self, event: Mapping[str, Any]) -> None:
        run, step, steps = self.run, int(event["step"]), int(event["steps"])
        if self.attempt is not None:
            self.attempt.start_step = step
            self.attempt.device = str(event["device"])[:128]
            self.attempt.world_size = int(event["world_size"])
            self.attempt.versions = {str(name): str(version) for name, version in event["versions"].items()}
        run.step, run.steps, run.epochs = step, steps, int(event["epochs"])
        run.progress = step / steps if steps else 0.0
        if run.state == STARTING:
            move(self.db, run, RUNNING, detail={"resumed_from": event.get("resumed_from")})

    def _came_before_the_next_began(self, number: int) -> bool:
        """Whether an attempt trained these steps before any later one went on from what it had saved.

        A job that is taken back writes on until its processes are ended.
        """
        return number < self.run.attempt and last_begun(self.db, self.run.id) <= number

    def _points(self, event: Mapping[str, Any]) -> dict[str, float]:
        """What an attempt measured, under its own number."""
        step, epoch, time = int(event["step"]), _number(event["epoch"]), _number(event["time"])
        number = int(event.get("attempt", self.run.attempt))
        values = _values(event)
        self.points += [NewPoint(key, step, epoch, time, value, number) for key, value in values.items()]
        return values

    def _metrics(self, event: Mapping[str, Any]) -> None:
        self._summarise(self._points(event))
        step = int(event["step"])
        self.run.step, self.run.epoch = step, float(event["epoch"])
        if self.run.steps:
            self.run.progress = min(step / self.run.steps, 1.0)

    def _progress(self, event: Mapping[str, Any]) -> None:
        done, total = int(event["done"]), int(event["total"])
        eta_s = event["eta_s"]
        self.run.phase = str(event["phase"])[:64]
        self.run.progress = min(done / total, 1.0) if total > 0 else 0.0
        self.run.eta_s = None if eta_s is None else finite(float(eta_s))

    def _checkpoint(self, event: Mapping[str, Any]) -> None:
        checkpoint = register_checkpoint(self.db, run_id=self.run.id, attempt=self.run.attempt, event=event)
        if checkpoint.step > 0:
            self.run.retries = 0  # it came further than the last time
        tell(self.db, "checkpoint", self.run.id)
        launch_planned(self.db, run=self.run, checkpoint=checkpoint)

    def _removed(self, event: Mapping[str, Any]) -> None:
        mark_removed(self.db, run_id=self.run.id, path=str(event["path"]))
        tell(self.db, "checkpoint", self.run.id)

    def _result(self, event: Mapping[str, Any]) -> None:
        protocol = dict(event["protocol"])
        self._summarise(_values(event))
        self.run.protocol = protocol
        if self.run.parent_id is not None:
            tell(self.db, "checkpoint", self.run.parent_id)

    def _summarise(self, values: Mapping[str, float]) -> None:
        """The latest value of each metric; one that is no number is not shown as an older one."""
        for key, value in values.items():
            if (number := finite(value)) is None:
                self.summary.pop(key, None)
            else:
                self.summary[key] = number

    def _note(self, event: Mapping[str, Any]) -> None:
        self._say(str(event["text"])[:1000])

    def _torn(self, _: Mapping[str, Any]) -> None:
        self._say("A line of the journal was torn by a kill; what it said is lost.")

    def _end(self, event: Mapping[str, Any]) -> None:
        status, sentence = str(event["status"]), event.get("sentence")
        ends = {"finished": FINISHED, "stopped": STOPPED, "preempted": PREEMPTED, "failed": FAILED}
        to = ends[status]
        if to is PREEMPTED and self.run.state == STOPPING:
            to = STOPPED  # it was told to make room while its owner told it to stop
        try:
            self._become(to, event)
        except IllegalMove:
            self._say(f"It ended {status} after it was already {self.run.state}.")
            return
        close_attempt(self.db, self.run, status, None if sentence is None else str(sentence)[:4000])
        if to is PREEMPTED:
            move(self.db, self.run, QUEUED, verb="requeued", detail={"because": self._who_took_its_place()})
            nudge(self.db, "worker.start_runs")
        if self.run.parent_id is not None:
            tell(self.db, "checkpoint", self.run.parent_id)

    def _who_took_its_place(self) -> str:
        other = self.run.makes_room_for_id
        return "It was preempted." if other is None else f"It made room for run {other}."

    def _become(self, to: RunState, event: Mapping[str, Any]) -> None:
        if self.run.state == STARTING:  # its start line was torn
            move(self.db, self.run, RUNNING)
        if to is not FAILED:
            move(self.db, self.run, to)
            return
        kind = event.get("kind")
        known: FailureKind = kind if kind in FAILURE_KINDS else "infrastructure"
        sentence = str(event.get("sentence") or "The trainer gave no reason.")[:4000]
        move(self.db, self.run, FAILED, why=Why(known, sentence))


def _values(event: Mapping[str, Any]) -> dict[str, float]:
    return {str(key)[:MAX_KEY]: float(value) for key, value in event["values"].items()}


def _number(value: object) -> float:
    """Of a moment or an epoch; raises ``ValueError`` for one that is none."""
    if not isinstance(value, int | float) or finite(value) is None:
        raise ValueError(f"{value!r} is no number")
    return float(value)


def _note_on(attempt: Attempt | None, text: str) -> None:
    if attempt is not None and text not in attempt.notes and len(attempt.notes) < MAX_NOTES:
        attempt.notes = [*attempt.notes, text]
