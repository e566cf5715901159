"""What stands in the record between two transactions, read without the code that is tested."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Engine

from backend.runs.life import HOLDING, PREEMPTED, QUEUED

Name = tuple[int, int]
"""Run and attempt."""
Whose = tuple[str, int | None]
"""user or experiment, and its number."""
NO_LIMIT = (float("inf"), float("inf"))


class SeenRun(NamedTuple):
    id: int
    state: str
    attempt: int
    devices: int
    owner_id: int | None
    experiment_id: int
    priority: int
    turn: str | None
    reserved_host_id: int | None
    expected_s: float | None
    labels: str
    excluded: str
    state_since: str
    makes_room_since: str | None

    @property
    def owners(self) -> tuple[Whose, Whose]:
        return ("user", self.owner_id), ("experiment", self.experiment_id)

    @property
    def holds(self) -> bool:
        return self.state in HOLDING

    @property
    def waits(self) -> bool:
        """It has not come to its end."""
        return self.holds or self.state in (QUEUED, PREEMPTED)

    @property
    def leaves_since(self) -> datetime | None:
        """Since when it is to leave, or to write its first line."""
        since = self.state_since if self.state in ("stopping", "starting") else self.makes_room_since
        return None if since is None else datetime.fromisoformat(since).replace(tzinfo=UTC)


class SeenAttempt(NamedTuple):
    run_id: int
    number: int
    host: str
    ended_at: str | None
    outcome: str | None
    sentence: str | None


@dataclass(frozen=True)
class Sight:
    """The record between two transactions."""

    runs: Mapping[int, SeenRun]
    attempts: Mapping[Name, SeenAttempt]
    leases: Mapping[Name, int]
    limits: Mapping[Whose, tuple[float, float]]
    """Runs and devices."""
    hosts: Mapping[int, str]
    free: Mapping[int, int]
    """Devices of a host that nobody holds."""

    def next_in_line(self) -> SeenRun | None:
        waiting = [run for run in self.runs.values() if run.state == QUEUED]
        return min(waiting, key=lambda run: (-run.priority, run.turn or "", run.id), default=None)

    def held_by(self, whose: Whose) -> tuple[int, int]:
        """Runs and devices that count against a limit."""
        held = [run for run in self.runs.values() if run.holds and whose in run.owners]
        return len(held), sum(run.devices for run in held)


class Eyes:
    """A connection of its own: nobody dies or sleeps while it looks."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._connection = engine.raw_connection()
        self._version = -1
        self._sight: Sight | None = None

    def close(self) -> None:
        self._connection.close()
        self.engine.dispose()

    def see(self) -> Sight:
        """The same as before when nobody committed anything since."""
        ((version,),) = self._read("PRAGMA data_version")
        if self._sight is None or version != self._version:
            self._version, self._sight = version, self._look()
        return self._sight

    def _look(self) -> Sight:
        runs = [SeenRun(*row) for row in self._read(f"SELECT {', '.join(SeenRun._fields)} FROM runs")]
        attempts = [
            SeenAttempt(*row) for row in self._read(f"SELECT {', '.join(SeenAttempt._fields)} FROM attempts")
        ]
        devices = self._read("SELECT host_id, run_id, attempt FROM devices")
        limits = self._read("SELECT user_id, experiment_id, runs, devices FROM limits")
        return Sight(
            runs={run.id: run for run in runs},
            attempts={(row.run_id, row.number): row for row in attempts},
            leases=Counter((run_id, attempt) for _, run_id, attempt in devices if run_id is not None),
            limits={
                ("user", user) if user else ("experiment", experiment): (
                    NO_LIMIT[0] if of_runs is None else of_runs,
                    NO_LIMIT[1] if of_devices is None else of_devices,
                )
                for user, experiment, of_runs, of_devices in limits
            },
            hosts=dict(self._read("SELECT id, name FROM hosts")),
            free=Counter(host_id for host_id, run_id, _ in devices if run_id is None),
        )

    def _read(self, text: str) -> list[Any]:
        cursor = self._connection.cursor()
        try:
            cursor.execute(text)
            return list(cursor.fetchall())
        finally:
            cursor.close()


def words(text: str) -> list[str]:
    """A column that holds a list."""
    found: list[str] = json.loads(text)
    return found
