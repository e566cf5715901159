"""The whole platform by one command: it says what is in the way, keeps its parts alive, leaves nothing behind."""

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import pytest
from pydantic import SecretStr

from backend.connection import read_connection
from backend.settings import Settings
from tests.worker.conftest import eventually
from worker.children import Child, Program, back_off_s, end
from worker.clock import Clock
from worker.devices import parse_gpus
from worker.ground import CannotStart, claim_home, require_free_port
from worker.stack import environment_of, running_stack
from worker.up import main


def test_one_command_brings_everything_up_and_takes_it_all_down(settings: Settings) -> None:
    said: list[str] = []
    with running_stack(settings, say=said.append) as stack:
        pids = stack.pids()
        assert set(pids) == {"broker", "api", "worker"}
        found = read_connection(settings)
        assert (found.url, found.token) == (stack.url, stack.token)
        assert stat.S_IMODE((settings.home / "connection.json").stat().st_mode) == 0o600
        with httpx.Client(base_url=stack.url, headers={"Authorization": f"Bearer {stack.token}"}) as client:
            assert client.get("/api/v1/session").status_code == 200
            assert [host["state"] for host in client.get("/api/v1/hosts").json()] == ["online"]
        with httpx.Client(base_url=stack.url, follow_redirects=False) as visitor:
            assert visitor.get(stack.login_link()).status_code in (302, 303, 307)
        refuse_a_second(settings)
        os.kill(pids["worker"], signal.SIGKILL)
        eventually(lambda: stack.pids()["worker"] != pids["worker"])
        assert any("The worker ended by SIGKILL" in sentence for sentence in said)
        pids = stack.pids()
    assert not [pid for pid in pids.values() if psutil.pid_exists(pid)]
    assert not (settings.home / "connection.json").exists()


def refuse_a_second(settings: Settings) -> None:
    with pytest.raises(CannotStart, match="SCE Lab already runs on"), running_stack(settings):
        pass


def test_its_parts_leave_when_it_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "worker.up", "--home", str(tmp_path), "--port", "0"]
    up = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    assert up.stdout is not None
    assert b"SCE Lab answers at" in up.stdout.readline()
    parts = psutil.Process(up.pid).children(recursive=True)
    assert len(parts) >= 3
    up.kill()
    up.wait()
    up.stdout.close()
    _, left = psutil.wait_procs(parts, timeout=20)
    assert left == []


@pytest.mark.parametrize("arguments", [["--port", "PORT"], ["--home", "/proc/nowhere"]])
def test_what_is_in_the_way_is_one_sentence(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        given = [port if part == "PORT" else part for part in arguments]
        assert main(["--home", str(tmp_path), *given]) == 1
    sentence = capsys.readouterr().err
    assert "choose another with --" in sentence
    assert len(sentence.splitlines()) == 1


def test_serving_others_without_a_password_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--host", "0.0.0.0"]) == 1
    assert "set SCELAB_ADMIN_PASSWORD first" in capsys.readouterr().err


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(CannotStart, match="--host"):
        require_free_port("192.0.2.1", 8265)


def test_a_home_is_free_again_when_its_platform_ended(tmp_path: Path) -> None:
    for _ in range(2):
        with claim_home(tmp_path):
            pass


@pytest.mark.parametrize("more", [{}, {"labels": {"gpu": "a100", "room": "b"}, "preempt_below": -3}])
def test_children_read_the_same_settings(
    more: dict[str, object], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = settings.model_copy(
        update={
            "data_roots": (Path("/a"), Path("/b")),
            "broker_url": SecretStr("redis://x"),
            "port": 1234,
            **more,
        }
    )
    for name, text in environment_of(asked).items():
        monkeypatch.setenv(name, text)
    assert Settings() == asked


def test_the_more_often_a_part_dies_the_later_it_is_started_again() -> None:
    assert [back_off_s(deaths) for deaths in (1, 2, 3, 50)] == [0.5, 1.0, 2.0, 10.0]


def test_a_part_that_dies_is_started_again_and_it_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    child = Child("part", Program([sys.executable, "-c", "raise SystemExit(3)"], {}), tmp_path / "log")
    child.start()
    first = child.pid
    eventually(lambda: child.keep_alive(said.append) or child.pid != first)
    assert said[0] == "The part ended with status 3; it is started again in 0.5 s."
    child.stop()


def test_a_part_that_ignores_the_polite_signal_is_ended_with_its_group(tmp_path: Path) -> None:
    script = "import signal, subprocess, sys, time; signal.signal(15, signal.SIG_IGN);"
    script += (
        "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid, flush=True);"
    )
    script += "time.sleep(60)"
    part = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, start_new_session=True)
    assert part.stdout is not None
    grandchild = int(part.stdout.readline())
    end(part, patience_s=0.2)
    part.stdout.close()
    eventually(lambda: not is_running(grandchild))


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_tick_that_fails_is_counted_and_the_clock_goes_on() -> None:
    ticks: list[float] = []

    def tick() -> None:
        ticks.append(time.monotonic())
        if len(ticks) < 3:
            raise OSError("the disk is away")

    clock = Clock("test", 0.01, tick)
    clock.start()
    eventually(lambda: len(ticks) > 5)
    clock.stop()
    clock.join()
    assert clock.failures == 0


def test_a_clock_that_fails_ticks_later_and_later() -> None:
    clock = Clock("test", 0.3, lambda: None)
    clock.failures = 3
    assert clock.pause_s() == pytest.approx(2.4)
    clock.failures = 100
    assert clock.pause_s() == 30.0


def test_a_clock_ticks_at_once_when_it_is_woken() -> None:
    ticks: list[int] = []
    clock = Clock("test", 600.0, lambda: ticks.append(1))
    clock.start()
    eventually(lambda: len(ticks) == 1)
    clock.wake()
    eventually(lambda: len(ticks) == 2, within_s=2)
    clock.stop()


NVIDIA_SMI = """0, GPU-aaaa, 143771, NVIDIA H200
1, GPU-bbbb, 81559, NVIDIA A100-SXM4-80GB, special
2, GPU-cccc, [N/A], NVIDIA GB10
"""


def test_gpus_are_read_from_nvidia_smi() -> None:
    gpus = parse_gpus(NVIDIA_SMI, visible=None)
    assert [(gpu.number, gpu.name) for gpu in gpus][:2] == [
        (0, "NVIDIA H200"),
        (1, "NVIDIA A100-SXM4-80GB, special"),
    ]
    assert gpus[0].memory_bytes == 143771 * 2**20
    assert gpus[2].memory_bytes is None


@pytest.mark.parametrize(
    ("visible", "numbers"), [("", []), ("1", [1]), ("GPU-cccc,0", [0, 2]), (None, [0, 1, 2])]
)
def test_only_gpus_that_may_be_used_are_offered(visible: str | None, numbers: list[int]) -> None:
    assert [gpu.number for gpu in parse_gpus(NVIDIA_SMI, visible=visible)] == numbers


def test_a_host_without_gpus_has_none() -> None:
    assert parse_gpus("", visible=None) == ()
