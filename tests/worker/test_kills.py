"""Workers and brokers that are killed, doubled, flooded and emptied: every run ends once, and whole."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
import redis
from kombu import Connection
from sqlalchemy.exc import OperationalError

from backend.db import open_engine
from backend.nudge import celery_publisher
from backend.settings import Settings
from tests.backend import postgres
from tests.worker.conftest import Shop, eventually, open_shop
from tests.worker.services import BROKERS, kill, lab_worker, log_of, redis_server
from tests.worker.test_journal import END, metric, start_line, write
from tests.worker.test_runs import ask_to_stop
from tests.worker.trainer import IS_SLOW, SLOW_STEPS, WAITS
from worker.broker import Broker
from worker.launchers.fake import FakeLauncher
from worker.launchers.processes import cookie_of, members
from worker.runs import start_runs
from worker.sweep import mend_claims, sweep
from worker.watch import Watch


def with_broker(settings: Settings, url: str, **changed: object) -> Settings:
    return Settings(**{**settings.model_dump(), "broker_url": url, **changed})  # type: ignore[arg-type]  # pydantic checks it


@pytest.fixture
def lab(settings: Settings) -> Iterator[Shop]:
    """The record that the worker processes of a test share; no run of it is left behind."""
    shop = open_shop(settings, FakeLauncher())
    yield shop
    for run_id in range(1, 20):
        for process in members(cookie_of(shop.place.folder(run_id).path, shop_attempt(shop, run_id))):
            process.kill()
    shop.place.engine.dispose()


def shop_attempt(shop: Shop, run_id: int) -> int:
    attempts = shop.attempts(run_id)
    return attempts[-1].number if attempts else 0


@pytest.mark.parametrize("kind", BROKERS)
def test_nonsense_and_repeated_messages_change_nothing(
    kind: str, lab: Shop, settings: Settings, tmp_path: Path
) -> None:
    with BROKERS[kind](tmp_path) as url:
        asked = with_broker(settings, url)
        with lab_worker(asked):
            run_id = lab.queue()
            send_nonsense(url)
            send = celery_publisher(url)
            for _ in range(30):
                send("worker.start_runs", ())
                send("worker.sweep", ())
                send("worker.stop_run", (run_id,))
                send("worker.watch_runs", ())
            lab.wait(run_id, "finished")
            second = lab.queue()
            lab.wait(second, "finished")
            eventually(lambda: is_drained(url))
    assert [attempt.number for attempt in lab.attempts(run_id)] == [1]
    assert lab.losses(run_id) == [1, 2, 3]


def send_nonsense(url: str) -> None:
    """A task that nobody knows, arguments of the wrong kind, rows that are not there, and no JSON at all."""
    send = celery_publisher(url)
    send("worker.no_such_task", ())
    send("worker.stop_run", (999_999,))
    send("worker.make_preview", (-1,))
    send("worker.index_dataset", (1, 2, 3))
    with Connection(url) as connection, connection.SimpleQueue("celery") as queue:
        queue.put({"no": "task"}, serializer="json")
        queue.put({1, 2}, serializer="pickle")


def is_drained(url: str) -> bool:
    """Nothing waits, and nothing was taken without being done."""
    with redis.Redis.from_url(url) as client:
        return client.llen("celery") == 0 and client.hlen("unacked") == 0


def test_a_run_goes_on_while_the_broker_is_killed_and_comes_back(
    lab: Shop, settings: Settings, tmp_path: Path
) -> None:
    broker = Broker(tmp_path / "broker")
    broker.start()
    try:
        with lab_worker(with_broker(settings, broker.url)):
            first = lab.queue(IS_SLOW)
            lab.wait(first, "running")
            assert broker.process is not None
            broker.process.kill()
            broker.process.wait()
            seen = len(lab.losses(first))
            eventually(lambda: len(lab.losses(first)) > seen + 5)
            lab.wait(first, "finished")
            second = lab.queue()
            lab.wait(second, "finished")  # nobody could be nudged
            broker.start()
            celery_publisher(broker.url)("worker.sweep", ())
            log = log_of(settings)
            eventually(lambda: "Task worker.sweep" in log.read_text(), within_s=40)
    finally:
        broker.stop()
    assert lab.losses(first) == list(range(1, SLOW_STEPS + 1))


def test_a_broker_that_lost_everything_costs_only_time(lab: Shop, settings: Settings, tmp_path: Path) -> None:
    with redis_server(tmp_path) as url, lab_worker(with_broker(settings, url)):
        runs = [lab.queue() for _ in range(3)]
        with redis.Redis.from_url(url) as client:
            client.flushall()
        for run_id in runs:
            lab.wait(run_id, "finished")


def test_two_workers_of_one_host_do_each_run_once(lab: Shop, settings: Settings, tmp_path: Path) -> None:
    with redis_server(tmp_path) as url:
        asked = with_broker(settings, url, cpu_slots=2)
        with lab_worker(asked, name="one"), lab_worker(asked, name="two"):
            send = celery_publisher(url)
            runs = [lab.queue() for _ in range(8)]
            for _ in runs:
                send("worker.start_runs", ())
            for run_id in runs:
                lab.wait(run_id, "finished", within_s=60)
    assert [len(lab.attempts(run_id)) for run_id in runs] == [1] * 8
    assert [lab.losses(run_id) for run_id in runs] == [[1, 2, 3]] * 8
    assert set(lab.held()) == {None}


def test_a_worker_killed_again_and_again_loses_nothing(lab: Shop, settings: Settings, tmp_path: Path) -> None:
    with redis_server(tmp_path) as url:
        asked = with_broker(settings, url)
        run_id = lab.queue(IS_SLOW)
        for _ in range(2):
            with lab_worker(asked) as worker:
                lab.wait(run_id, "running", "finished")  # the second one may find it at its end
                kill(worker)
        with lab_worker(asked):
            lab.wait(run_id, "finished")
    assert lab.losses(run_id) == list(range(1, SLOW_STEPS + 1))
    assert [attempt.outcome for attempt in lab.attempts(run_id)] == ["finished"]


def test_a_run_that_ended_while_no_worker_was_there_is_recorded_by_the_next(
    lab: Shop, settings: Settings, tmp_path: Path
) -> None:
    with redis_server(tmp_path) as url:
        asked = with_broker(settings, url)
        run_id = lab.queue(IS_SLOW)
        with lab_worker(asked) as worker:
            lab.wait(run_id, "running")
            kill(worker)
        folder = lab.place.folder(run_id)
        eventually(lambda: [line for line in folder.read() if line.event["event"] == "end"])
        assert lab.run(run_id).state == "running"
        with lab_worker(asked):
            lab.wait(run_id, "finished")
    assert lab.losses(run_id) == list(range(1, SLOW_STEPS + 1))


def test_a_stop_asked_while_no_worker_was_there_leaves_no_orphan(
    lab: Shop, settings: Settings, tmp_path: Path
) -> None:
    with redis_server(tmp_path) as url:
        asked = with_broker(settings, url)
        run_id = lab.queue(WAITS)
        with lab_worker(asked) as worker:
            lab.wait(run_id, "running")
            kill(worker)
        ask_to_stop(lab, run_id)
        with lab_worker(asked):
            lab.wait(run_id, "stopped")
    assert not list(members(cookie_of(lab.place.folder(run_id).path, 1)))


def test_a_worker_that_is_asked_to_leave_lets_its_runs_go_on(
    lab: Shop, settings: Settings, tmp_path: Path
) -> None:
    with redis_server(tmp_path) as url, lab_worker(with_broker(settings, url)) as worker:
        run_id = lab.queue(WAITS)
        lab.wait(run_id, "running")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=30) == 0
        cookie = cookie_of(lab.place.folder(run_id).path, 1)
        assert [process for process in members(cookie) if process.status() != psutil.STATUS_ZOMBIE]
        lab.place.folder(run_id).request_stop()
        eventually(lambda: not list(members(cookie)))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SCELAB_BROKER_URL", "", "set SCELAB_BROKER_URL, or start everything with `scelab up`"),
        ("SCELAB_DATABASE_URL", "postgresql+psycopg://lab@127.0.0.1:1/lab", "start its server"),
        ("SCELAB_DATABASE_URL", "", "python -m backend.migrations"),
    ],
)
def test_a_worker_that_cannot_work_leaves_with_a_sentence(
    name: str, value: str, words: str, tmp_path: Path
) -> None:
    """It never says that it is ready and then does nothing: whoever keeps it alive starts it again."""
    with redis_server(tmp_path) as url:
        env = {
            **os.environ,
            "SCELAB_HOME": str(tmp_path),
            "SCELAB_BROKER_URL": url,
            "SCELAB_DATABASE_URL": "",
            name: value,
        }
        worker = subprocess.run(
            [sys.executable, "-m", "worker"], env=env, capture_output=True, text=True, check=False, timeout=60
        )
    assert worker.returncode == 1
    assert words in worker.stderr.strip().splitlines()[-1]


# -- many at once, in one process


def at_once(*actions: Callable[[], object]) -> None:
    """All of them, from as many threads; what one of them raises is raised."""
    failures: list[BaseException] = []
    ready = threading.Barrier(len(actions))

    def act(action: Callable[[], object]) -> None:
        ready.wait()
        try:
            action()
        except BaseException as failure:  # noqa: BLE001 - it is raised below, in the test's own thread
            failures.append(failure)

    threads = [threading.Thread(target=act, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


@pytest.fixture(params=["sqlite", "postgresql"])
def busy(request: pytest.FixtureRequest, settings: Settings, fake: FakeLauncher) -> Iterator[Shop]:
    """A workplace of three slots, on either database."""
    if request.param == "sqlite":
        shop = open_shop(settings, fake, cpu_slots=3)
        yield shop
        shop.place.engine.dispose()
        return
    bin_dir = postgres.binaries()
    if bin_dir is None:
        pytest.fail("this test needs PostgreSQL: make test-tools")
    with postgres.cluster(bin_dir) as folder:
        url = postgres.url_of(folder, "postgres")
        shop = open_shop(settings.model_copy(update={"database_url": url}), fake, cpu_slots=3)
        yield shop
        shop.place.engine.dispose()


def test_many_who_start_at_once_never_share_a_run_or_a_device(busy: Shop, fake: FakeLauncher) -> None:
    runs = [busy.queue() for _ in range(6)]
    at_once(*[lambda: start_runs(busy.place)] * 8)
    assert sorted(folder for folder, *_ in fake.started) == sorted(
        busy.place.folder(run_id).path for run_id in runs[:3]
    )
    assert busy.held() == runs[:3]
    assert [busy.run(run_id).state for run_id in runs] == ["starting"] * 3 + ["queued"] * 3


def test_sweeps_watches_and_starts_at_once_agree(busy: Shop, fake: FakeLauncher) -> None:
    runs = [busy.queue() for _ in range(3)]
    start_runs(busy.place)
    for run_id in runs:
        journal(busy, run_id)
    fake.alive.clear()
    looks = [Watch(busy.place).look for _ in range(3)]
    sweeps = [lambda: sweep(busy.place), lambda: mend_claims(busy.place, older_than=timedelta(0))]
    at_once(*looks, *sweeps, lambda: start_runs(busy.place))
    assert [busy.run(run_id).state for run_id in runs] == ["finished"] * 3
    assert [busy.losses(run_id) for run_id in runs] == [[1, 2]] * 3
    assert busy.held() == [None] * 3


def journal(shop: Shop, run_id: int) -> None:
    """A whole run's journal, as its trainer left it."""
    write(shop, run_id, start_line() + metric(1) + metric(2) + END)


def test_a_database_that_is_away_for_a_while_is_said_and_then_forgotten(lab: Shop) -> None:
    """A look that fails changes nothing; the one after it does its work."""
    run_id = lab.queue()
    away = replace(lab.place, engine=open_engine("sqlite:////nowhere/at/all.db"))
    with pytest.raises(OperationalError):
        start_runs(away)
    assert lab.run(run_id).state == "queued"
    assert start_runs(lab.place) == 1
