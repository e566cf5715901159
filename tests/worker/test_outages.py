"""Brokers and databases that refuse, fill up, pause or disagree: said, survived, and no training runs twice."""

import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from kombu import Connection
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from backend.nudge import celery_publisher, nudge
from backend.settings import Settings
from tests.backend import postgres
from tests.worker.conftest import Shop, eventually, open_shop
from tests.worker.services import lab_worker, redis_server
from tests.worker.test_kills import journal, lab, with_broker  # noqa: F401 - lab is a fixture
from tests.worker.trainer import IS_SLOW, SLOW_STEPS, WAITS
from worker.app import make_app
from worker.clock import failure_of
from worker.launchers.fake import FakeLauncher
from worker.launchers.processes import cookie_of, members
from worker.runs import start_runs
from worker.sweep import sweep
from worker.watch import Watch

# -- the broker


def test_a_broker_with_another_password_costs_only_the_nudges(
    lab: Shop,  # noqa: F811 - a fixture
    settings: Settings,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with redis_server(tmp_path) as url:
        with redis.Redis.from_url(url) as client:
            client.config_set("requirepass", "right")
        wrong = url.replace("redis://", "redis://:wrong@")
        tell(lab, wrong)
        assert "lost nudge worker.start_runs" in caplog.text
        with lab_worker(with_broker(settings, wrong), ready="Cannot connect"):
            run_id = lab.queue()
            lab.wait(run_id, "finished")


def test_a_broker_that_is_full_costs_only_the_nudges(
    lab: Shop,  # noqa: F811 - a fixture
    settings: Settings,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with redis_server(tmp_path) as url, lab_worker(with_broker(settings, url)):
        with redis.Redis.from_url(url) as client:
            client.config_set("maxmemory", "1")
        tell(lab, url)
        assert "lost nudge worker.start_runs" in caplog.text
        run_id = lab.queue()
        lab.wait(run_id, "finished")
        with redis.Redis.from_url(url) as client:
            client.config_set("maxmemory", "0")
        second = lab.queue()
        lab.wait(second, "finished")
        eventually(lambda: is_heard(url), within_s=40)


def tell(shop: Shop, url: str) -> None:
    """A nudge that cannot leave fails nothing of what was committed."""
    with shop.place.sessions.begin() as db:
        db.info["publish"] = celery_publisher(url)
        nudge(db, "worker.start_runs")


def is_heard(url: str) -> bool:
    """Whether the worker takes messages again."""
    celery_publisher(url)("worker.heartbeat", ())
    time.sleep(0.5)
    with redis.Redis.from_url(url) as client:
        return client.llen("celery") == 0


def test_a_message_that_is_delivered_again_and_again_starts_no_training_twice(
    lab: Shop,  # noqa: F811 - a fixture
    settings: Settings,
    tmp_path: Path,
) -> None:
    """As when whoever took it was silent for longer than the visibility timeout, while the run goes on."""
    with redis_server(tmp_path) as url:
        celery_publisher(url)("worker.start_runs", ())
        options = make_app(settings).conf.broker_transport_options | {"visibility_timeout": 0}
        with Connection(url, transport_options=options) as silent:
            queue = silent.SimpleQueue("celery")
            queue.get(timeout=5)  # taken, and never acknowledged
            with lab_worker(with_broker(settings, url)):
                run_id = lab.queue(WAITS)
                lab.wait(run_id, "running")
                steps = len(lab.losses(run_id))
                for _ in range(5):
                    silent.default_channel.qos.restore_visible(num=10, interval=1)
                    queue.consumer.channel.qos.restore_visible(num=10, interval=1)
                    time.sleep(0.3)
                eventually(lambda: len(lab.losses(run_id)) > steps + 5)
                cookie = cookie_of(lab.place.folder(run_id).path, 1)
                trainers = [one for one in members(cookie) if "--attempt" in one.cmdline()]
                assert {one.cmdline()[-1] for one in trainers} == {"1"}
                assert [attempt.number for attempt in lab.attempts(run_id)] == [1]
                with redis.Redis.from_url(url) as client:
                    assert client.hlen("unacked") == 0, "it was delivered again, and done"


# -- the database


@pytest.fixture
def cluster() -> Iterator[str]:
    bin_dir = postgres.binaries()
    if bin_dir is None:
        pytest.fail("this test needs PostgreSQL: make test-tools")
    with postgres.cluster(bin_dir) as folder:
        yield folder


def test_a_database_that_pauses_as_in_a_failover_loses_nothing(
    cluster: str, settings: Settings, tmp_path: Path
) -> None:
    there = settings.model_copy(update={"database_url": postgres.url_of(cluster, "postgres")})
    shop = open_shop(there, FakeLauncher())
    with redis_server(tmp_path) as url, lab_worker(with_broker(there, url)):
        run_id = shop.queue(IS_SLOW)
        shop.wait(run_id, "running")
        with paused(cluster):
            time.sleep(8)  # the run ends meanwhile, and nobody can write that down
        shop.wait(run_id, "finished", within_s=30)
    assert [attempt.number for attempt in shop.attempts(run_id)] == [1]
    assert shop.losses(run_id) == list(range(1, SLOW_STEPS + 1))
    shop.place.engine.dispose()


class paused:  # noqa: N801 - it reads as the statement that it is
    """Every process of the server stands still."""

    def __init__(self, folder: str) -> None:
        postmaster = (Path(folder) / "data" / "postmaster.pid").read_text().split()[0]
        children = subprocess.run(["pgrep", "-P", postmaster], capture_output=True, text=True, check=True)
        self.pids = [int(postmaster), *map(int, children.stdout.split())]

    def __enter__(self) -> None:
        self._tell(signal.SIGSTOP)

    def __exit__(self, *_: object) -> None:
        self._tell(signal.SIGCONT)

    def _tell(self, what: signal.Signals) -> None:
        for pid in self.pids:
            subprocess.run(["kill", f"-{what.value}", str(pid)], check=False)


def test_transactions_that_cannot_be_put_in_an_order_are_tried_again(
    cluster: str, settings: Settings, fake: FakeLauncher
) -> None:
    """The strictest isolation, and six workers' clocks on it: some ticks fail, and all runs end once."""
    url = postgres.url_of(cluster, "postgres")
    with create_engine(url, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql(
            "ALTER DATABASE postgres SET default_transaction_isolation = 'serializable'"
        )
    shop = open_shop(settings.model_copy(update={"database_url": url}), fake, cpu_slots=3)
    runs = [shop.queue() for _ in range(9)]
    failures: list[Exception] = []

    def tick() -> None:
        for _ in range(40):
            for action in (lambda: start_runs(shop.place), Watch(shop.place).look, lambda: sweep(shop.place)):
                if (failure := failure_of(action)) is not None:
                    failures.append(failure)
            for folder, *_ in list(fake.started):
                end(shop, fake, int(folder.name))

    threads = [threading.Thread(target=tick) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {type(failure) for failure in failures} <= {OperationalError}
    assert any("could not serialize" in str(failure) for failure in failures), "the test tests nothing else"
    assert [shop.run(run_id).state for run_id in runs] == ["finished"] * 9
    assert [[attempt.number for attempt in shop.attempts(run_id)] for run_id in runs] == [[1]] * 9
    assert [shop.losses(run_id) for run_id in runs] == [[1, 2]] * 9
    shop.place.engine.dispose()


def end(shop: Shop, fake: FakeLauncher, run_id: int) -> None:
    """Its trainer wrote all of its journal, and left."""
    folder = shop.place.folder(run_id)
    with LOCK:
        if not folder.journal_file.exists() or not folder.journal_file.stat().st_size:
            journal(shop, run_id)
            fake.alive.clear()


LOCK = threading.Lock()
