"""Indexes data sets, each in a process of its own: a large one takes hours and must hold up nothing.

``python -m worker.index_one DATASET_ID`` is that process. It holds a lock for as long as it lives, so that
whoever finds a data set marked as being indexed can tell whether anybody still does it.
"""

import fcntl
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import cast

from sqlalchemy.orm import Session, sessionmaker

from backend.datasets import service
from backend.datasets.lookups import item_ids
from backend.datasets.service import IndexData
from backend.db import open_engine, open_sessions
from backend.settings import Settings
from worker.causes import tail_of
from worker.place import Workplace
from worker.previews import forget_previews

log = logging.getLogger(__name__)

MAX_TRIES = 2
SAY_EVERY_S = 2.0


@dataclass
class Indexer:
    """Starts the next waiting data set's process and looks at the one that is there."""

    place: Workplace
    dataset_id: int | None = None
    process: subprocess.Popen[bytes] | None = None
    tries: dict[int, int] = field(default_factory=dict)

    def look(self) -> None:
        if self.process is not None and self.process.poll() is None:
            return
        if self.process is not None and self.dataset_id is not None:
            self._ended(self.dataset_id, self.process.returncode)
        self._mend()
        with self.place.looks.begin() as db:
            waiting = service.ids_in(db, "waiting")
        if waiting:
            self._start(waiting[0])

    def _start(self, dataset_id: int) -> None:
        self.dataset_id = dataset_id
        log_file = log_of(self.place.settings, dataset_id)
        log_file.parent.mkdir(parents=True, exist_ok=True)
        with log_file.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "worker.index_one", str(dataset_id)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _ended(self, dataset_id: int, status: int) -> None:
        self.process = self.dataset_id = None
        if status == 0:
            self.tries.pop(dataset_id, None)
            for clock in ("start", "previews"):
                self.place.wake(clock)
            return
        self.tries[dataset_id] = self.tries.get(dataset_id, 0) + 1
        log.warning("indexing data set %d ended with status %d", dataset_id, status)
        if self.tries[dataset_id] >= MAX_TRIES:
            self.tries.pop(dataset_id)
            lines = tail_of(log_of(self.place.settings, dataset_id)).strip().splitlines()
            sentence = f"Indexing ended {MAX_TRIES} times with status {status}: {lines[-1] if lines else ''}"
            with self.place.sessions.begin() as db:
                service.index_failed(db, dataset_id=dataset_id, sentence=sentence)

    def _mend(self) -> None:
        """Data sets that are marked as being indexed, though nobody does it."""
        with self.place.looks.begin() as db:
            marked = service.ids_in(db, "indexing")
        for dataset_id in marked:
            with index_lock(self.place.settings, dataset_id) as is_free:
                if is_free:
                    with self.place.sessions.begin() as db:
                        service.put_back(db, dataset_id=dataset_id)


@contextmanager
def index_lock(settings: Settings, number: int, what: str = "indexing") -> Iterator[bool]:
    """Whether the data set is ours to work on, for as long as the block lasts."""
    folder = settings.home / what
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{number}.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def log_of(settings: Settings, dataset_id: int) -> Path:
    return settings.home / "logs" / f"index-{dataset_id}.log"


# -- the process


def index(settings: Settings, sessions: sessionmaker[Session], dataset_id: int) -> None:
    """Index a waiting data set, from its folder to its rows. Nothing when another does it."""
    with index_lock(settings, dataset_id) as is_free:
        if not is_free:
            return
        with sessions.begin() as db:
            dataset = service.begin_index(db, dataset_id=dataset_id)
        if dataset is None:
            return
        try:
            found = build(Path(dataset.root), dataset.kind)
        except (OSError, ValueError) as error:
            with sessions.begin() as db:
                service.index_failed(db, dataset_id=dataset_id, sentence=str(error))
            return
        with sessions.begin() as db:
            before = set(item_ids(db, dataset_id))
            service.store_index(db, dataset_id=dataset_id, index=found)
            after = set(item_ids(db, dataset_id))
        # A number that is gone may be given again: its preview would show another video.
        forget_previews(settings, before ^ after)


def build(root: Path, kind: str) -> IndexData:
    """The folder's index, also left in the folder for trainers. Raises ``OSError`` or ``ValueError``."""
    from sce.data.index import build_index, save_index  # the decoder: only this process loads it

    said_at = time.monotonic()

    def say(done: int, total: int) -> None:
        nonlocal said_at
        if done == total or time.monotonic() - said_at > SAY_EVERY_S:
            said_at = time.monotonic()
            print(f"{done} of {total} files of {root}", flush=True)

    found = build_index(root, "video" if kind == "video" else "image", processes=2, on_progress=say)
    save_index(found)
    return cast(IndexData, asdict(found))


def run(dataset_id: int) -> None:
    """What the process does, on the environment's settings."""
    settings = Settings()
    engine = open_engine(settings.database)
    try:
        index(settings, open_sessions(engine), dataset_id)
    finally:
        engine.dispose()
