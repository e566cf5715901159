"""Whatever a dead worker or a lost message leaves is repaired; a second sweep changes nothing."""

import os
import time
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from backend.compute.service import DeviceSpec, register_host
from backend.compute.tables import Device, Host
from backend.db import now
from backend.runs.claims import Claim, claim_next
from backend.runs.life import STOPPING, move
from backend.runs.tables import Attempt, Run
from tests.worker.conftest import Shop
from tests.worker.test_runs import ask_to_stop
from tests.worker.trainer import Trainer
from worker.launchers import Resources
from worker.launchers.fake import FakeLauncher
from worker.runs import launch, prepare, start_runs
from worker.sweep import give_up_lost_hosts, mend_claims, sweep, take_back_stray_leases

AT_ONCE = timedelta(0)


def claim(shop: Shop, *, host: str = "here") -> Claim:
    """A claim whose worker died before the launch."""
    with shop.place.sessions.begin() as db:
        claim = claim_next(db, host=host)
    assert claim is not None
    return claim


def test_a_claim_that_was_never_launched_goes_back_into_the_queue(shop: Shop, fake: FakeLauncher) -> None:
    run_id = shop.queue()
    claim(shop)
    mend_claims(shop.place, older_than=AT_ONCE)
    assert shop.run(run_id).state == "queued"
    assert shop.held() == [None]
    start_runs(shop.place)
    assert shop.run(run_id).attempt == 2
    assert len(fake.started) == 1


def test_a_worker_that_sleeps_on_the_way_to_the_folder_takes_it_from_no_newer_attempt(
    shop: Shop, fake: FakeLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = shop.queue()
    slept_over = claim(shop)
    folder = shop.place.folder(run_id)

    def sleep_first(*about: Any) -> None:
        monkeypatch.setattr("worker.runs.prepare", prepare)
        mend_claims(shop.place, older_than=AT_ONCE)
        start_runs(shop.place)
        folder.append({"event": "note", "level": "info", "text": "at work"}, attempt=2)
        prepare(*about)

    monkeypatch.setattr("worker.runs.prepare", sleep_first)
    launch(shop.place, slept_over)
    assert folder.attempt() == 2
    assert [line.event["text"] for line in folder.read()] == ["at work"]
    assert fake.alive == {fake.handle_of(folder.path, 2)}


@pytest.mark.parametrize("state", ["starting", "stopping"])
def test_a_slow_launch_that_goes_through_beside_the_sweep_is_left_at_work(
    state: str, shop: Shop, fake: FakeLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweep has looked for its processes, and has not yet put the claim back."""
    run_id = shop.queue()
    claimed = claim(shop)
    if state == "stopping":
        ask_to_stop(shop, run_id)

    def find_too_early(*_: Any, **__: Any) -> None:
        launch(shop.place, claimed)

    monkeypatch.setattr(fake, "find", find_too_early)
    mend_claims(shop.place, older_than=AT_ONCE)
    assert shop.run(run_id).state == state
    assert shop.attempts(run_id)[0].ended_at is None
    assert fake.alive


def test_a_launch_whose_handle_was_lost_is_adopted(shop: Shop, fake: FakeLauncher) -> None:
    run_id = shop.queue()
    claimed = claim(shop)
    folder = shop.place.folder(run_id)
    prepare(folder, claimed)
    handle = fake.start(folder.path, attempt=1, resources=Resources("cpu", (0,), 1))
    mend_claims(shop.place, older_than=AT_ONCE)
    assert shop.attempts(run_id)[0].handle == handle
    assert shop.run(run_id).state == "starting"
    assert len(fake.started) == 1


@pytest.mark.parametrize(("ends", "state"), [("finished", "finished"), (None, "failed")])
def test_a_launch_that_ended_before_its_handle_was_kept_is_concluded_and_not_trained_again(
    ends: str | None, state: str, shop: Shop
) -> None:
    run_id = shop.queue()
    prepare(shop.place.folder(run_id), claim(shop))
    trainer = Trainer(shop.place.folder(run_id), 1)
    trainer.start(10)
    trainer.step(1)
    if ends:
        trainer.end(ends)
    mend_claims(shop.place, older_than=AT_ONCE)
    assert (shop.run(run_id).state, shop.run(run_id).attempt, shop.held()) == (state, 1, [None])
    assert shop.losses(run_id) == [1]


def test_a_fresh_claim_is_left_to_whoever_launches_it(shop: Shop) -> None:
    run_id = shop.queue()
    claim(shop)
    sweep(shop.place)
    assert shop.run(run_id).state == "starting"


def test_a_run_stopped_before_its_launch_ends_stopped(shop: Shop) -> None:
    run_id = shop.queue()
    claim(shop)
    with shop.place.sessions.begin() as db:
        move(db, db.get_one(Run, run_id), STOPPING)
    mend_claims(shop.place, older_than=AT_ONCE)
    assert shop.run(run_id).state == "stopped"
    assert shop.held() == [None]


def test_devices_of_a_run_that_holds_none_are_taken_back(shop: Shop) -> None:
    run_id = shop.queue()
    with shop.place.sessions.begin() as db:
        db.execute(update(Device).values(run_id=run_id, attempt=0))
    take_back_stray_leases(shop.place)
    assert shop.held() == [None]


def test_devices_of_a_running_run_are_left_alone(shop: Shop, fake: FakeLauncher) -> None:
    run_id = shop.queue()
    start_runs(shop.place)
    sweep(shop.place)
    assert shop.held() == [run_id]


@pytest.fixture
def away(shop: Shop) -> int:
    """A run on another host, which was last seen an hour ago."""
    run_id = shop.queue()
    with shop.place.sessions.begin() as db:
        slot = [DeviceSpec("cpu", 0, "slot")]
        register_host(db, name="away", devices=slot, cpu_count=2, memory_bytes=1, versions={})
    claim(shop, host="away")
    hour_ago = now() - timedelta(hours=1)
    with shop.place.sessions.begin() as db:
        db.execute(update(Host).where(Host.name == "away").values(seen_at=hour_ago))
        db.execute(update(Attempt).values(handle="h", started_at=hour_ago))
        db.execute(update(Run).values(state_since=hour_ago))
    return run_id


def test_a_run_of_a_host_that_is_gone_for_good_is_given_up(shop: Shop, away: int) -> None:
    give_up_lost_hosts(shop.place)
    run = shop.run(away)
    assert (run.state, run.failure_kind) == ("failed", "infrastructure")
    assert "Its host away has not been seen since" in str(run.failure_sentence)


def test_a_journal_that_grows_says_that_a_run_is_alive(shop: Shop, away: int) -> None:
    folder = shop.place.folder(away)
    folder.path.mkdir(parents=True)
    folder.journal_file.write_text("{}\n")
    give_up_lost_hosts(shop.place)
    assert shop.run(away).state == "starting"
    long_ago = time.time() - 3600
    os.utime(folder.journal_file, (long_ago, long_ago))
    give_up_lost_hosts(shop.place)
    assert shop.run(away).state == "failed"


def test_sweeping_twice_changes_nothing_more(shop: Shop, fake: FakeLauncher) -> None:
    run_id = shop.queue()
    claim(shop)
    for _ in range(2):
        mend_claims(shop.place, older_than=AT_ONCE)
        sweep(shop.place)
    assert shop.run(run_id).state == "queued"
    assert [attempt.outcome for attempt in shop.attempts(run_id)] == ["requeued"]
