"""What it costs to watch many running journals: a real worker's clocks, processor and memory; one table.

    python -m benchmarks.watching [--runs 100] [--minutes 3] [--lines 1.0]

Each run is a real process of the worker's own launcher that appends a line of 8 metrics at that pace and
trains nothing. The worker is a process of its own, on SQLite, without a broker; only it is measured.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from sqlalchemy import func, select

from backend.db import open_engine, open_sessions
from backend.experiments.service import named
from backend.metrics.tables import Point
from backend.migrations import upgrade
from backend.runs.tables import Run
from backend.settings import Settings
from sce.definition import Pretrain
from sce.definition.data import VideoData

KEYS = 8
EVERY_S = 5.0
STAND_IN = """
import json, sys, time
from pathlib import Path
folder, pace = Path(sys.argv[1]), {pace}
attempt = int(sys.argv[3])
about = {{"attempt": attempt, "time": time.time()}}
first = {{"event": "start", "step": 0, "steps": 10**6, "epochs": 1, "resumed_from": None, "host": "here",
          "pid": 1, "world_size": 1, "device": "cpu", "versions": {{}}}}
with (folder / "journal.jsonl").open("a") as journal:
    journal.write(json.dumps({{**first, **about}}) + chr(10)); journal.flush()
    for step in range(1, 10**6):
        values = {{f"train/metric{{n}}": step / (n + 1) for n in range({keys})}}
        about["time"] = time.time()
        line = {{"event": "metrics", "step": step, "epoch": step / 100, "values": values, **about}}
        journal.write(json.dumps(line) + chr(10)); journal.flush()
        time.sleep(1 / pace)
"""
WORKER = """
import os, sys, time
from backend.settings import Settings
from worker.launchers.local import LocalLauncher
from worker.office import Office
office = Office(Settings(), launcher=LocalLauncher(host="here", inherited=os.environ, program=(sys.argv[1],)))
office.open()
time.sleep(10**6)
"""


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--runs", type=int, default=100)
    asked.add_argument("--minutes", type=float, default=3.0)
    asked.add_argument("--lines", type=float, default=1.0, help="lines a second of each run")
    options = asked.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        settings = Settings(home=Path(folder), port=0, min_free_disk_gb=0, cpu_slots=options.runs)
        queue(settings, options.runs)
        with working(settings, pace=options.lines) as worker:
            wait_until_all_run(settings, options.runs)
            print(f"{options.runs} runs, each {options.lines:g} lines of {KEYS} metrics a second")
            measure(settings, worker, minutes=options.minutes)


def queue(settings: Settings, runs: int) -> None:
    upgrade(settings.database)
    definition = Pretrain(data=VideoData(root="videos")).model_dump(mode="json")
    definition["compute"]["accelerator"] = "cpu"
    with open_sessions(open_engine(settings.database)).begin() as db:
        experiment = named(db, "watching").id
        for number in range(runs):
            db.add(
                Run(
                    experiment_id=experiment,
                    name=f"run {number}",
                    kind="pretrain",
                    state="queued",
                    definition=definition,
                    seed=number,
                )
            )


@contextmanager
def working(settings: Settings, *, pace: float) -> Iterator[psutil.Process]:
    program = settings.home / "stand_in.py"
    program.write_text(STAND_IN.format(pace=pace, keys=KEYS))
    env = {**os.environ, "SCELAB_HOME": str(settings.home), "SCELAB_CPU_SLOTS": str(settings.cpu_slots)}
    env |= {"SCELAB_MIN_FREE_DISK_GB": "0", "PYTHONPATH": os.getcwd()}
    with subprocess.Popen([sys.executable, "-c", WORKER, str(program)], env=env) as process:
        try:
            yield psutil.Process(process.pid)
        finally:
            process.kill()
            for one in psutil.process_iter(["cmdline"]):
                if str(program) in (one.info["cmdline"] or []):
                    one.kill()


def wait_until_all_run(settings: Settings, runs: int) -> None:
    sessions = open_sessions(open_engine(settings.database))
    running = select(func.count()).select_from(Run).where(Run.state == "running")
    while True:
        with sessions() as db:
            if db.scalar(running) == runs:
                return
        time.sleep(1)


def measure(settings: Settings, worker: psutil.Process, *, minutes: float) -> None:
    """Processor share of one core in each stretch, and memory at its end; and that nothing lags behind."""
    shares, sizes, ends = [], [], time.monotonic() + minutes * 60
    worker.cpu_percent()
    while time.monotonic() < ends:
        time.sleep(EVERY_S)
        shares.append(worker.cpu_percent())
        sizes.append(worker.memory_info().rss / 1e6)
    with open_sessions(open_engine(settings.database))() as db:
        points, newest = db.execute(select(func.count(), func.max(Point.time)).select_from(Point)).one()
    print(f"{'processor, % of one core, median':<44}{statistics.median(shares):>10.1f}")
    print(f"{'the same, most in 5 s':<44}{max(shares):>10.1f}")
    print(f"{'memory, MB, first and last':<44}{sizes[0]:>10.0f}{sizes[-1]:>8.0f}")
    print(f"{'points recorded':<44}{points:>10,}")
    print(f"{'seconds from newest line to now':<44}{time.time() - newest:>10.1f}")


if __name__ == "__main__":
    main()
