"""The whole platform on this machine: broker, API and worker as children, started, watched and ended.

    with running_stack(Settings(home=folder, port=0)) as stack:
        stack.url, stack.token, stack.login_link(), stack.pids()

Trainings are no children of it: they go on when it ends, and the next one watches them again.
"""

import json
import os
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pydantic import SecretStr
from sqlalchemy.orm import Session, sessionmaker

from backend.connection import Connection, connection_file
from backend.db import open_engine, open_sessions
from backend.migrations import upgrade
from backend.people.service import create_login_link, ensure_administrator, renew_local_token
from backend.runs.watched import watched
from backend.settings import Settings
from backend.trouble import usable_database
from worker.broker import Broker, free_port
from worker.children import Child, Program, StartFailed
from worker.ground import CannotStart, claim_home, require_broker, require_free_port

READY_WITHIN_S = 60.0
LOOK_EVERY_S = 0.3

Say = Callable[[str], None]


class Stack:
    """A running platform. ``settings`` are those of its children: with the port and the broker's address."""

    def __init__(self, settings: Settings, *, broker: Broker | None, say: Say) -> None:
        self.settings = settings
        self.url = f"http://{_shown_host(settings.host)}:{settings.port}"
        self.token = ""
        self._say = say
        self._engine = open_engine(settings.database)
        self._sessions: sessionmaker[Session] = open_sessions(self._engine)
        self._children = _children(settings, broker)
        self._ending = threading.Event()
        self._keeper = threading.Thread(target=self._keep_alive, name="keeper", daemon=True)

    def start(self) -> None:
        """Start the children and wait until they answer.

        Raises ``CannotStart`` with the end of a log, or ``Away`` when the database is.
        """
        with usable_database(self.settings.database), self._sessions.begin() as db:
            self.token = renew_local_token(db, user=ensure_administrator(db, self.settings))
        try:
            for child in self._children:
                child.start()
            self._wait_until_ready()
        except (OSError, StartFailed) as error:
            raise CannotStart(str(error)) from error
        self._write_connection()
        self._keeper.start()

    def login_link(self) -> str:
        """A fresh link that opens one browser session, once."""
        with self._sessions.begin() as db:
            token = create_login_link(db, user=ensure_administrator(db, self.settings))
        return f"{self.url}/login?token={token}"

    def pids(self) -> dict[str, int]:
        """Process ids of api, worker and, where it is ours, broker. A restart changes them."""
        return {child.name: child.pid for child in self._children}

    def num_running(self) -> int:
        with self._sessions.begin() as db:
            return len(watched(db))

    def stop(self) -> None:
        """End the children, the broker last. Trainings go on."""
        self._ending.set()
        if self._keeper.is_alive():
            self._keeper.join()
        for child in reversed(self._children):
            child.stop()
        connection_file(self.settings).unlink(missing_ok=True)
        self._engine.dispose()

    def _write_connection(self) -> None:
        """Tell this user's command line the way in, and nobody else."""
        file = connection_file(self.settings)
        temporary = file.with_name(f".{file.name}.{os.getpid()}")
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(Connection(url=self.url, token=self.token).model_dump_json())
        temporary.replace(file)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_WITHIN_S
        while not self._is_ready():
            for child in self._children:
                if child.is_dead():
                    raise CannotStart(f"The {child.name} did not start: {child.last_words()}")
            if time.monotonic() > deadline:
                raise CannotStart(f"It did not answer within {READY_WITHIN_S:.0f} s: see {self._logs()}")
            time.sleep(0.1)

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/health", timeout=5) as answer:  # noqa: S310 - our own address
                health: dict[str, str | int] = json.load(answer)
        except (urllib.error.URLError, OSError, ValueError):
            return False
        return health["database"] == "ok" and health["broker"] == "ok" and health["hosts_online"] != 0

    def _logs(self) -> str:
        return ", ".join(str(child.log_file) for child in self._children)

    def _keep_alive(self) -> None:
        while not self._ending.wait(LOOK_EVERY_S):
            for child in self._children:
                child.keep_alive(self._say)


@contextmanager
def running_stack(settings: Settings, *, say: Say = print) -> Iterator[Stack]:
    """The platform on one home folder, up for as long as the block lasts.

    Raises ``CannotStart`` or a ``SceLabError``, each with a sentence that says what helps.

    Call it from a thread that lasts: on Linux the children leave when that thread ends, however it ends.
    """
    with claim_home(settings.home):
        require_free_port(settings.host, settings.port)
        port = settings.port or free_port(settings.host)
        with usable_database(settings.database):
            upgrade(settings.database)
        given = settings.broker
        if given:
            require_broker(given)
        broker = None if given else Broker(settings.home / "broker")
        broker_url = SecretStr(broker.url) if broker else settings.broker_url
        stack = Stack(
            settings.model_copy(update={"port": port, "broker_url": broker_url}), broker=broker, say=say
        )
        try:
            stack.start()
            yield stack
        finally:
            stack.stop()


def _children(settings: Settings, broker: Broker | None) -> list[Child]:
    """In the order in which they are started."""
    logs, env = settings.home / "logs", {**os.environ, **environment_of(settings)}
    serve = ["-m", "uvicorn", "--factory", "backend.main:create_app_from_env", "--no-access-log"]
    serve += ["--host", settings.host, "--port", str(settings.port), "--timeout-graceful-shutdown", "2"]
    children = [
        Child("api", Program([sys.executable, *serve], env), logs / "api.log"),
        Child("worker", Program([sys.executable, "-m", "worker"], env), logs / "worker.log"),
    ]
    return [Child("broker", broker, broker.log_file), *children] if broker else children


def environment_of(settings: Settings) -> dict[str, str]:
    """The settings as the children read them."""
    texts = {f"SCELAB_{name.upper()}": _written(name, value) for name, value in settings if value is not None}
    return texts | {"SCELAB_HOME": str(settings.home.resolve())}


def _written(name: str, value: object) -> str:
    """A setting as the environment says it."""
    if name == "retry_rules":
        assert isinstance(value, tuple)
        return json.dumps([rule.model_dump() for rule in value])
    if isinstance(value, dict):
        return ",".join(f"{key}={one}" for key, one in value.items())
    if isinstance(value, tuple):
        return ("," if name == "allowed_hosts" else ":").join(map(str, value))
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def _shown_host(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 - compared with, not bound to
