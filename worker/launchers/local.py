"""Runs as processes of this host, detached: they outlive the worker that started them."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from worker.launchers import Exit, Handle, Launcher, LaunchFailed, Present, Resources, Sighting
from worker.launchers import attend as attendant
from worker.launchers.processes import (
    COOKIE,
    RUN,
    Leader,
    command_line,
    cookie_of,
    is_alive,
    members,
    present,
    send,
    start_time,
)

# What a trainer may see of our environment. A list of what is let through, not of what is held back:
# a secret that nobody thought of stays outside too.
PASSED_ON = frozenset(
    {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV"}
    | {"OMP_NUM_THREADS", "SSL_CERT_FILE", "CUBLAS_WORKSPACE_CONFIG"}
)
PASSED_ON_PREFIXES = ("LC_", "CUDA_", "NCCL_", "NVIDIA_", "MKL_", "TORCH_", "PYTORCH_", "GLOO_", "CONDA_")
BEGINS = "== attempt "
SECRET_WORDS = ("TOKEN", "PASSWORD", "SECRET", "KEY")


class LocalLauncher(Launcher):
    """``program`` is what is run; ``inherited`` the environment it is chosen from."""

    def __init__(
        self, *, host: str, inherited: Mapping[str, str], program: Sequence[str] = ("-m", "sce.train")
    ) -> None:
        self._host = host
        self._inherited = inherited
        self._program = tuple(program)
        self._children: dict[int, subprocess.Popen[bytes]] = {}

    def start(self, folder: Path, *, attempt: int, resources: Resources) -> Handle:
        cookie = cookie_of(folder, attempt)
        exit_file = _exit_file(folder, attempt)
        exit_file.unlink(missing_ok=True)
        command = [
            *(sys.executable, "-S", "-E", str(attendant.__file__), str(exit_file)),
            *command_of(self._program, folder, attempt=attempt, processes=resources.processes),
        ]
        env = environment(self._inherited, resources, cookie=cookie)
        env |= {RUN: f"{folder.resolve()}#{attempt}"}
        child = self._spawn(command, folder, env, heading=heading(attempt, self._host))
        self._children[child.pid] = child
        began = start_time(child.pid)
        return Handle(str(Leader(child.pid, began or 0, self._host, cookie)))

    def observe(self, handle: Handle) -> Sighting:
        leader = Leader.parse(handle)
        if is_alive(leader):
            return Sighting.ALIVE
        self._reap()
        left = list(members(leader.cookie))
        # Somebody may have killed the attendant alone: the trainer then goes on without it.
        if any(self._program[-1] in command_line(process) for process in left):
            return Sighting.ALIVE
        return Sighting.LEFT_BEHIND if left else Sighting.GONE

    def find(self, folder: Path, *, attempt: int) -> Handle | None:
        cookie = cookie_of(folder, attempt)
        # The oldest one is the attendant; the others are what it started.
        found = sorted(members(cookie), key=lambda process: (process.create_time(), process.pid))
        began = start_time(found[0].pid) if found else None
        return Handle(str(Leader(found[0].pid, began, self._host, cookie))) if began else None

    def ask_to_leave(self, handle: Handle) -> None:
        leader = Leader.parse(handle)
        # The attendant passes it to the main process alone: loader processes that die of a signal
        # would turn an orderly leave into a crash.
        if is_alive(leader):
            signal_pid(leader.pid, signal.SIGTERM)
        else:
            send(members(leader.cookie), signal.SIGTERM)

    def end(self, handle: Handle) -> None:
        leader = Leader.parse(handle)
        send(members(leader.cookie), signal.SIGKILL)
        # Once more: one of them may have started another between the look and the signal.
        send(members(leader.cookie), signal.SIGKILL)
        self._reap()

    def exit_of(self, folder: Path, *, attempt: int) -> Exit | None:
        file = _exit_file(folder, attempt)
        return Exit(**json.loads(file.read_text())) if file.exists() else None

    def present(self) -> Iterator[Present]:
        for name, process in present().items():
            folder, _, number = name.rpartition("#")
            began = start_time(process.pid)
            if began and number.isdigit():
                attempt = int(number)
                leader = Leader(process.pid, began, self._host, cookie_of(Path(folder), attempt))
                yield Present(Path(folder), attempt, Handle(str(leader)), time.time() - process.create_time())

    def _spawn(
        self, command: list[str], folder: Path, env: Mapping[str, str], *, heading: str
    ) -> subprocess.Popen[bytes]:
        try:
            with (folder / "output.log").open("ab") as log:
                log.write(f"{heading}\n".encode())
                log.flush()
                return subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=env,
                    cwd=folder,
                    start_new_session=True,
                )
        except OSError as error:
            raise LaunchFailed(f"The trainer could not be started: {error}.") from error

    def _reap(self) -> None:
        """Collect our children that ended, so that they are no zombies."""
        for pid, child in list(self._children.items()):
            if child.poll() is not None:
                self._children.pop(pid, None)


def heading(attempt: int, host: str) -> str:
    """The line of the log above what an attempt prints."""
    return f"{BEGINS}{attempt} on {host}, {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} =="


def command_of(program: Sequence[str], folder: Path, *, attempt: int, processes: int) -> list[str]:
    """One process runs the program itself; several run it under torchrun, one a device."""
    torchrun = ("-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}")
    launcher = torchrun if processes > 1 else ()
    return [sys.executable, *launcher, *program, str(folder), "--attempt", str(attempt)]


def environment(inherited: Mapping[str, str], resources: Resources, *, cookie: str) -> dict[str, str]:
    """What the trainer sees: nothing of our secrets, its devices only, its share of the threads."""
    env = {name: value for name, value in inherited.items() if may_pass(name)}
    env.setdefault("OMP_NUM_THREADS", str(resources.threads))
    env["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    has_gpu = resources.kind == "gpu"
    env["CUDA_VISIBLE_DEVICES"] = ",".join(map(str, resources.numbers)) if has_gpu else ""
    env[COOKIE] = cookie
    env["PYTHONUNBUFFERED"] = "1"
    # The run folder is the working directory; nothing in it may stand in for a module.
    env["PYTHONSAFEPATH"] = "1"
    env["PYTHONPATH"] = str(package_root())
    return env


def may_pass(name: str) -> bool:
    is_known = name in PASSED_ON or name.startswith(PASSED_ON_PREFIXES)
    return is_known and not any(word in name for word in SECRET_WORDS)


def package_root() -> Path:
    """Folder that ``sce`` is imported from, without importing it."""
    spec = importlib.util.find_spec("sce")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).resolve().parents[1]


def signal_pid(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return  # it was faster


def _exit_file(folder: Path, attempt: int) -> Path:
    return folder / f"exit-{attempt}.json"
