"""A real SLURM that keeps accounts: MariaDB and slurmdbd beside the daemons of the cluster."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.worker.conftest import eventually
from tests.worker.slurm.cluster import Cluster
from worker.broker import free_port
from worker.children import end

NEEDS = ("slurmdbd", "mariadbd", "mariadb-install-db", "sacctmgr")
CONF = """
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={port}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
PidFile={folder}/slurmdbd.pid
LogFile={folder}/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=slurm
StoragePass=local
StorageLoc=slurm_acct
"""


class AccountedCluster(Cluster):
    """Its accounting remembers what its controller has forgotten."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.port = free_port()
        self.database: subprocess.Popen[bytes] | None = None

    def accounting(self) -> str:
        return (
            "AccountingStorageType=accounting_storage/slurmdbd\nAccountingStorageHost=127.0.0.1\n"
            f"AccountingStoragePort={self.port}\nAccountingStoragePass={self.folder}/munge/socket"
        )

    def before_the_controller(self) -> None:
        self._start_database()
        conf = self.folder / "slurmdbd.conf"
        conf.touch(mode=0o600)
        conf.write_text(CONF.format(port=self.port, folder=self.folder))
        self._run("slurmdbd", MYSQL_UNIX_PORT=str(self.folder / "db" / "socket"))
        eventually(lambda: self._is_counting(), within_s=20)
        self.ask("sacctmgr", "-i", "add", "cluster", "tests")

    def forget_jobs(self) -> None:
        """The controller starts anew and knows no job of before."""
        self.stop_controller()
        self._run("slurmctld", "-c", "-f", str(self.conf))
        eventually(lambda: self.states() == {"idle"}, within_s=30)

    def until_accounted(self, job: str, state: str) -> None:
        asked = ("sacct", "-n", "-X", "-P", "-j", job, "-o", "State")
        eventually(lambda: self.ask(*asked).startswith(state), within_s=30)

    def refuses(self, *command: str) -> str:
        """Its words, when it does."""
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode != 0
        return done.stderr

    def stop(self) -> None:
        super().stop()
        self._end("slurmdbd")
        if self.database is not None:
            end(self.database)

    def _start_database(self) -> None:
        folder = self.folder / "db"
        folder.mkdir()
        shutil.chown(folder, "mysql")
        self._run(
            "mariadb-install-db",
            "--user=mysql",
            f"--datadir={folder}/data",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--skip-name-resolve",
        )
        options = ["--no-defaults", "--user=mysql", f"--datadir={folder}/data", f"--socket={folder}/socket"]
        options += ["--skip-networking", f"--pid-file={folder}/pid", "--innodb-buffer-pool-size=64M"]
        with (self.folder / "mariadb.log").open("wb") as log:
            self.database = subprocess.Popen(
                ["mariadbd", *options], stdout=log, stderr=log, start_new_session=True
            )
        eventually(lambda: self._sql("select 1"), within_s=30)
        assert self._sql(
            "create user slurm@localhost identified by 'local'; grant all on *.* to slurm@localhost"
        )

    def _sql(self, text: str) -> bool:
        command = ["mariadb", "-uroot", "-S", f"{self.folder}/db/socket", "-e", text]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def _is_counting(self) -> bool:
        asked = subprocess.run(
            ["sacctmgr", "-n", "show", "cluster"], env=self.env, capture_output=True, check=False
        )
        return asked.returncode == 0


@contextmanager
def running_accounted_cluster() -> Iterator[AccountedCluster]:
    missing = [name for name in NEEDS if shutil.which(name) is None]
    if missing or os.getuid() != 0:
        pytest.skip(f"SLURM's accounting is not installed ({', '.join(missing)}): make test-tools")
    with tempfile.TemporaryDirectory(prefix="slurm-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)  # the database's user goes through
        cluster = AccountedCluster(folder)
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()
