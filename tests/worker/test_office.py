"""One worker at work in this process: its clocks tick, its nudges wake them, and it leaves in order."""

import os
from collections.abc import Iterator

import psutil
import pytest
from sqlalchemy import select

from backend.compute.tables import Device, Host
from backend.datasets import service
from backend.errors import Away, NotFound
from backend.migrations import upgrade
from backend.runs.claims import claim_next
from backend.settings import Settings
from tests.worker.conftest import HOST, Shop, eventually
from worker import app as worker_app
from worker import hosts
from worker.clock import Clocks
from worker.launchers.fake import FakeLauncher
from worker.office import OWN_CLOCKS, Office, publisher
from worker.place import open_workplace


@pytest.fixture
def office(settings: Settings, fake: FakeLauncher) -> Iterator[Office]:
    """A worker of two slots whose clocks tick; its runs have no processes."""
    upgrade(settings.database)
    office = Office(settings.model_copy(update={"cpu_slots": 2}), launcher=fake)
    office.open()
    yield office
    office.close()


@pytest.fixture
def lab(office: Office) -> Shop:
    return Shop(office.place)


def host_of(shop: Shop) -> Host:
    with shop.place.looks.begin() as db:
        return db.scalars(select(Host)).one()


def test_a_worker_makes_its_host_known_with_what_it_has(lab: Shop) -> None:
    host = host_of(lab)
    assert host.name == HOST
    assert host.memory_bytes == psutil.virtual_memory().total
    assert host.cpu_count == len(os.sched_getaffinity(0))
    assert host.versions["scelab"]
    assert lab.held() == [None, None]


def test_how_busy_the_host_is_comes_with_its_first_sign_of_life(lab: Shop) -> None:
    host = eventually(lambda: host if (host := host_of(lab)).disk_total_bytes else None)
    assert 0 < host.disk_free_bytes <= host.disk_total_bytes
    assert 0 < host.memory_used_bytes <= host.memory_bytes


def test_a_queued_run_is_found_without_any_message(lab: Shop, fake: FakeLauncher) -> None:
    run_id = lab.queue()
    lab.wait(run_id, "starting")
    # The claim is committed before the launch.
    assert eventually(lambda: [attempt for _, attempt, _ in fake.started]) == [1]


def test_a_freed_device_starts_the_next_run(lab: Shop, office: Office, fake: FakeLauncher) -> None:
    runs = [lab.queue() for _ in range(3)]
    for run_id in runs[:2]:
        lab.wait(run_id, "starting")
    fake.alive.discard(fake.handle_of(lab.place.folder(runs[0]).path, 1))
    lab.wait(runs[0], "failed")
    lab.wait(runs[2], "starting", within_s=5)


def test_a_restarted_worker_leaves_the_devices_to_the_runs_that_hold_them(lab: Shop) -> None:
    run_id = lab.queue()
    lab.wait(run_id, "starting")
    hosts.register(lab.place)
    assert sorted(lab.held(), key=str) == [run_id, None]


def test_a_device_that_is_gone_stays_as_long_as_its_run(settings: Settings, fake: FakeLauncher) -> None:
    """The host came back with one slot less, and the run on the second one still goes on."""
    upgrade(settings.database)
    large = Shop(open_workplace(settings.model_copy(update={"cpu_slots": 2}), launcher=fake))
    hosts.register(large.place)
    for _ in range(2):
        large.queue()
        with large.place.sessions.begin() as db:
            claim_next(db, host=large.place.host)
    small = open_workplace(settings, launcher=fake)
    hosts.register(small)
    with small.looks.begin() as db:
        assert len(db.scalars(select(Device)).all()) == 2
    for place in (small, large.place):
        place.engine.dispose()


def test_a_sign_of_life_of_a_host_that_nobody_knows_is_an_error(settings: Settings) -> None:
    upgrade(settings.database)
    place = open_workplace(settings)
    with pytest.raises(NotFound):
        hosts.report(place)
    place.engine.dispose()


@pytest.mark.parametrize(("task", "clock"), OWN_CLOCKS.items())
def test_a_nudge_to_ourselves_needs_no_broker(
    task: str, clock: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    clocks, woken = Clocks(), []
    monkeypatch.setattr(clocks, "wake", woken.append)
    publisher(settings, clocks)(task, ())
    assert woken == [clock]


def test_a_nudge_to_others_without_a_broker_is_left_to_the_sweep(settings: Settings) -> None:
    publisher(settings, Clocks())("worker.stop_run", (1,))


def test_every_task_does_its_work_twice_without_harm(
    office: Office, lab: Shop, fake: FakeLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_app, "_offices", [office])
    monkeypatch.setenv("SCELAB_HOME", str(lab.place.settings.home))  # for the process that indexes
    (lab.place.settings.home / "data" / "none").mkdir(parents=True)
    run_id = lab.queue()
    with lab.place.sessions.begin() as db:
        dataset = service.register(db, lab.place.settings, name="none", root="none", kind="video")
    arguments = {"stop_run": (run_id,), "index_dataset": (dataset.id,), "make_preview": (1,)}
    for task in worker_app.TASKS * 2:
        task(*arguments.get(task.__name__, ()))
    lab.wait(run_id, "starting")
    assert lab.place.folder(run_id).stop_requested() is None  # nobody asked for it in the record
    # The claim is committed before the launch.
    assert eventually(lambda: [attempt for _, attempt, _ in fake.started]) == [1]


def test_every_task_is_known_to_the_broker_by_its_name() -> None:
    assert {f"worker.{task.__name__}" for task in worker_app.TASKS} <= set(worker_app.app.tasks)


def test_leaving_stops_the_clocks_and_twice_is_no_error(office: Office) -> None:
    office.close()
    assert not [clock for clock in office.clocks.clocks.values() if clock.is_alive()]
    office.close()


def test_a_worker_without_a_database_leaves_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SCELAB_DATABASE_URL", "postgresql+psycopg://lab:hunter2@127.0.0.1:1/lab")
    monkeypatch.setattr(worker_app, "_offices", [])
    with pytest.raises(Away):
        worker_app.open_office()
    with pytest.raises(SystemExit) as left:
        worker_app._open(sender=None)
    assert "The worker cannot start." in str(left.value)
    assert "hunter2" not in str(left.value)
