"""A real SLURM of virtual nodes on this machine: munged, slurmctld and a slurmd for each node."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.worker.conftest import eventually
from worker.broker import free_port

CPUS = 4
CONF = """
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
{accounting}
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,defer_batch
PriorityType=priority/basic
PreemptType=preempt/partition_prio
PreemptMode=CANCEL
MpiDefault=none
SwitchType=switch/none
ReturnToService=0
SlurmctldTimeout=30
SlurmdTimeout=30
MessageTimeout=5
InactiveLimit=0
MinJobAge=300
KillWait=2
Waittime=0
JobRequeue=1
SlurmdParameters=config_overrides
MailProg=/bin/true
"""


class Cluster:
    """Two nodes, n1 and n2. Jobs in ``high`` take the place of those in ``main``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.conf = folder / "slurm.conf"
        self.env = {**os.environ, "SLURM_CONF": str(self.conf)}

    def ask(self, *command: str) -> str:
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self) -> None:
        for name in ("state", "spool", "munge"):
            (self.folder / name).mkdir()
        self._start_munge()
        self._write_conf()
        self.before_the_controller()
        self.start_controller()
        for node in ("n1", "n2"):
            self.start_node(node)
        eventually(lambda: self.states() == {"idle"}, within_s=30)

    def accounting(self) -> str:
        return "AccountingStorageType=accounting_storage/none"

    def before_the_controller(self) -> None:
        """What else this site needs."""

    def states(self) -> set[str]:
        """States of the nodes, none while nobody answers."""
        command = ["sinfo", "-h", "-p", "main", "-o", "%T"]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, check=False)
        return set(done.stdout.split())

    def start_controller(self) -> None:
        self._run("slurmctld", "-f", str(self.conf))

    def stop_controller(self) -> None:
        self._end("slurmctld")

    def start_node(self, node: str) -> None:
        self._run("slurmd", "-N", node, "-f", str(self.conf))

    def kill(self, name: str) -> None:
        """Kill the daemon of that pid file, whatever it is at. The steps of a node live on without it."""
        process = psutil.Process(int((self.folder / f"{name}.pid").read_text()))
        process.kill()
        eventually(lambda: has_gone(process), within_s=10)

    def clear(self) -> None:
        """No job, and every node up; also after a test that failed without its controller."""
        if not self.states():
            self.start_controller()
            eventually(self.states, within_s=30)
        mine = ("--user", str(os.getuid()))
        for how in (("--signal=KILL", "--full"), ()):
            self.ask("scancel", *how, *mine)
        for node in ("n1", "n2"):
            if self._is_down(node):
                self.ask("scontrol", "update", f"nodename={node}", "state=resume")
        eventually(lambda: not self.ask("squeue", "-h"), within_s=30)

    def stop(self) -> None:
        for name in ("slurmd-n1", "slurmd-n2", "slurmctld", "munged"):
            self._end(name)
        self._end_steps()

    def _is_down(self, node: str) -> bool:
        return "DOWN" in self.ask("scontrol", "-o", "show", "node", node)

    def _start_munge(self) -> None:
        key = self.folder / "munge" / "key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        named = {"key-file": "key", "socket": "socket", "log-file": "log", "seed-file": "seed"}
        options = [f"--{name}={self.folder}/munge/{file}" for name, file in named.items()]
        self._run("munged", *options, f"--pid-file={self.folder}/munged.pid", "--num-threads=2", "--force")

    def _write_conf(self) -> None:
        host, user = socket.gethostname().partition(".")[0], pwd.getpwuid(os.getuid()).pw_name
        about = {"host": host, "user": user, "folder": self.folder, "accounting": self.accounting()}
        lines = [CONF.format(port=free_port(), **about)]
        lines += [
            f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={free_port()} "
            f"CPUs={CPUS} RealMemory=2000 State=UNKNOWN"
            for node in ("n1", "n2")
        ]
        every = "Nodes=n1,n2 State=UP"
        lines += [
            f"PartitionName=main {every} Default=YES MaxTime=INFINITE PriorityTier=1 GraceTime=20",
            f"PartitionName=high {every} MaxTime=INFINITE PriorityTier=10",
            f"PartitionName=short {every} MaxTime=2 PriorityTier=1",
        ]
        self.conf.write_text("\n".join(lines) + "\n")
        (self.folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\nConstrainCores=no\n")

    def _run(self, *command: str, **env: str) -> None:
        """Start a daemon; it returns when it stands on its own."""
        done = subprocess.run(
            command, env={**self.env, **env}, capture_output=True, text=True, timeout=30, check=False
        )
        if done.returncode:
            pytest.fail(f"{command[0]} did not start: {done.stderr}")

    def _end(self, name: str) -> None:
        """End the daemon of that pid file, if it runs. slurmd waits for its steps, but not for ever."""
        file = self.folder / f"{name}.pid"
        if not file.exists():
            return
        try:
            process = psutil.Process(int(file.read_text()))
            process.terminate()
            if not has_ended(process, within_s=5):
                process.kill()
        except (psutil.NoSuchProcess, ValueError):
            file.unlink(missing_ok=True)

    def _end_steps(self) -> None:
        """Jobs that the controller gave up outlive the daemons. A step hides its environment behind its title."""
        for process in psutil.process_iter(["name", "environ", "cwd"]):
            about = process.info
            is_step = about["name"] == "slurmstepd" and about["cwd"] == str(self.folder)
            if is_step or (about["environ"] or {}).get("SLURM_CONF") == str(self.conf):
                process.kill()


def has_ended(process: psutil.Process, *, within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if has_gone(process):
            return True
        time.sleep(0.05)
    return False


def has_gone(process: psutil.Process) -> bool:
    """Also a zombie: nobody may be there to collect a daemon."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    missing = [name for name in ("munged", "slurmctld", "slurmd", "sbatch") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"SLURM is not installed ({', '.join(missing)}): make test-tools")
    # A socket's path must be short: not under pytest's own folder.
    with tempfile.TemporaryDirectory(prefix="slurm-", ignore_cleanup_errors=True) as name:
        cluster = Cluster(Path(name))
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()
