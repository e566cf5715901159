"""Somebody who saw what happened, and holds it against what the record says; asks nothing of what is tested."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from backend.compute.tables import Device
from backend.metrics.tables import Point, Series
from backend.runs.life import HOLDING
from backend.runs.tables import Attempt, Run
from sce.rundir import RunDir
from worker.launchers import Handle
from worker.launchers.fake import FakeLauncher
from worker.place import Workplace

Name = tuple[int, int]
"""Run and attempt."""
GIVEN_UP = "Its host"
"""How the sentence begins with which the runs of a host that went away are given up: they may still be there."""


def name_of(handle: Handle) -> Name:
    folder, _, number = handle.rpartition("#")
    return int(Path(folder).name), int(number)


@dataclass
class Witness:
    """Saw every line that was written, and every process."""

    place: Workplace
    launchers: Mapping[str, FakeLauncher]
    steps: dict[Name, set[int]] = field(default_factory=lambda: defaultdict(set))
    """Written while their attempt was open: the record must hold these, and no others."""
    ends: dict[Name, str] = field(default_factory=dict)
    wanted: set[Name] = field(default_factory=set)
    """Open when their processes were started: not taken back while their worker slept."""
    has_jumped: bool = False
    """Somebody set the clock: a host may have been given up since."""
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

    def saw(self, folder: RunDir, attempt: int, event: Any) -> None:
        name = (int(folder.path.name), attempt)
        known = self.attempts().get(name)
        if known is None or known.ended_at is not None:
            return
        if event["event"] == "metrics":
            self.steps[name].add(event["step"])
        elif event["event"] == "end":
            self.ends[name] = event["status"]

    def may_be_there(self, name: Name, row: Attempt) -> bool:
        """Whether the attempt may have processes, by the record. A host that was given up may have those of one
        that said its end, and stays."""
        was_given_up = self.has_jumped and self.ends.get(name) == row.outcome
        return row.ended_at is None or str(row.sentence).startswith(GIVEN_UP) or was_given_up

    def attempts(self) -> dict[Name, Attempt]:
        with self.place.looks.begin() as db:
            return {(row.run_id, row.number): row for row in db.scalars(select(Attempt))}

    def present(self) -> list[Name]:
        """Whose processes are there, on any host."""
        return [name_of(handle) for one in self.launchers.values() for handle in sorted(one.alive)]

    def recorded(self) -> dict[Name, set[int]]:
        found: dict[Name, set[int]] = defaultdict(set)
        asked = (
            select(Series.run_id, Point.attempt, Point.step).join(Series).where(Series.key == "train/loss")
        )
        with self.place.looks.begin() as db:
            for run_id, attempt, step in db.execute(asked):
                found[run_id, attempt].add(step)
        return found

    def check_always(self) -> None:
        """Nobody's attempt is closed while its processes are there: they would train for nothing, or twice."""
        assert self.wronged == []
        attempts = self.attempts()
        for name in self.present():
            row = attempts[name]
            assert self.may_be_there(name, row), (
                f"{name} is there and was closed as {row.outcome}: {row.sentence}"
            )

    def check_in_peace(self) -> None:
        """What is open is there, what is there is open, and the record tells what was written."""
        attempts = self.attempts()
        present, open_ones = self.present(), {name for name, row in attempts.items() if row.ended_at is None}
        assert len(present) == len(set(present)), "an attempt has processes on two hosts"
        assert set(present) == open_ones
        self._check_runs(open_ones)
        self._check_points(attempts)
        for name, row in attempts.items():
            if row.ended_at is None or str(row.sentence).startswith(GIVEN_UP):
                continue
            said = self.ends.get(name)
            assert said in (None, row.outcome), f"{name} said that it {said} and was closed as {row.outcome}"
            assert row.outcome != "finished" or said == "finished", f"{name} never said that it finished"

    def _check_runs(self, open_ones: set[Name]) -> None:
        """A run under way has the one open attempt, and as many devices as it asked for; others have none."""
        leases = select(Device.run_id, func.count()).where(Device.run_id.is_not(None)).group_by(Device.run_id)
        with self.place.looks.begin() as db:
            held = dict(db.execute(leases).all())
            runs = db.scalars(select(Run).where(Run.state.in_(HOLDING))).all()
        assert held == {run.id: run.devices for run in runs}
        assert open_ones == {(run.id, run.attempt) for run in runs}

    def _check_points(self, attempts: Mapping[Name, Attempt]) -> None:
        recorded = self.recorded()
        for name in {*recorded, *self.steps}:
            strange = recorded[name] - self.steps[name]
            assert not strange, f"{name} never wrote {strange}"
            if not str(attempts[name].sentence).startswith(GIVEN_UP):
                lost = self.steps[name] - recorded[name]
                assert not lost, f"{name} wrote {lost}, which the record does not hold"
