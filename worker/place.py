"""What every task works with: settings, sessions, the launcher and the name of this host."""

import os
import socket
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

import backend.tables  # noqa: F401 - a session needs every table that a foreign key may lead to
from backend.db import Publish, open_engine, open_sessions
from backend.settings import Settings
from sce.rundir import RunDir
from worker.devices import find_devices
from worker.launchers import Launcher
from worker.launchers.local import LocalLauncher


def nobody(_: str) -> None:
    """No clock runs here: whoever was to be woken looks by itself, later."""


@dataclass(frozen=True)
class Workplace:
    """Built once per process. ``wake`` tells a clock of this process to tick now."""

    settings: Settings
    engine: Engine
    launcher: Launcher
    host: str
    slots: Mapping[str, int] = field(default_factory=lambda: {"cpu": 1})
    """How many devices of each kind this host has."""
    publish: Publish | None = None
    wake: Callable[[str], None] = nobody

    @cached_property
    def sessions(self) -> sessionmaker[Session]:
        return open_sessions(self.engine, self.publish)

    @cached_property
    def looks(self) -> sessionmaker[Session]:
        """Sessions that only read: on SQLite they never wait for a writer."""
        return open_sessions(self.engine.execution_options(read_only=True))

    def folder(self, run_id: int) -> RunDir:
        return RunDir(self.settings.run_folder(run_id))


def open_workplace(
    settings: Settings,
    *,
    launcher: Launcher | None = None,
    publish: Publish | None = None,
    wake: Callable[[str], None] = nobody,
) -> Workplace:
    """The workplace of this host; without another launcher, runs are its local processes."""
    host = socket.gethostname()
    launcher = launcher or LocalLauncher(host=host, inherited=os.environ)
    slots: Counter[str] = Counter(device.kind for device in find_devices(settings))
    return Workplace(settings, open_engine(settings.database), launcher, host, slots, publish, wake)
