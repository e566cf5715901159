"""Each invariant of the sweep: broken on purpose, said in a sentence, mended, and whole again."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from backend.compute.service import edit_host
from backend.compute.tables import Device
from backend.db import now
from backend.runs.life import STOPPING, move
from backend.runs.tables import Attempt, Run
from tests.worker.conftest import Shop, eventually
from tests.worker.test_runs import ask_to_stop
from tests.worker.test_sweep import claim
from tests.worker.trainer import WAITS, Trainer
from worker.launchers import Resources
from worker.launchers.fake import FakeLauncher
from worker.launchers.processes import COOKIE, RUN, cookie_of, members
from worker.place import Workplace
from worker.runs import start_runs
from worker.sweep import INVARIANTS, broken, sweep
from worker.watch import Watch

LONG_AGO = timedelta(hours=1)


def age(shop: Shop, run_id: int, by: timedelta = LONG_AGO) -> None:
    """As if the run had been in its state, and its attempt there, for so long."""
    with shop.place.sessions.begin() as db:
        db.execute(update(Run).where(Run.id == run_id).values(state_since=now() - by))
        db.execute(update(Attempt).where(Attempt.run_id == run_id).values(started_at=now() - by))


def woken_by(place: Workplace) -> list[str]:
    """Which clocks a sweep wakes."""
    woken: list[str] = []
    sweep(replace(place, wake=woken.append))
    return woken


def test_an_undisturbed_lab_breaks_nothing(shop: Shop) -> None:
    shop.queue()
    start_runs(shop.place)
    assert broken(shop.place) == []
    assert [invariant.says.split()[0] for invariant in INVARIANTS] == ["No"] * 6


def test_a_queued_run_whose_nudge_was_lost_is_nudged(shop: Shop) -> None:
    run_id = shop.queue()
    age(shop, run_id)
    assert broken(shop.place) == [f"Run {run_id} is queued, and here has room for it."]
    assert "start" in woken_by(shop.place)
    start_runs(shop.place)
    assert broken(shop.place) == []


def test_a_queued_run_that_has_to_wait_is_no_lost_one(shop: Shop) -> None:
    """The host is drained, or full: nobody forgot it."""
    first, second = shop.queue(), shop.queue()
    start_runs(shop.place)
    age(shop, second)
    assert broken(shop.place) == []
    with shop.place.sessions.begin() as db:
        edit_host(db, host_id=1, enabled=False)
        move(db, db.get_one(Run, first), STOPPING)
    assert [text for text in broken(shop.place) if "queued" in text] == []


@pytest.mark.parametrize("by", [LONG_AGO, -LONG_AGO], ids=["long ago", "the clock was put back"])
def test_a_claim_that_was_never_launched_is_overdue_and_is_put_back(shop: Shop, by: timedelta) -> None:
    run_id = shop.queue()
    claim(shop)
    age(shop, run_id, by)
    assert broken(shop.place) == [f"Run {run_id} is starting for longer than 20 s."]
    sweep(shop.place)
    assert shop.run(run_id).state == "queued"
    assert broken(shop.place) == []


def test_a_run_that_does_not_stop_is_overdue_and_is_ended(shop: Shop, fake: FakeLauncher) -> None:
    run_id = shop.queue()
    start_runs(shop.place)
    ask_to_stop(shop, run_id)
    age(shop, run_id)
    assert broken(shop.place) == [f"Run {run_id} is stopping for longer than 10 s."]
    watch = Watch(shop.place)
    watch.look()
    watch.look()
    assert shop.run(run_id).state == "stopped"
    assert broken(shop.place) == []


def test_a_run_that_began_while_no_worker_was_there_goes_on(shop: Shop, fake: FakeLauncher) -> None:
    """Its first line is read an hour after its start, by the next worker."""
    run_id = shop.queue()
    start_runs(shop.place)
    age(shop, run_id)
    Trainer(shop.place.folder(run_id), 1).start(10)
    Watch(shop.place).look()
    assert (shop.run(run_id).state, fake.ended) == ("running", [])


def test_a_running_run_whose_processes_are_gone_is_said_and_watched(shop: Shop, fake: FakeLauncher) -> None:
    run_id = shop.queue()
    start_runs(shop.place)
    with shop.place.sessions.begin() as db:
        db.execute(update(Run).values(state="running"))
    fake.alive.clear()
    assert broken(shop.place) == [f"Run {run_id} is running, and its processes are gone."]
    assert "watch" in woken_by(shop.place)
    Watch(shop.place).look()
    assert shop.run(run_id).state == "failed"
    assert broken(shop.place) == []


def test_a_lease_of_a_run_that_is_over_is_said_and_taken_back(shop: Shop) -> None:
    run_id = shop.queue()
    with shop.place.sessions.begin() as db:
        db.execute(update(Device).values(run_id=run_id, attempt=0))
    assert broken(shop.place) == [f"Attempt 0 of run {run_id} holds devices, and it is over."]
    sweep(shop.place)
    assert shop.held() == [None]
    assert broken(shop.place) == []


def test_processes_without_a_run_are_said_and_ended(shop: Shop, fake: FakeLauncher) -> None:
    """Their run was given up, or the record was put back to yesterday's."""
    run_id = shop.queue()
    start_runs(shop.place)
    kept = set(fake.alive)
    runs = shop.place.settings.runs_dir
    fake.start(runs / str(run_id), attempt=7, resources=Resources("cpu", (0,), 1))
    fake.start(runs / "999", attempt=1, resources=Resources("cpu", (0,), 1))
    elsewhere = fake.start(Path("/other/lab/runs/1"), attempt=1, resources=Resources("cpu", (0,), 1))
    assert broken(shop.place) == [
        f"{name} attempt {attempt} has processes, and no run that is under way."
        for name, attempt in ((run_id, 7), (999, 1))
    ]
    sweep(shop.place)
    assert fake.alive == {*kept, elsewhere}
    assert broken(shop.place) == []


def test_a_real_orphan_is_found_by_what_it_carries_and_ended(
    real: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The processes of a run that goes on are left alone, and so are those of another laboratory."""
    monkeypatch.setattr("worker.sweep.UNLAUNCHED_AFTER", timedelta(0))
    run_id = real.queue(WAITS)
    start_runs(real.place)
    folder = real.place.folder(run_id).path
    orphan, stranger = sleeper(folder, 7), sleeper(Path("/other/lab/runs/1"), 1)
    try:
        eventually(
            lambda: broken(real.place) == [f"{run_id} attempt 7 has processes, and no run that is under way."]
        )
        sweep(real.place)
        assert orphan.wait(timeout=10) == -9
        assert stranger.poll() is None
        assert list(members(cookie_of(folder, 1)))
    finally:
        orphan.kill()
        stranger.kill()
        orphan.wait()
        stranger.wait()


def sleeper(folder: Path, attempt: int) -> subprocess.Popen[bytes]:
    carried = {RUN: f"{folder}#{attempt}", COOKIE: cookie_of(folder, attempt)}
    return subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"], env={**os.environ, **carried}
    )


def test_one_repair_that_fails_keeps_none_of_the_others_from_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = shop.queue()
    with shop.place.sessions.begin() as db:
        db.execute(update(Device).values(run_id=run_id, attempt=0))
    monkeypatch.setattr(shop.place.launcher, "present", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        sweep(shop.place)
    assert shop.held() == [None]
