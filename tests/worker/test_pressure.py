"""When processes that are there are asked to leave, and when they are ended: a table of times."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from backend.db import now
from backend.runs.life import RUNNING, STARTING, STOPPING, RunState
from backend.runs.tables import Run
from tests.worker.conftest import Shop
from tests.worker.test_runs import ask_to_stop
from worker.launchers.fake import FakeLauncher
from worker.runs import start_runs
from worker.watch import KILL_AFTER_S, Pressure, Watch, pressure_on

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
