"""When processes that are there are asked to leave, and when they are ended: a table of times."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from backend.db import now
from backend.runs.life import RUNNING, STARTING, STOPPING, RunState
from backend.runs.tables import Run
from backend.settings import Settings
from tests.worker.conftest import Shop, open_shop
from tests.worker.test_runs import ask_to_stop
from tests.worker.trainer import Trainer
from worker.launchers.fake import FakeLauncher
from worker.runs import start_runs
from worker.watch import KILL_AFTER_S, Pressure, Watch, gap_s, pressure_on

GRACE_S = 60.0


@pytest.mark.parametrize(
    ("state", "state_for_s", "over_for_s", "wanted"),
    [
        (RUNNING, 1e6, None, Pressure.NONE),
        (RUNNING, 10, 5, Pressure.NONE),  # it is putting its things away
        (RUNNING, 10, 16, Pressure.END),
        (STOPPING, 59, None, Pressure.NONE),
        (STOPPING, 61, None, Pressure.ASK),
        (STOPPING, 71, None, Pressure.END),
        (STOPPING, 5, 16, Pressure.END),
        (STARTING, 600, None, Pressure.NONE),
        (STARTING, 1801, None, Pressure.END),
    ],
)
def test_pressure_rises_with_time(
    state: RunState, state_for_s: float, over_for_s: float | None, wanted: Pressure
) -> None:
    assert pressure_on(state=state, state_for_s=state_for_s, over_for_s=over_for_s, grace_s=GRACE_S) is wanted


@pytest.mark.parametrize("put_back", [timedelta(0), timedelta(hours=2)])
def test_a_clock_that_is_put_back_gives_a_run_that_hangs_no_more_time(
    put_back: timedelta, shop: Shop, fake: FakeLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, watch, moment = shop.queue(), Watch(shop.place), 1000.0
    start_runs(shop.place)
    ask_to_stop(shop, run_id)
    with shop.place.sessions.begin() as db:
        db.execute(update(Run).values(state_since=now() + put_back))
    monkeypatch.setattr("worker.watch.time.monotonic", lambda: moment)
    watch.look()
    moment += shop.place.settings.stop_grace_s + 0.1
    watch.look()
    assert (len(fake.asked), fake.ended) == (1, [])
    moment += KILL_AFTER_S
    watch.look()
    assert len(fake.ended) == 1
    watch.look()
    assert shop.run(run_id).state == "stopped"
    watch.look()
    assert watch.waits.first_seen == {}, "it remembers nothing of runs that are over"


def test_a_few_runs_are_looked_at_each_time_and_many_soon_enough_for_the_page() -> None:
    assert [gap_s(1), gap_s(25)] == [0.0, 0.0]
    assert 0 < gap_s(40) < gap_s(100) <= gap_s(5000) <= 1.5


def test_each_of_many_runs_is_read_less_often_and_none_is_forgotten(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, moment = open_shop(settings, FakeLauncher(), cpu_slots=40), 1000.0
    monkeypatch.setattr("worker.watch.time.monotonic", lambda: moment)
    runs = [shop.queue() for _ in range(40)]
    start_runs(shop.place)
    watch = Watch(shop.place)
    watch.look()
    for run_id in runs:
        Trainer(shop.place.folder(run_id), 1).start(10)
    watch.look()
    assert {shop.run(run_id).state for run_id in runs} == {"starting"}, "it was looked at a moment ago"
    moment += gap_s(40) + 0.01
    watch.look()
    assert {shop.run(run_id).state for run_id in runs} == {"running"}
    shop.place.engine.dispose()
