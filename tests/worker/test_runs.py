"""A queued run gets its processes once, and every end of them becomes a row that says why."""

import json
import os
import signal
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from backend.runs.claims import claim_next
from backend.runs.life import STOPPING, move
from backend.runs.tables import Run
from backend.settings import Settings
from tests.worker.conftest import Shop, eventually, open_shop
from tests.worker.trainer import (
    HAS_A_HELPER,
    IGNORES_THE_STOP,
    KILLS_ITSELF,
    LEAVES_A_CHILD,
    RUNS_OUT_OF_MEMORY,
    WAITS,
)
from worker.launchers import Handle, Resources
from worker.launchers.fake import FakeLauncher
from worker.launchers.processes import Leader, members
from worker.runs import launch, start_runs, stop_run
from worker.sweep import mend_claims
from worker.watch import Watch


def ask_to_stop(shop: Shop, run_id: int) -> None:
    with shop.place.sessions.begin() as db:
        move(db, db.get_one(Run, run_id), STOPPING)


def test_a_run_is_trained_and_ends_finished(real: Shop) -> None:
    run_id = real.queue()
    assert start_runs(real.place) == 1
    run = real.wait(run_id, "finished", watch=Watch(real.place))
    assert (run.step, run.steps, run.progress) == (3, 3, 1.0)
    assert real.losses(run_id) == [1, 2, 3]
    assert real.held() == [None]


def test_what_is_asked_lies_in_the_folder(real: Shop) -> None:
    run_id = real.queue(seed=11)
    start_runs(real.place)
    folder = real.place.folder(run_id)
    assert folder.definition().seed == 11
    assert folder.attempt() == 1
    real.wait(run_id, "finished", watch=Watch(real.place))


def test_a_second_run_waits_for_the_device(shop: Shop, fake: FakeLauncher) -> None:
    first, second = shop.queue(), shop.queue()
    start_runs(shop.place)
    start_runs(shop.place)
    assert shop.held() == [first]
    assert shop.run(second).state == "queued"
    assert len(fake.started) == 1


def test_a_device_is_held_until_the_processes_are_gone(real: Shop) -> None:
    """The trainer says that it finished, and a child of it is still there."""
    run_id, watch = real.queue(LEAVES_A_CHILD), Watch(real.place)
    start_runs(real.place)
    folder = real.place.folder(run_id)
    eventually(lambda: [line for line in folder.read() if line.event["event"] == "end"])
    watch.look()
    assert real.losses(run_id) == [1, 2, 3]
    assert real.run(run_id).state == "running"
    assert real.held() == [run_id]
    real.place.launcher.end(real.attempts(run_id)[0].handle)
    assert real.wait(run_id, "finished", watch=watch).state == "finished"
    assert real.held() == [None]


def test_what_stays_after_its_end_is_ended(real: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.watch.TEARDOWN_S", 0.3)
    run_id = real.queue(LEAVES_A_CHILD)
    start_runs(real.place)
    real.wait(run_id, "finished", watch=Watch(real.place))


def test_a_trainer_and_its_attendant_killed_together_leave_no_run_at_work(
    real: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.watch.TEARDOWN_S", 0.3)
    run_id, watch = real.queue(HAS_A_HELPER), Watch(real.place)
    start_runs(real.place)
    real.wait(run_id, "running", watch=watch)
    handle = str(real.attempts(run_id)[0].handle)
    start = next(line.event for line in real.place.folder(run_id).read())
    for pid in (Leader.parse(handle).pid, start["pid"]):
        os.kill(pid, signal.SIGKILL)
    assert real.wait(run_id, "failed", watch=watch).failure_kind == "lost"
    assert real.held() == [None]
    assert not list(members(Leader.parse(handle).cookie))


def test_a_stop_is_a_wish_that_the_trainer_follows(real: Shop) -> None:
    run_id, watch = real.queue(WAITS), Watch(real.place)
    start_runs(real.place)
    real.wait(run_id, "running", watch=watch)
    ask_to_stop(real, run_id)
    stop_run(real.place, run_id)
    assert real.place.folder(run_id).stop_requested() == "stop"
    real.wait(run_id, "stopped", watch=watch)
    assert real.attempts(run_id)[0].outcome == "stopped"


def test_a_stop_whose_nudge_was_lost_is_found_by_the_watch(real: Shop) -> None:
    run_id, watch = real.queue(WAITS), Watch(real.place)
    start_runs(real.place)
    real.wait(run_id, "running", watch=watch)
    ask_to_stop(real, run_id)
    real.wait(run_id, "stopped", watch=watch)


def test_who_does_not_leave_in_time_is_ended(real: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.watch.KILL_AFTER_S", 0.3)
    run_id, watch = real.queue(IGNORES_THE_STOP), Watch(real.place)
    start_runs(real.place)
    real.wait(run_id, "running", watch=watch)
    ask_to_stop(real, run_id)
    real.wait(run_id, "stopped", watch=watch)
    assert "did not leave within" in str(real.attempts(run_id)[0].sentence)
    assert real.held() == [None]


def test_a_stop_between_claim_and_launch_is_kept(shop: Shop, fake: FakeLauncher) -> None:
    run_id = shop.queue()
    with shop.place.sessions.begin() as db:
        claim = claim_next(db, host="here")
    assert claim is not None
    ask_to_stop(shop, run_id)
    launch(shop.place, claim)
    assert shop.place.folder(run_id).stop_requested() == "stop"


def test_a_killed_training_fails_with_its_cause(real: Shop) -> None:
    run_id = real.queue(KILLS_ITSELF)
    start_runs(real.place)
    run = real.wait(run_id, "failed", watch=Watch(real.place))
    assert run.failure_kind == "lost"
    assert "killed by signal 9" in str(run.failure_sentence)
    assert real.held() == [None]


def test_running_out_of_memory_is_told_from_the_log(real: Shop) -> None:
    run_id = real.queue(RUNS_OUT_OF_MEMORY)
    start_runs(real.place)
    run = real.wait(run_id, "failed", watch=Watch(real.place))
    assert run.failure_kind == "out_of_memory"
    assert "smaller batch" in str(run.failure_sentence)


def test_a_launch_that_fails_is_a_sentence_on_the_run(shop: Shop, fake: FakeLauncher) -> None:
    fake.refuses = "The trainer could not be started: no such program."
    run_id = shop.queue()
    start_runs(shop.place)
    run = shop.run(run_id)
    assert (run.state, run.failure_kind) == ("failed", "infrastructure")
    assert "no such program" in str(run.failure_sentence)
    assert shop.held() == [None]


def test_nothing_is_started_on_a_full_disk(shop: Shop, fake: FakeLauncher) -> None:
    full = replace(shop.place, settings=shop.place.settings.model_copy(update={"min_free_disk_gb": 1e9}))
    run_id = shop.queue()
    assert start_runs(full) == 0
    assert shop.run(run_id).state == "queued"
    assert start_runs(shop.place) == 1


def test_the_folder_of_another_databases_run_is_kept_aside(shop: Shop, fake: FakeLauncher) -> None:
    folder = shop.place.folder(1)
    folder.path.mkdir(parents=True)
    folder.begin_attempt(4)
    folder.journal_file.write_text(json.dumps({"event": "end", "attempt": 1, "status": "finished"}) + "\n")
    assert shop.queue() == 1
    start_runs(shop.place)
    Watch(shop.place).look()
    assert shop.run(1).state == "starting"
    assert [path.name.split("-")[0] for path in folder.path.parent.iterdir() if path != folder.path] == [
        "1.found"
    ]


def test_a_claim_that_was_taken_back_touches_nothing_of_the_newer_one(shop: Shop, fake: FakeLauncher) -> None:
    """Its worker slept between claim and launch; the sweep put the run back, and it was started again."""
    run_id = shop.queue(seed=11)
    with shop.place.sessions.begin() as db:
        late = claim_next(db, host="here")
    assert late is not None
    mend_claims(shop.place, older_than=timedelta(0))
    start_runs(shop.place)
    folder = shop.place.folder(run_id)
    launch(shop.place, late)
    assert folder.attempt() == 2
    assert [path.name for path in folder.path.parent.iterdir()] == [str(run_id)]
    assert [attempt for _, attempt, _ in fake.started] == [2]
    assert fake.ended == []


def test_a_claim_that_is_taken_back_during_its_launch_is_ended(shop: Shop, fake: FakeLauncher) -> None:
    run_id = shop.queue()
    with shop.place.sessions.begin() as db:
        late = claim_next(db, host="here")
    assert late is not None

    class Slow(FakeLauncher):
        def start(self, folder: Path, *, attempt: int, resources: Resources) -> Handle:
            mend_claims(shop.place, older_than=timedelta(0))
            return super().start(folder, attempt=attempt, resources=resources)

    slow = Slow()
    launch(replace(shop.place, launcher=slow), late)
    assert shop.run(run_id).state == "queued"
    assert slow.ended == [slow.handle_of(shop.place.folder(run_id).path, 1)]
    assert slow.alive == set()


def test_a_folder_that_cannot_be_made_is_told_on_the_run(shop: Shop, fake: FakeLauncher) -> None:
    run_id = shop.queue()
    shop.place.folder(run_id).path.parent.mkdir(parents=True)
    shop.place.folder(run_id).path.write_text("a file in the folder's place")
    start_runs(shop.place)
    run = shop.run(run_id)
    assert (run.state, run.failure_kind) == ("failed", "infrastructure")
    assert "It could not be started" in str(run.failure_sentence)
    assert shop.held() == [None]
    assert fake.started == []


def test_threads_are_shared_out_by_slots(
    shop: Shop, fake: FakeLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.runs.usable_cpus", lambda: 16)
    shop.queue()
    start_runs(replace(shop.place, slots={"cpu": 4}))
    assert fake.started[0][2].threads == 4


def test_a_run_that_cannot_be_looked_at_stops_no_other(settings: Settings, fake: FakeLauncher) -> None:
    """The first run's journal cannot be read: there is a folder in its place."""
    shop = open_shop(settings, fake, cpu_slots=2)
    spoiled, sound = shop.queue(), shop.queue()
    start_runs(shop.place)
    (shop.place.folder(spoiled).journal_file / "not empty").mkdir(parents=True)
    fake.alive.remove(fake.handle_of(shop.place.folder(sound).path, 1))
    watch = Watch(shop.place)
    watch.look()
    assert list(watch.told) == [spoiled]
    assert shop.run(sound).state == "failed"
    shop.place.engine.dispose()
