"""``scelab up``: what it is told, what it says, and every way in which it cannot start."""

import os
import signal
import socket
from pathlib import Path

import pytest

from backend.settings import Settings
from worker.broker import Broker, free_port
from worker.ground import CannotStart, require_broker
from worker.stack import running_stack
from worker.up import flag_on_signals, main, settings_from


@pytest.fixture(autouse=True)
def own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("SCELAB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SCELAB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SCELAB_PORT", "0")


def complaint(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that a failing start prints."""
    assert main([]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    return line


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SCELAB_DATABASE_URL", "postgresql+psycopg://lab:hunter2@127.0.0.1:1/lab", "start its server"),
        ("SCELAB_DATABASE_URL", "nonsense", "is no address of a database"),
        ("SCELAB_BROKER_URL", "redis://:hunter2@127.0.0.1:1/0", "broker on 127.0.0.1 does not answer"),
        ("SCELAB_BROKER_URL", "amqp://lab:hunter2@127.0.0.1/", "is no address of a Redis"),
        ("SCELAB_HOST", "192.0.2.1", "choose another address with --host"),
        ("SCELAB_PORT", "70000", "65535"),
        ("SCELAB_CPU_SLOTS", "none", "integer"),
    ],
)
def test_what_is_in_the_way_is_one_sentence_without_a_password(
    name: str, value: str, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SCELAB_ADMIN_PASSWORD", "a long enough one")
    monkeypatch.setenv(name, value)
    line = complaint(capsys)
    assert words.lower() in line.lower()
    assert "hunter2" not in line


def test_a_damaged_database_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "scelab.db").write_bytes(b"no database at all " * 500)
    assert "choose another folder with --home" in complaint(capsys)


def test_a_home_is_free_again_after_a_start_that_failed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SCELAB_BROKER_URL", "redis://127.0.0.1:1/0")
    assert complaint(capsys) == complaint(capsys)


def test_the_command_line_counts_before_the_environment(tmp_path: Path) -> None:
    asked = settings_from(["--home", str(tmp_path), "--port", "99", "--data-root", "/a", "--data-root", "/b"])
    assert (asked.home, asked.port, asked.data_roots) == (tmp_path, 99, (Path("/a"), Path("/b")))


def test_what_is_not_said_comes_from_the_environment(tmp_path: Path) -> None:
    assert settings_from([]).home == tmp_path / "home"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_term_only_raise_a_flag(number: signal.Signals) -> None:
    before = {asked: signal.getsignal(asked) for asked in (signal.SIGINT, signal.SIGTERM)}
    try:
        flag = flag_on_signals()
        os.kill(os.getpid(), number)
        assert flag.wait(5)
    finally:
        for asked, handler in before.items():
            signal.signal(asked, handler)


def test_a_free_port_is_found_on_either_loopback() -> None:
    for host, family in (("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)):
        with socket.socket(family) as server:
            server.bind((host, free_port(host)))


def test_a_broker_with_another_password_is_told(tmp_path: Path) -> None:
    broker = Broker(tmp_path)
    broker.start()
    try:
        require_broker(broker.url)
        with pytest.raises(CannotStart, match="does not answer") as caught:
            require_broker(broker.url.replace(broker.password, "wrong-password"))
    finally:
        broker.stop()
    assert "wrong-password" not in str(caught.value)


def test_a_part_that_cannot_start_is_told_with_its_last_line(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The API refuses to serve: its own last line is what a person needs."""
    monkeypatch.setattr("worker.stack.sys.executable", "/bin/false")
    with (
        pytest.raises(CannotStart, match=r"The (api|worker) did not start: .*\.log"),
        running_stack(settings),
    ):
        pytest.fail("it came up without its parts")
    assert not (settings.home / "connection.json").exists()


def test_a_program_that_is_not_there_is_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.stack.sys.executable", "/no/such/python")
    with pytest.raises(CannotStart, match="No such file"), running_stack(settings):
        pytest.fail("it came up without its parts")
