"""Looks at this host's runs: what they wrote, whether they are there, and whether they left when asked.

This is a thread of the worker and no Celery beat: a beat's message reaches one host, while each host must
look at its own processes; and the curves go on while the broker is away.
"""

import logging
import math
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import Enum
from functools import partial

import psutil

from backend.db import now
from backend.runs.claims import give_back, mark_gone
from backend.runs.life import STARTING, STOPPING, RunState
from backend.runs.watched import Watched, watched
from worker.causes import Cause, cause_of, tail_of
from worker.clock import failure_of
from worker.journal import drain, drain_together
from worker.launchers import Exit, Handle, Sighting
from worker.place import Workplace
from worker.runs import ask_to_stop, find

log = logging.getLogger(__name__)

TEARDOWN_S = 15.0
"""How long processes may stay after their end line, or after their main process."""
KILL_AFTER_S = 10.0
"""From the polite signal to the one that nothing survives."""
SILENT_START_S = 1800.0
"""How long a started run may take to its first journal line."""


def gap_s(num_runs: int) -> float:
    """Pure. Between looks at many runs: what they write costs little only when it is read in larger pieces.

    A page still shows a line within 1.5 s.
    """
    return min(max(num_runs - 25, 0) * 0.012, 0.9)


class Pressure(Enum):
    """What is done to processes that are there."""

    NONE = "none"
    ASK = "ask"
    END = "end"


def pressure_on(*, state: RunState, state_for_s: float, over_for_s: float | None, grace_s: float) -> Pressure:
    """Pure. ``over_for_s`` is how long ago they said that they were done, None if they did not."""
    if over_for_s is not None and over_for_s > TEARDOWN_S:
        return Pressure.END
    if state is STOPPING and state_for_s > grace_s + KILL_AFTER_S:
        return Pressure.END
    if state is STOPPING and state_for_s > grace_s:
        return Pressure.ASK
    if state is STARTING and state_for_s > SILENT_START_S:
        return Pressure.END
    return Pressure.NONE


def state_of(row: Watched) -> RunState:
    """One that makes room is pressed to leave as one is that was told to stop."""
    return row.state if row.leaves_since is None else STOPPING


@dataclass
class Waits:
    """How long a run has been in its state: since the record's moment, or since it was first seen so here.

    The longer of both: a clock that was put back must not let a run that hangs hold its devices.
    """

    first_seen: dict[tuple[int, int, RunState], float] = field(default_factory=dict)

    def so_far_s(self, row: Watched) -> float:
        moment = time.monotonic()
        since = self.first_seen.setdefault((row.run_id, row.attempt, state_of(row)), moment)
        return max((now() - (row.leaves_since or row.state_since)).total_seconds(), moment - since)

    def forget(self, present: Collection[Watched]) -> None:
        """Keep only what is there now."""
        keys = {(row.run_id, row.attempt, state_of(row)) for row in present}
        self.first_seen = {key: since for key, since in self.first_seen.items() if key in keys}


@dataclass
class Watch:
    """One host's watch. What it remembers between looks only spares work; rows and files are the truth."""

    place: Workplace
    asked: set[Handle] = field(default_factory=set)
    over_since: dict[Handle, float] = field(default_factory=dict)
    looked_at: float = -math.inf
    gap_s: float = 0.0
    waits: Waits = field(default_factory=Waits)
    told: dict[int, str] = field(default_factory=dict)
    """What was last said of a run that cannot be looked at."""

    def look(self) -> None:
        """One look at every run of this host. What fails for one run stops none of the others."""
        if time.monotonic() - self.looked_at < self.gap_s:
            return
        with self.place.looks.begin() as db:
            rows = [row for row in watched(db, host=self.place.host) if row.profile_id is None]
        self.looked_at, self.gap_s = time.monotonic(), gap_s(len(rows))
        started = [row for row in rows if row.handle is not None]
        current = drain_together(self.place, [row for row in started if row.run_id not in self.told])
        for row in started:
            self._say(row, failure_of(partial(self._look_at, row, is_current=row.run_id in current)))
        self._forget(rows)

    def _look_at(self, row: Watched, *, is_current: bool) -> None:
        handle = Handle(str(row.handle))
        # Seen first, read second: what a process wrote before it went is then in what we read.
        sighting = self.place.launcher.observe(handle)
        is_there = sighting is not Sighting.GONE
        ended_at = None if is_there and is_current else drain(self.place, row, hold_end=is_there)
        if is_there:
            has_left = ended_at is not None or sighting is Sighting.LEFT_BEHIND
            self._press(self._after_what_it_wrote(row), handle, has_left=has_left)
        elif ended_at is None:
            self._lost(row)

    def _after_what_it_wrote(self, row: Watched) -> Watched:
        """Its first line came with this look: it has not been silent, however long nobody looked."""
        if row.state is not STARTING:
            return row
        with self.place.looks.begin() as db:
            read = find(db, row.run_id)
        return read if read is not None and read.attempt == row.attempt else row

    def conclude(self, row: Watched) -> None:
        """What became of an attempt whose processes are gone: its own word, or what can be told without it."""
        if drain(self.place, row, hold_end=False) is None:
            self._lost(row)

    def _press(self, row: Watched, handle: Handle, *, has_left: bool) -> None:
        if row.leaves_since is not None:
            ask_to_stop(self.place, row)  # its nudge may have been lost
        pressure = pressure_on(
            state=state_of(row),
            state_for_s=self.waits.so_far_s(row),
            over_for_s=self._over_for_s(row, handle, has_left=has_left),
            grace_s=self.place.settings.stop_grace_s,
        )
        if pressure is Pressure.ASK and handle not in self.asked:
            log.warning("run %d did not leave in time: its processes get SIGTERM", row.run_id)
            self.asked.add(handle)
            self.place.launcher.ask_to_leave(handle)
        elif pressure is Pressure.END:
            log.warning("run %d: what is left of its processes is ended", row.run_id)
            self.place.launcher.end(handle)

    def _over_for_s(self, row: Watched, handle: Handle, *, has_left: bool) -> float | None:
        """Seconds since an end line, or since the main process went and left others behind."""
        if not has_left and self._exit_of(row) is None:
            return None
        return time.monotonic() - self.over_since.setdefault(handle, time.monotonic())

    def _lost(self, row: Watched) -> None:
        cause = self.cause(row)
        log.warning("run %d attempt %d went without an end line: %s", row.run_id, row.attempt, cause.sentence)
        own = {"run_id": row.run_id, "attempt": row.attempt}
        with self.place.sessions.begin() as db:
            if row.makes_room_since is not None:
                give_back(db, **own, sentence=f"It was to make room. {cause.sentence}")
            else:
                mark_gone(db, **own, kind=cause.kind, sentence=cause.sentence)

    def cause(self, row: Watched) -> Cause:
        """Why the processes went, as far as can be told."""
        if row.leaves_since is not None:
            grace_s = self.place.settings.stop_grace_s
            if self.waits.so_far_s(row) > grace_s:
                return Cause("lost", f"It did not leave within {grace_s:.0f} s of the stop, so it was ended.")
        exit = self._exit_of(row)
        restarted = exit is None and psutil.boot_time() > row.began_at.timestamp()
        tail = tail_of(self.place.folder(row.run_id).log_file)
        return cause_of(exit, tail, host_restarted=restarted, rules=self.place.settings.retry_rules)

    def _say(self, row: Watched, failure: Exception | None) -> None:
        """A run that cannot be looked at is said when it begins, not three times a second."""
        if failure is None:
            self.told.pop(row.run_id, None)
        elif self.told.get(row.run_id) != repr(failure):
            self.told[row.run_id] = repr(failure)
            log.error("run %d could not be looked at", row.run_id, exc_info=failure)

    def _exit_of(self, row: Watched) -> Exit | None:
        return self.place.launcher.exit_of(self.place.folder(row.run_id).path, attempt=row.attempt)

    def _forget(self, rows: Collection[Watched]) -> None:
        self.waits.forget(rows)
        present = {Handle(row.handle) for row in rows if row.handle is not None}
        self.asked &= present
        self.over_since = {handle: since for handle, since in self.over_since.items() if handle in present}
