"""Prepares data sets, each in a process of its own that may take hours: ``python -m worker.prepare_one NUMBER``.

It holds a lock for as long as it lives; whoever finds a preparation marked as running with a free lock puts it back,
and it goes on where it was.
"""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session, sessionmaker

from backend.datasets import preparation
from backend.datasets.tables import Preparation
from backend.db import open_engine, open_sessions
from backend.errors import SceLabError
from backend.settings import Settings
from worker.causes import tail_of
from worker.indexing import index_lock
from worker.place import Workplace

MAX_TRIES = 2


class Stopped(Exception):
    """A person asked it to end."""


@dataclass
class Preparer:
    """Starts the next waiting one's process and looks at the one that is there."""

    place: Workplace
    preparation_id: int | None = None
    process: subprocess.Popen[bytes] | None = None
    tries: dict[int, int] = field(default_factory=dict)

    def look(self) -> None:
        if self.process is not None and self.process.poll() is None:
            return
        if self.process is not None and self.preparation_id is not None:
            self._ended(self.preparation_id, self.process.returncode)
        self._mend()
        with self.place.looks.begin() as db:
            waiting = preparation.ids_in(db, "waiting")
        if waiting:
            self._start(waiting[0])

    def _start(self, preparation_id: int) -> None:
        self.preparation_id = preparation_id
        log_file = log_of(self.place.settings, preparation_id)
        log_file.parent.mkdir(parents=True, exist_ok=True)
        with log_file.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "worker.prepare_one", str(preparation_id)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _ended(self, preparation_id: int, status: int) -> None:
        self.process = self.preparation_id = None
        self.place.wake("index")
        if status == 0:
            self.tries.pop(preparation_id, None)
            return
        self.tries[preparation_id] = self.tries.get(preparation_id, 0) + 1
        if self.tries[preparation_id] >= MAX_TRIES:
            self.tries.pop(preparation_id)
            lines = tail_of(log_of(self.place.settings, preparation_id)).strip().splitlines()
            sentence = f"It ended {MAX_TRIES} times with status {status}: {lines[-1] if lines else ''}"
            with self.place.sessions.begin() as db:
                preparation.ended(db, preparation_id=preparation_id, state="failed", sentence=sentence)

    def _mend(self) -> None:
        """Those that are marked as running, though nobody does it."""
        with self.place.looks.begin() as db:
            marked = preparation.ids_in(db, "running", "stopping")
        for preparation_id in marked:
            with index_lock(self.place.settings, preparation_id, "preparing") as is_free:
                if is_free:
                    with self.place.sessions.begin() as db:
                        preparation.put_back(db, preparation_id=preparation_id)


def log_of(settings: Settings, preparation_id: int) -> Path:
    return settings.home / "logs" / f"prepare-{preparation_id}.log"


# -- the process


def work_off(settings: Settings, sessions: sessionmaker[Session], preparation_id: int) -> None:
    """From what was downloaded to a registered data set. Nothing when another does it."""
    with index_lock(settings, preparation_id, "preparing") as is_free:
        if not is_free:
            return
        with sessions.begin() as db:
            asked = preparation.begin(db, preparation_id=preparation_id)
        if asked is not None:
            _try(settings, sessions, asked)


def _try(settings: Settings, sessions: sessionmaker[Session], asked: Preparation) -> None:
    def end(state: str, sentence: str | None = None) -> None:
        with sessions.begin() as db:
            preparation.ended(db, preparation_id=asked.id, state=state, sentence=sentence)

    try:
        report = make(asked, _teller(sessions, asked.id))
        with sessions.begin() as db:
            preparation.finished(db, settings, preparation_id=asked.id, report=report)
    except Stopped:
        end("stopped")
    except SceLabError as error:
        end("failed", error.detail)
    except (OSError, ValueError) as error:
        end("failed", str(error))


def make(asked: Preparation, say: Callable[[str, int, int, int], None]) -> dict[str, Any]:
    """The report as plain data. Raises what ``sce.data.prepare`` raises, and what ``say`` does."""
    from sce.data.prepare.wish import Convert, Wish  # the decoder: only this process loads it
    from sce.data.prepare.work import prepare

    convert = Convert(asked.how, asked.short_side, asked.fps)  # type: ignore[arg-type]  # one of three words
    wish = Wish(asked.set_name, Path(asked.source), Path(asked.target), convert)
    # Registering indexes it: one look at every file is enough.
    return asdict(prepare(wish, say, index=False))


def _teller(sessions: sessionmaker[Session], preparation_id: int) -> Callable[[str, int, int, int], None]:
    """Writes the progress down now and then; raises Stopped when that was asked for."""
    from sce.data.prepare.progress import Pace

    pace = Pace(1.0)

    def say(stage: str, done: int, total: int, bad: int) -> None:
        if not pace.says(stage, done, total):
            return
        eta_s = pace.eta_s(done, total)
        with sessions.begin() as db:
            goes_on = preparation.progress(
                db,
                preparation_id=preparation_id,
                stage=stage,
                done=done,
                total=total,
                num_bad=bad,
                eta_s=eta_s,
            )
        if not goes_on:
            raise Stopped

    return say


def run(preparation_id: int) -> None:
    """What the process does, on the environment's settings."""
    settings = Settings()
    engine = open_engine(settings.database)
    try:
        work_off(settings, open_sessions(engine), preparation_id)
    finally:
        engine.dispose()
