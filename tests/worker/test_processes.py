"""How a trainer is called, what it may see, and how its processes are told from others."""

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.worker.conftest import eventually
from worker.launchers import Exit, Resources, attend
from worker.launchers.local import LocalLauncher, command_of, environment, may_pass, package_root
from worker.launchers.processes import COOKIE, Leader, cookie_of, is_alive, members, start_time

CPU = Resources("cpu", (0,), threads=3)


@pytest.mark.parametrize("devices", [2, 4, 8])
def test_torchrun_starts_one_process_a_device(devices: int) -> None:
    command = command_of(("-m", "sce.train"), Path("/r/7"), attempt=3, processes=devices)
    assert command[:3] == [sys.executable, "-m", "torch.distributed.run"]
    assert f"--nproc-per-node={devices}" in command
    assert command[-5:] == ["-m", "sce.train", "/r/7", "--attempt", "3"]


def test_a_folder_with_spaces_and_dollars_stays_one_argument() -> None:
    folder = Path("/my runs/$(rm -rf x);7")
    assert str(folder) in command_of(("-m", "sce.train"), folder, attempt=1, processes=1)


@pytest.mark.parametrize(
    "name",
    ["PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "NCCL_DEBUG", "TORCH_HOME", "CUDA_HOME"],
)
def test_what_torch_needs_is_passed_on(name: str) -> None:
    assert may_pass(name)


@pytest.mark.parametrize(
    "name",
    [
        "SCELAB_ADMIN_PASSWORD",
        "SCELAB_HOME",
        "HF_TOKEN",
        "GITHUB_TOKEN",
        "SSH_AUTH_SOCK",
        "NVIDIA_API_KEY",
        "TORCH_SECRET",
        "CONDA_TOKEN",
        "PYTHONSTARTUP",
        "LD_PRELOAD",
        "http_proxy",
        "DATABASE_URL",
    ],
)
def test_what_it_does_not_need_is_held_back(name: str) -> None:
    assert not may_pass(name)
    assert name not in environment({name: "x"}, CPU, cookie="c")


def test_the_hosts_own_number_of_threads_counts_before_the_share() -> None:
    assert environment({}, CPU, cookie="c")["OMP_NUM_THREADS"] == "3"
    assert environment({"OMP_NUM_THREADS": "9"}, CPU, cookie="c")["OMP_NUM_THREADS"] == "9"


@pytest.mark.parametrize("inherited", [{}, {"CUDA_VISIBLE_DEVICES": "0,1,2,3"}])
def test_a_run_sees_its_own_gpus_whatever_the_worker_sees(inherited: dict[str, str]) -> None:
    env = environment(inherited, Resources("gpu", (3,), threads=1), cookie="c")
    assert env["CUDA_VISIBLE_DEVICES"] == "3"
    assert env["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    assert environment(inherited, CPU, cookie="c")["CUDA_VISIBLE_DEVICES"] == ""


def test_nothing_in_the_run_folder_stands_in_for_a_module() -> None:
    env = environment({"PYTHONPATH": "/evil"}, CPU, cookie="c")
    assert env["PYTHONSAFEPATH"] == "1"
    assert env["PYTHONPATH"] == str(package_root())
    assert (package_root() / "sce" / "train.py").is_file()


def test_a_handle_is_read_back_as_it_was() -> None:
    leader = Leader(12, 345, "host-1", "abc")
    assert Leader.parse(str(leader)) == leader


@pytest.mark.parametrize("handle", ["", "slurm:77", "a:b:c:d", "1:2:3:4:5"])
def test_a_handle_of_another_launcher_is_an_error(handle: str) -> None:
    with pytest.raises(ValueError):
        Leader.parse(handle)


def test_a_cookie_is_of_one_folder_and_attempt(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    mine = cookie_of(tmp_path / "7", 1)
    assert cookie_of(tmp_path / "7" / ".." / "7", 1) == mine
    assert mine not in (cookie_of(tmp_path / "7", 2), cookie_of(tmp_path / "8", 1))


def test_a_number_that_no_process_has_is_gone() -> None:
    assert start_time(2**22 + 1) is None
    assert not is_alive(Leader(2**22 + 1, 0, "here", "c"))


def test_we_are_alive_and_carry_no_cookie() -> None:
    assert start_time(os.getpid()) == start_time(os.getpid()) is not None
    assert not list(members("no such cookie"))


def test_an_attempt_that_nobody_saw_end_has_no_exit(tmp_path: Path) -> None:
    launcher = LocalLauncher(host="here", inherited={})
    assert launcher.exit_of(tmp_path, attempt=1) is None
    assert launcher.find(tmp_path, attempt=1) is None


@pytest.mark.parametrize(
    ("status", "exit"),
    [(0, Exit(0, None, 2)), (3, Exit(3, None, 2)), (-signal.SIGKILL, Exit(None, signal.SIGKILL, 2))],
)
def test_a_noted_exit_is_read_back(status: int, exit: Exit, tmp_path: Path) -> None:
    attend.note(tmp_path / "exit-4.json", status, 2)
    assert LocalLauncher(host="here", inherited={}).exit_of(tmp_path, attempt=4) == exit
    assert [file.name for file in tmp_path.iterdir()] == ["exit-4.json"]


def test_an_attendant_leaves_with_the_status_of_what_it_attended(tmp_path: Path) -> None:
    assert attended(tmp_path, "raise SystemExit(5)") == 5
    assert json.loads((tmp_path / "exit").read_text())["code"] == 5


def attended(folder: Path, script: str) -> int:
    """In a process of its own, as it changes the handlers of signals."""
    command = [sys.executable, str(attend.__file__), str(folder / "exit"), sys.executable, "-c", script]
    return os.waitstatus_to_exitcode(os.waitpid(os.posix_spawn(command[0], command, os.environ), 0)[1])


def test_an_earlier_exit_of_the_same_attempt_is_forgotten_at_its_start(tmp_path: Path) -> None:
    attend.note(tmp_path / "exit-1.json", 9, 0)
    launcher = LocalLauncher(host="here", inherited={}, program=("-c", "pass"))
    launcher.start(tmp_path, attempt=1, resources=CPU)
    exit = eventually(lambda: launcher.exit_of(tmp_path, attempt=1))
    assert exit.code == 0


def test_what_carries_the_cookie_is_a_member(tmp_path: Path) -> None:
    cookie = cookie_of(tmp_path, 1)
    command = [sys.executable, "-c", "import time; time.sleep(30)"]
    pid = os.posix_spawn(command[0], command, {COOKIE: cookie})
    try:
        assert eventually(lambda: [process.pid for process in members(cookie)]) == [pid]
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
