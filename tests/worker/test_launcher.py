"""Real processes: they are found, told apart, ended whole, and see no secret."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from sce.definition import Pretrain
from sce.definition.data import VideoData
from sce.rundir import RunDir
from tests.worker.conftest import eventually
from tests.worker.trainer import HAS_A_HELPER, IGNORES_THE_STOP, KILLS_ITSELF, LEAVES_A_CHILD, WAITS
from worker.launchers import Exit, Handle, LaunchFailed, Resources, Sighting
from worker.launchers.local import LocalLauncher, command_of, environment, may_pass
from worker.launchers.processes import COOKIE, RUN, Leader, cookie_of, members, start_time

SLOT = Resources("cpu", (0,), threads=1)


def start(launcher: LocalLauncher, folder: Path, seed: int, *, attempt: int = 1) -> Handle:
    run = RunDir(folder)
    run.path.mkdir(parents=True, exist_ok=True)
    run.write_definition(Pretrain(data=VideoData(root="videos"), seed=seed))
    return launcher.start(folder, attempt=attempt, resources=SLOT)


def events(folder: Path) -> list[str]:
    return [line.event["event"] for line in RunDir(folder).read()]


def test_a_run_is_seen_while_it_lasts_and_gone_when_it_ended(launcher: LocalLauncher, tmp_path: Path) -> None:
    handle = start(launcher, tmp_path, seed=1)
    assert launcher.observe(handle) is Sighting.ALIVE
    eventually(lambda: launcher.observe(handle) is Sighting.GONE)
    assert events(tmp_path) == ["start", "metrics", "metrics", "metrics", "end"]
    assert launcher.exit_of(tmp_path, attempt=1) == Exit(code=0, signal=None, oom_kills=0)
    assert "hello from the trainer" in (tmp_path / "output.log").read_text()


def test_how_it_was_killed_is_known_afterwards(launcher: LocalLauncher, tmp_path: Path) -> None:
    handle = start(launcher, tmp_path, KILLS_ITSELF)
    eventually(lambda: launcher.observe(handle) is Sighting.GONE)
    assert launcher.exit_of(tmp_path, attempt=1) == Exit(code=None, signal=signal.SIGKILL, oom_kills=0)


def test_a_zombie_is_gone() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    eventually(lambda: psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE)
    assert start_time(child.pid) is None
    child.wait()


def test_a_process_that_got_a_used_number_is_another_one(launcher: LocalLauncher, tmp_path: Path) -> None:
    mine = os.getpid()
    began = start_time(mine)
    assert began is not None
    reused = Handle(str(Leader(mine, began - 1, "here", cookie_of(tmp_path, 1))))
    assert launcher.observe(reused) is Sighting.GONE
    launcher.end(reused)  # and we are still here


def test_nothing_of_an_attempt_survives_its_end(launcher: LocalLauncher, tmp_path: Path) -> None:
    """The child has a session of its own, as torchrun's ranks have."""
    handle = start(launcher, tmp_path, LEAVES_A_CHILD)
    eventually(lambda: launcher.exit_of(tmp_path, attempt=1))
    eventually(lambda: launcher.observe(handle) is Sighting.LEFT_BEHIND)
    launcher.end(handle)
    eventually(lambda: launcher.observe(handle) is Sighting.GONE)
    assert not list(members(cookie_of(tmp_path, 1)))


def test_a_trainer_goes_on_without_its_attendant_and_its_helpers_do_not_pass_for_it(
    launcher: LocalLauncher, tmp_path: Path
) -> None:
    handle = start(launcher, tmp_path, HAS_A_HELPER)
    eventually(lambda: "metrics" in events(tmp_path))
    os.kill(Leader.parse(handle).pid, signal.SIGKILL)
    assert launcher.observe(handle) is Sighting.ALIVE
    start_line = next(line.event for line in RunDir(tmp_path).read())
    os.kill(start_line["pid"], signal.SIGKILL)
    eventually(lambda: launcher.observe(handle) is Sighting.LEFT_BEHIND)
    launcher.end(handle)
    eventually(lambda: launcher.observe(handle) is Sighting.GONE)


def test_who_ignores_the_polite_signal_is_ended_by_the_other(launcher: LocalLauncher, tmp_path: Path) -> None:
    handle = start(launcher, tmp_path, IGNORES_THE_STOP)
    eventually(lambda: events(tmp_path) == ["start"])
    launcher.ask_to_leave(handle)
    time.sleep(0.3)
    assert launcher.observe(handle) is Sighting.ALIVE
    launcher.end(handle)
    eventually(lambda: launcher.observe(handle) is Sighting.GONE)


def test_the_polite_signal_reaches_the_trainer(launcher: LocalLauncher, tmp_path: Path) -> None:
    handle = start(launcher, tmp_path, WAITS)
    eventually(lambda: "metrics" in events(tmp_path))
    launcher.ask_to_leave(handle)
    eventually(lambda: launcher.observe(handle) is Sighting.GONE)
    exit = launcher.exit_of(tmp_path, attempt=1)
    assert exit is not None
    assert exit.signal == signal.SIGTERM


def test_a_trainer_whose_attendant_was_killed_is_still_seen_and_ended(
    launcher: LocalLauncher, tmp_path: Path
) -> None:
    handle = start(launcher, tmp_path, WAITS)
    eventually(lambda: "metrics" in events(tmp_path))
    os.kill(Leader.parse(handle).pid, signal.SIGKILL)
    time.sleep(0.2)
    assert launcher.observe(handle) is Sighting.ALIVE
    launcher.ask_to_leave(handle)
    eventually(lambda: launcher.observe(handle) is Sighting.GONE)


def test_a_lost_handle_is_found_again(launcher: LocalLauncher, tmp_path: Path) -> None:
    handle = start(launcher, tmp_path, WAITS)
    eventually(lambda: "start" in events(tmp_path))
    assert launcher.find(tmp_path, attempt=1) == handle
    assert launcher.find(tmp_path, attempt=2) is None
    launcher.end(handle)


LAUNCH_AND_DIE = """
import os, sys
from pathlib import Path
from worker.launchers import Resources
from worker.launchers.local import LocalLauncher
launcher = LocalLauncher(host="here", inherited=os.environ, program=(sys.argv[2],))
print(launcher.start(Path(sys.argv[1]), attempt=1, resources=Resources("cpu", (0,), 1)), flush=True)
os.kill(os.getpid(), 9)
"""


def test_training_outlives_the_worker_that_started_it(launcher: LocalLauncher, tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    run.write_definition(Pretrain(data=VideoData(root="videos"), seed=WAITS))
    command = [sys.executable, "-c", LAUNCH_AND_DIE, str(tmp_path), launcher._program[0]]
    parent = subprocess.run(command, capture_output=True, text=True, check=False)
    assert parent.returncode == -signal.SIGKILL
    handle = Handle(parent.stdout.strip())
    eventually(lambda: "metrics" in events(tmp_path))
    assert launcher.observe(handle) is Sighting.ALIVE
    run.request_stop()
    eventually(lambda: launcher.observe(handle) is Sighting.GONE)
    assert events(tmp_path)[-1] == "end"
    assert launcher.exit_of(tmp_path, attempt=1) == Exit(code=0, signal=None, oom_kills=0)


def test_a_trainer_sees_no_secret(launcher: LocalLauncher, tmp_path: Path) -> None:
    handle = start(launcher, tmp_path, WAITS)
    eventually(lambda: "start" in events(tmp_path))
    seen = [process.environ() for process in members(cookie_of(tmp_path, 1))]
    launcher.end(handle)
    assert seen
    for env in seen:
        assert env.pop(RUN) == f"{tmp_path}#1"
        assert "secret" not in " ".join(env.values())
        assert not [name for name in env if name.startswith("SCELAB_") and name != COOKIE]


@pytest.mark.parametrize("name", ["SCELAB_DATABASE_URL", "AWS_SECRET_ACCESS_KEY", "CUDA_TOKEN", "PGPASSWORD"])
def test_no_secret_by_that_name_is_passed_on(name: str) -> None:
    assert not may_pass(name)


def test_a_gpu_run_sees_its_gpus_and_a_cpu_run_none() -> None:
    on_gpus = environment({}, Resources("gpu", (2, 3), threads=8), cookie="c")
    assert on_gpus["CUDA_VISIBLE_DEVICES"] == "2,3"
    assert on_gpus["OMP_NUM_THREADS"] == "8"
    assert environment({}, SLOT, cookie="c")["CUDA_VISIBLE_DEVICES"] == ""


def test_several_devices_run_under_torchrun_one_process_each() -> None:
    single = command_of(("-m", "sce.train"), Path("/r/7"), attempt=2, processes=1)
    assert single[1:] == ["-m", "sce.train", "/r/7", "--attempt", "2"]
    double = command_of(("-m", "sce.train"), Path("/r/7"), attempt=2, processes=2)
    assert double[1:5] == ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    assert double[5:] == single[1:]


def test_a_folder_that_cannot_be_written_is_a_sentence(launcher: LocalLauncher, tmp_path: Path) -> None:
    with pytest.raises(LaunchFailed, match="could not be started"):
        launcher.start(tmp_path / "missing", attempt=1, resources=SLOT)
