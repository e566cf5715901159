"""Running ones that make room: only those that may, as few as are needed, and they come back by themselves."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import update

from backend.db import now
from backend.runs.life import RUNNING, STOPPING, move
from backend.runs.reading import run_view
from backend.runs.tables import Run
from backend.settings import Settings
from tests.worker.conftest import Shop, open_shop
from tests.worker.trainer import IS_SLOW, WAITS
from worker.launchers.fake import FakeLauncher
from worker.launchers.local import LocalLauncher
from worker.runs import start_runs, stop_run
from worker.sweep import broken
from worker.watch import Watch


@pytest.fixture
def polite(settings: Settings, fake: FakeLauncher) -> Iterator[Shop]:
    """Two slots; whoever has a priority below 0 makes room."""
    shop = open_shop(settings.model_copy(update={"preempt_below": 0}), fake, cpu_slots=2)
    yield shop
    shop.place.engine.dispose()


def running(shop: Shop, *priorities: int, devices: int = 1) -> list[int]:
    ids = [shop.queue(priority=priority, devices=devices) for priority in priorities]
    start_runs(shop.place)
    with shop.place.sessions.begin() as db:
        for run_id in ids:
            move(db, db.get_one(Run, run_id), RUNNING)
    return ids


def asked_to_leave(shop: Shop, ids: list[int]) -> list[int]:
    return [run_id for run_id in ids if shop.run(run_id).makes_room_for_id is not None]


def test_the_youngest_of_the_lowest_priority_makes_room_and_no_more_than_are_needed(polite: Shop) -> None:
    ids = [*running(polite, -5), *running(polite, -5)]
    urgent = polite.queue(priority=3)
    for _ in range(3):
        start_runs(polite.place)
    assert asked_to_leave(polite, ids) == [ids[1]]
    assert polite.run(ids[1]).makes_room_for_id == urgent


@pytest.mark.parametrize(
    ("holds", "waits"),
    [(0, 5), (5, 9), (-3, -3), (-3, -5)],
    ids=["not marked", "above the mark", "of the same priority", "of a lower one"],
)
def test_nobody_leaves_who_may_not_be_displaced(polite: Shop, holds: int, waits: int) -> None:
    ids = running(polite, holds, holds)
    polite.queue(priority=waits)
    start_runs(polite.place)
    assert asked_to_leave(polite, ids) == []


def test_nobody_leaves_where_that_would_not_suffice(polite: Shop) -> None:
    ids = running(polite, 1, -5)
    polite.queue(priority=9, devices=2)
    start_runs(polite.place)
    assert asked_to_leave(polite, ids) == []


def test_nobody_leaves_unless_the_lab_says_so(settings: Settings, fake: FakeLauncher) -> None:
    shop = open_shop(settings, fake, cpu_slots=2)
    ids = running(shop, -5, -5)
    shop.queue(priority=9)
    start_runs(shop.place)
    assert asked_to_leave(shop, ids) == []
    shop.place.engine.dispose()


def test_what_was_displaced_does_not_slip_back_while_others_still_leave(polite: Shop) -> None:
    """It was expected to be short, and its device is free: it is kept for whom it left to."""
    first, second = running(polite, -5, -5)
    urgent = polite.queue(priority=3, devices=2)
    start_runs(polite.place)
    assert asked_to_leave(polite, [first, second]) == [first, second]
    with polite.place.sessions.begin() as db:
        db.execute(update(Run).values(expected_s=1.0, eta_s=1e6))
    leave(polite, first)
    start_runs(polite.place)
    assert (polite.run(first).state, polite.run(urgent).state) == ("queued", "queued")
    leave(polite, second)
    start_runs(polite.place)
    assert (polite.run(urgent).state, polite.held()) == ("starting", [urgent, urgent])
    with polite.place.looks.begin() as db:
        words = run_view(db, db.get_one(Run, first)).waits_for
    assert words == f"It made room for run {urgent}. It is next: it waits for 1 device to become free."


def leave(shop: Shop, run_id: int) -> None:
    """As a trainer does that saved its state: its last line, then it is gone."""
    stop_run(shop.place, run_id)
    folder = shop.place.folder(run_id)
    assert folder.stop_requested() == "preempt"
    end = {"event": "end", "status": "preempted", "kind": None, "sentence": None}
    folder.append(end, attempt=shop.run(run_id).attempt)  # type: ignore[arg-type]  # a literal
    launcher = shop.place.launcher
    assert isinstance(launcher, FakeLauncher)
    launcher.alive.discard(launcher.handle_of(folder.path, shop.run(run_id).attempt))
    Watch(shop.place).look()


def test_a_run_that_does_not_leave_is_overdue_and_ended_and_queued_again(
    polite: Shop, fake: FakeLauncher
) -> None:
    first, _ = running(polite, -5, -5)
    polite.queue(priority=3, devices=2)
    start_runs(polite.place)
    with polite.place.sessions.begin() as db:
        db.execute(update(Run).where(Run.id == first).values(makes_room_since=now() - timedelta(hours=1)))
    assert f"Run {first} is making room for longer than 10 s." in broken(polite.place)
    watch = Watch(polite.place)
    watch.look()
    watch.look()
    assert polite.run(first).state == "queued"
    assert "did not leave within" in str(polite.attempts(first)[0].sentence)


def test_a_stop_of_one_that_makes_room_stops_it(polite: Shop) -> None:
    first, _ = running(polite, -5, -5)
    polite.queue(priority=3, devices=2)
    start_runs(polite.place)
    stop_run(polite.place, first)
    with polite.place.sessions.begin() as db:
        move(db, db.get_one(Run, first), STOPPING)
    leave(polite, first)
    assert polite.run(first).state == "stopped"


def test_real_processes_leave_to_a_run_of_a_higher_priority_and_come_back(
    settings: Settings, launcher: LocalLauncher
) -> None:
    real = open_shop(settings.model_copy(update={"preempt_below": 0, "stop_grace_s": 20}), launcher)
    low, watch = real.queue(WAITS, priority=-1), Watch(real.place)
    start_runs(real.place)
    real.wait(low, "running", watch=watch)
    urgent = real.queue(IS_SLOW, priority=1)
    start_runs(real.place)
    real.wait(low, "queued", watch=watch)
    assert real.attempts(low)[0].outcome == "preempted"
    start_runs(real.place)
    assert (real.held(), real.run(low).state) == ([urgent], "queued")
    start_runs(real.place)
    real.wait(urgent, "finished", watch=watch)
    start_runs(real.place)
    real.wait(low, "running", watch=watch)
    assert (real.run(low).attempt, real.run(low).makes_room_for_id, len(real.attempts(urgent))) == (
        2,
        None,
        1,
    )
    launcher.end(real.attempts(low)[1].handle)  # type: ignore[arg-type]  # it was started
    real.place.engine.dispose()
