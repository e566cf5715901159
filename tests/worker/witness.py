"""Somebody who saw what happened, and holds it against what the record says; asks nothing of what is tested."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.db import now
from backend.metrics.tables import Point, Series
from backend.runs.life import STARTING, STOPPED
from sce.rundir import RunDir
from tests.worker.sight import Eyes, Name, SeenAttempt
from worker.launchers import Handle
from worker.launchers.fake import FakeLauncher

GIVEN_UP = "Its host"
"""How the sentence begins with which the runs of a host that went away are given up: they may still be there."""


def name_of(handle: Handle) -> Name:
    folder, _, number = handle.rpartition("#")
    return int(Path(folder).name), int(number)


def folder_of(handle: Handle) -> RunDir:
    return RunDir(Path(handle.rpartition("#")[0]))


@dataclass
class Witness:
    """Saw every line that was written, and every process."""

    eyes: Eyes
    launchers: Mapping[str, FakeLauncher]
    runs_dir: Path
    grace: timedelta
    """How long whoever is told to leave has to save."""
    steps: dict[Name, set[int]] = field(default_factory=lambda: defaultdict(set))
    """Written while their attempt was open: the record must hold these."""
    late_steps: dict[Name, set[int]] = field(default_factory=lambda: defaultdict(set))
    """Written after it was closed, before a newer one began: the record may hold these."""
    saved: Counter[int] = field(default_factory=Counter)
    """Step of a run's newest checkpoint."""
    began: Counter[int] = field(default_factory=Counter)
    """The newest attempt of a run that wrote its first line."""
    newest: Counter[int] = field(default_factory=Counter)
    """The newest attempt that a run's folder ever belonged to."""
    ends: dict[Name, str] = field(default_factory=dict)
    wanted: set[Name] = field(default_factory=set)
    """Open when their processes were started: not taken back while their worker slept."""
    excused: set[Name] = field(default_factory=set)
    """Started too late by somebody who died or fell asleep before he could end them: there until the next sweep."""
    may_be_given_up: bool = False
    """Somebody set the clock, or a host was cut off for long: its runs may have been given up since."""
    jumped_at: datetime = field(default_factory=now)
    """What the clock said when somebody had set it: of what began before, nobody knows how long it lasts."""
    wronged: list[str] = field(default_factory=list)

    def saw_start(self, handle: Handle) -> None:
        name = name_of(handle)
        if self.attempts()[name].ended_at is None:
            self.wanted.add(name)

    def saw_end(self, handle: Handle) -> None:
        """Processes that are there are ended for an attempt that is open, or whose host was given up."""
        name = name_of(handle)
        row = self.attempts()[name]
        if name in self.wanted and not self.may_be_there(name, row):
            self.wronged.append(f"{name} was at work, closed as {row.outcome} and ended: {row.sentence}")
        if row.ended_at is None and name not in self.ends:
            self._saw_force(handle, name)

    def _saw_force(self, handle: Handle, name: Name) -> None:
        """Whoever has to leave is asked, and has time to save."""
        run, moment = self.eyes.see().runs[name[0]], now()
        since = run.leaves_since
        if since is None:
            self.wronged.append(f"{name} is {run.state}, and was ended")
        elif run.state != STARTING and folder_of(handle).stop_requested() is None:
            self.wronged.append(f"{name} was ended, and nobody had asked it to leave")
        elif self.jumped_at <= since <= moment and moment - since < self.grace:
            self.wronged.append(f"{name} was ended without time to save, {run.state} since {since}")

    def saw(self, folder: RunDir, attempt: int, event: Any) -> None:
        run_id = int(folder.path.name)
        name = run_id, attempt
        known = self.attempts().get(name)
        is_open = known is not None and known.ended_at is None
        match event["event"]:
            case "metrics" if is_open:
                self.steps[name].add(event["step"])
            case "metrics" if self.began[run_id] <= attempt:
                self.late_steps[name].add(event["step"])
            case "start":
                self.began[run_id] = max(self.began[run_id], attempt)
                if event["step"] != self.saved[run_id]:
                    self.wronged.append(f"{name} went on from {event['step']}, not {self.saved[run_id]}")
            case "checkpoint":
                self.saved[run_id] = event["step"]
            case "end" if is_open:
                self.ends[name] = event["status"]

    def may_be_there(self, name: Name, row: SeenAttempt) -> bool:
        """Whether the attempt may have processes, by the record. A host that was given up may have those of one
        that said its end, and stays."""
        was_given_up = self.may_be_given_up and self.ends.get(name) == row.outcome
        return row.ended_at is None or str(row.sentence).startswith(GIVEN_UP) or was_given_up

    def excuse(self) -> None:
        """Somebody died, slept or lost the database before he could end what he started too late."""
        self.excused |= {name for name in self.present() if name not in self.wanted}

    def swept(self, host: str) -> None:
        self.excused -= {name_of(handle) for handle in self.launchers[host].alive}

    def attempts(self) -> Mapping[Name, SeenAttempt]:
        return self.eyes.see().attempts

    def present(self) -> list[Name]:
        """Whose processes are there, on any host."""
        return [name_of(handle) for one in self.launchers.values() for handle in sorted(one.alive)]

    def recorded(self) -> dict[Name, set[int]]:
        found: dict[Name, set[int]] = defaultdict(set)
        asked = (
            select(Series.run_id, Point.attempt, Point.step).join(Series).where(Series.key == "train/loss")
        )
        with Session(self.eyes.engine) as db:
            for run_id, attempt, step in db.execute(asked):
                found[run_id, attempt].add(step)
        return found

    def check_always(self) -> None:
        """Nobody's attempt is closed while its processes are there: they would train for nothing, or twice."""
        assert not self.wronged, self.wronged
        attempts = self.attempts()
        for name in self.present():
            row = attempts[name]
            assert name in self.excused or self.may_be_there(name, row), (
                f"{name} is there and was closed as {row.outcome}: {row.sentence}"
            )
        self._check_folders(attempts)

    def _check_folders(self, attempts: Mapping[Name, SeenAttempt]) -> None:
        """A run's folder is never taken from it, nor given back to an older attempt."""
        aside = [file.name for file in self.runs_dir.glob("*.found-*")]
        assert not aside, f"{aside} were taken from their runs"
        for run_id in {run_id for run_id, _ in attempts}:
            number = RunDir(self.runs_dir / str(run_id)).attempt()
            assert number >= self.newest[run_id], f"the folder of {run_id} went back to attempt {number}"
            self.newest[run_id] = number

    def check_in_peace(self) -> None:
        """What is open is there, what is there is open, and the record tells what was written."""
        attempts = self.attempts()
        present, open_ones = self.present(), {name for name, row in attempts.items() if row.ended_at is None}
        assert len(present) == len(set(present)), "an attempt has processes on two hosts"
        assert set(present) == open_ones
        self._check_runs(open_ones, attempts)
        self._check_points(attempts)
        for name, row in attempts.items():
            if row.ended_at is None or str(row.sentence).startswith(GIVEN_UP):
                continue
            said = self.ends.get(name)
            assert said in (None, row.outcome), f"{name} said that it {said} and was closed as {row.outcome}"
            assert row.outcome != "finished" or said == "finished", f"{name} never said that it finished"

    def _check_runs(self, open_ones: set[Name], attempts: Mapping[Name, SeenAttempt]) -> None:
        """A run under way has the one open attempt; one that made room goes on, unless it was told to stop."""
        runs = self.eyes.see().runs.values()
        assert open_ones == {(run.id, run.attempt) for run in runs if run.holds}
        for run in runs:
            last = attempts.get((run.id, run.attempt))
            if last is not None and last.outcome == "preempted":
                assert run.state in ("queued", STOPPED), f"run {run.id} made room and is {run.state}"

    def _check_points(self, attempts: Mapping[Name, SeenAttempt]) -> None:
        recorded = self.recorded()
        for name in {*recorded, *self.steps}:
            strange = recorded[name] - self.steps[name] - self.late_steps[name]
            assert not strange, f"{name} wrote {strange} never, or when a newer attempt was at work"
            if not str(attempts[name].sentence).startswith(GIVEN_UP):
                lost = self.steps[name] - recorded[name]
                assert not lost, f"{name} wrote {lost}, which the record does not hold"
