"""A PostgreSQL of our own for one test session: Debian's binaries, a socket, no port, gone afterwards."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SETTINGS = "-c listen_addresses='' -c fsync=off -c synchronous_commit=off -c full_page_writes=off"


def binaries() -> Path | None:
    """Folder of initdb and pg_ctl, or None where PostgreSQL is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    return Path(initdb).parent if initdb else None


@contextmanager
def cluster(bin_dir: Path) -> Iterator[str]:
    """The folder of the socket of a server that runs until the block is left."""
    folder = Path(tempfile.mkdtemp(prefix="scelab-pg-"))
    _give_to_postgres(folder)
    _run(bin_dir / "initdb", "-D", folder / "data", "-A", "trust", "-U", "sce", "-E", "UTF8", "--no-sync")
    options = f"{SETTINGS} -c unix_socket_directories={folder}"
    _run(bin_dir / "pg_ctl", "-D", folder / "data", "-w", "-l", folder / "log", "-o", options, "start")
    try:
        yield str(folder)
    finally:
        _run(bin_dir / "pg_ctl", "-D", folder / "data", "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def url_of(socket: str, database: str) -> str:
    return f"postgresql+psycopg://sce@/{database}?host={socket}"


def _give_to_postgres(folder: Path) -> None:
    """The server refuses to run as root; its folder then belongs to the user it runs as."""
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)


def _run(*command: str | Path) -> None:
    as_postgres = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups"]
    prefix = as_postgres if os.geteuid() == 0 else []
    subprocess.run(
        [*prefix, *map(str, command)],
        check=True,
        cwd="/",
        env={"LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]},
        stdout=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )
