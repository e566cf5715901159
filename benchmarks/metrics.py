"""Metric points in and out: ingested per second, and a chart of a million points; one table.

    python -m benchmarks.metrics [--points 1000000] [--queries 40]

The peer, in the same run and the same database: the whole history fetched row by row, as an API without
buckets serves it.
"""

import argparse
import math
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.synchronize import Barrier
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from backend.db import open_engine, open_sessions
from backend.experiments.service import named
from backend.metrics.points import NewPoint
from backend.metrics.service import Asked, read_metrics
from backend.metrics.store import add_points
from backend.metrics.tables import Point, Series
from backend.migrations import upgrade
from backend.runs.ingest import ingest, ingest_plain
from backend.runs.tables import Run

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "backend"))
import postgres  # type: ignore[import-not-found]  # lies with the tests

WIDTH = 1500
KEYS = 8
WRITERS, TURN = 32, 125
"""32 trainers write 1,000 points a second each: 125 lines in the second that a busy watch takes for a turn."""
TOGETHER = 16
"""Runs in one commit: the watch takes up to 2,000 lines together."""
WORKERS = 4
"""Hosts that each watch their own of the runs."""
BATCH = 500
"""Journal lines applied in one transaction."""


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--points", type=int, default=1_000_000)
    asked.add_argument("--queries", type=int, default=40)
    options = asked.parse_args()
    print(f"{'database':<12}{'what':<46}{'result':>28}")
    for name, url in databases():
        sessions = open_sessions(open_engine(url))
        for what, result in measured(sessions, options.points, options.queries):
            print(f"{name:<12}{what:<46}{result:>28}", flush=True)
        if name == "PostgreSQL":
            what = f"{WORKERS} workers at once, {WRITERS // WORKERS} of them each"
            rate = f"{side_by_side(url):,.0f} points/s"
            print(f"{name:<12}{what:<46}{rate:>28}", flush=True)


def databases() -> Iterator[tuple[str, str]]:
    """SQLite, and PostgreSQL where it is installed; each migrated and empty."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/bench.db"
        upgrade(url)
        yield "SQLite", url
    bin_dir = postgres.binaries()
    if bin_dir is None:
        return
    with postgres.cluster(bin_dir) as socket:
        url = postgres.url_of(socket, "postgres")
        upgrade(url)
        yield "PostgreSQL", url


def measured(sessions: sessionmaker[Session], points: int, queries: int) -> Iterator[tuple[str, str]]:
    yield f"journal lines of {KEYS} metrics, {BATCH} a commit", f"{journal_rate(sessions):,.0f} points/s"
    yield (
        "one line of 8 metrics a commit (live)",
        f"{journal_rate(sessions, batch=1, lines=300):,.0f} points/s",
    )
    yield (
        f"{WRITERS} running journals in turn, {TURN} lines a commit",
        f"{turns_rate(sessions):,.0f} points/s",
    )
    yield f"the same, {TOGETHER} runs a commit (a busy watch)", f"{together_rate(sessions):,.0f} points/s"
    run_id = fill(sessions, points)
    with sessions() as db:
        whole = Asked(run_ids=[run_id], keys=["train/loss"], width=WIDTH)
        yield f"chart of {points:,} points, {WIDTH} wide", spread(queries, lambda: read_metrics(db, whole))
        zoom = Asked([run_id], ["train/loss"], points // 3, points // 3 + points // 50, WIDTH)
        yield f"zoom into {points // 50:,} of them", spread(queries, lambda: read_metrics(db, zoom))
        asked = select(Point.step, Point.value).join(Series).where(Series.run_id == run_id)
        yield "peer: all of them, row by row", spread(3, lambda: db.execute(asked).all())


def journal_rate(sessions: sessionmaker[Session], *, batch: int = BATCH, lines: int = 5000) -> float:
    """Points a second through the whole ingest."""
    run_id = new_run(sessions)
    journal = [(event(step), step) for step in range(1, lines + 1)]
    with stopwatch() as took_s:
        for first in range(0, lines, batch):
            with sessions.begin() as db:
                ingest(db, run_id=run_id, lines=journal[first : first + batch])
    return lines * KEYS / took_s()


def turns_rate(sessions: sessionmaker[Session], *, turns: int = 10) -> float:
    """Points a second when a watch goes from run to run, as often as it does."""
    runs = [new_run(sessions) for _ in range(WRITERS)]
    with stopwatch() as took_s:
        for turn in range(turns):
            steps = range(turn * TURN + 1, (turn + 1) * TURN + 1)
            lines = [(event(step), step) for step in steps]
            for run_id in runs:
                with sessions.begin() as db:
                    ingest(db, run_id=run_id, lines=lines)
    return turns * WRITERS * TURN * KEYS / took_s()


def together_rate(sessions: sessionmaker[Session]) -> float:
    """The same, when it records several runs in one transaction."""
    runs = [new_run(sessions) for _ in range(WRITERS)]
    with stopwatch() as took_s:
        points = record_together(sessions, runs)
    return points / took_s()


def record_together(sessions: sessionmaker[Session], runs: list[int], *, turns: int = 10) -> int:
    """Say how many points that were."""
    for turn in range(turns):
        lines = [(event(step), step) for step in range(turn * TURN + 1, (turn + 1) * TURN + 1)]
        for first in range(0, len(runs), TOGETHER):
            with sessions.begin() as db:
                ingest_plain(db, dict.fromkeys(runs[first : first + TOGETHER], lines))
    return turns * len(runs) * TURN * KEYS


def side_by_side(url: str) -> float:
    """Points a second of several workers at once, each a process of its own."""
    engine = open_engine(url)
    runs = [new_run(open_sessions(engine)) for _ in range(WRITERS)]
    engine.dispose()
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(WORKERS)
    with ProcessPoolExecutor(WORKERS, context, _meet, (barrier,)) as workers:
        took = list(workers.map(_work, [url] * WORKERS, [runs[n::WORKERS] for n in range(WORKERS)]))
    spent_s = max(ended for _, _, ended in took) - min(began for _, began, _ in took)
    return sum(points for points, _, _ in took) / spent_s


_barriers: list[Barrier] = []


def _meet(barrier: Barrier) -> None:
    """None begins before all are there."""
    _barriers.append(barrier)


def _work(url: str, runs: list[int]) -> tuple[int, float, float]:
    sessions = open_sessions(open_engine(url))
    _barriers[0].wait()
    began = time.time()
    return record_together(sessions, runs), began, time.time()


def event(step: int) -> dict[str, object]:
    values = {f"train/metric{number}": math.sin(step / (number + 1)) for number in range(KEYS)}
    return {
        "event": "metrics",
        "attempt": 0,
        "time": 0.0,
        "step": step,
        "epoch": step / 100,
        "values": values,
    }


def fill(sessions: sessionmaker[Session], points: int) -> int:
    run_id = new_run(sessions)
    for first in range(0, points, 20_000):
        steps = range(first, min(first + 20_000, points))
        new = [NewPoint("train/loss", step, step / 100, 0.0, math.sin(step / 999), 0) for step in steps]
        with sessions.begin() as db:
            add_points(db, run_id=run_id, points=new)
    return run_id


def new_run(sessions: sessionmaker[Session]) -> int:
    with sessions.begin() as db:
        run = Run(
            experiment_id=named(db, "bench").id,
            name="bench",
            kind="pretrain",
            state="running",
            definition={},
            seed=0,
        )
        db.add(run)
        db.flush()
        return run.id


def spread(times: int, act: Callable[[], object]) -> str:
    taken_ms = []
    for _ in range(times):
        with stopwatch() as took_s:
            act()
        taken_ms.append(took_s() * 1000)
    p95 = statistics.quantiles(taken_ms, n=20)[-1] if len(taken_ms) > 2 else max(taken_ms)
    return f"p50 {statistics.median(taken_ms):.0f} ms, p95 {p95:.0f} ms"


@contextmanager
def stopwatch() -> Iterator[Callable[[], float]]:
    began = time.perf_counter()
    ended: list[float] = []
    yield lambda: (ended[0] if ended else time.perf_counter()) - began
    ended.append(time.perf_counter())


if __name__ == "__main__":
    main()
