"""Points at which a process may die or fall asleep: before any statement, around any commit, message or launch."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from unittest.mock import patch

from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError

from backend.db import _begin_immediate
from sce.rundir import RunDir
from worker import runs
from worker.launchers import Handle, Resources
from worker.launchers.fake import FakeLauncher

Kind = Literal["within", "between", "launch"]
"""Inside a transaction, where none is open, and on the way of a claim to its processes: before its folder is
looked at, before it is written, before the attempt becomes the folder's newest, just before its processes are
started and just after."""
KINDS: frozenset[Kind] = frozenset({"within", "between", "launch"})
NOT_WITHIN: frozenset[Kind] = frozenset({"between", "launch"})


class Died(BaseException):
    """The process is gone: nothing of ours catches it."""


class Points:
    """Counts the points that an action passes, and does something at one of them, once."""

    def __init__(self, engine: Engine) -> None:
        self._left = -1
        self._act: Callable[[], object] = lambda: None
        self._kinds = KINDS
        # Before the listener that begins: an action that comes between must find the database free.
        event.remove(engine, "begin", _begin_immediate)
        event.listen(engine, "begin", lambda _: self.passed("between"))
        event.listen(engine, "begin", _begin_immediate)
        event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA busy_timeout=300"))
        event.listen(engine, "commit", lambda _: self.passed())
        event.listen(engine, "before_cursor_execute", lambda *_: self.passed())

    def at(self, number: int, act: Callable[[], object], *, kinds: frozenset[Kind] = KINDS) -> None:
        """At the point of that number among those of these kinds."""
        self._left, self._act, self._kinds = number, act, kinds

    def forget(self) -> None:
        self._left = -1

    def passed(self, kind: Kind = "within") -> None:
        if self._left < 0 or kind not in self._kinds:
            return
        self._left -= 1
        if self._left < 0:
            self._act()

    @contextmanager
    def on_the_way(self) -> Iterator[None]:
        """With points before the folder of a claim is looked at, written, and given to the new attempt."""

        def later(act: Callable[..., Any]) -> Callable[..., Any]:
            def act_at_last(*args: Any) -> Any:
                self.passed("launch")
                return act(*args)

            return act_at_last

        with (
            patch.object(runs, "take_folder", later(runs.take_folder)),
            patch.object(runs, "prepare", later(runs.prepare)),
            patch.object(RunDir, "begin_attempt", later(RunDir.begin_attempt)),
        ):
            yield


def die() -> None:
    raise Died


def lose_the_database() -> None:
    raise OperationalError("SELECT 1", {}, Exception("the server closed the connection"))


@dataclass
class Sleeper:
    """Somebody who falls asleep at a point of what he does, however long; others go on meanwhile.

    He has a thread of his own, and never runs beside another: whoever wakes him waits for him.
    """

    act: Callable[[], object]
    host: str | None = None
    """Where he is; None for the API."""
    _asleep: threading.Event = field(default_factory=threading.Event)
    _woken: threading.Event = field(default_factory=threading.Event)
    _is_done: bool = False
    _dies: bool = False
    _failure: BaseException | None = None

    def begin(self) -> bool:
        """Say whether he fell asleep; else all is done. Raises what he raised."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._asleep.wait()
        if self._is_done:
            self._thread.join()
            self._tell()
        return not self._is_done

    def sleep(self) -> None:
        """What happens at the point."""
        self._asleep.set()
        self._woken.wait()
        if self._dies:
            raise Died

    def wake(self, *, to_die: bool = False) -> None:
        """Let him do the rest now. Raises what he raised; one who dies says nothing."""
        self._dies = to_die
        self._woken.set()
        self._thread.join()
        if not to_die:
            self._tell()

    def _run(self) -> None:
        try:
            self.act()
        except BaseException as failure:  # noqa: BLE001 - whoever woke him raises it
            self._failure = failure
        self._is_done = True
        self._asleep.set()

    def _tell(self) -> None:
        if self._failure is not None:
            raise self._failure


class FragileLauncher(FakeLauncher):
    """A launcher whose caller may die just before or just after any start.

    ``saw_start`` and ``saw_end`` are told of processes that begin, and of those that are ended.
    """

    def __init__(self, points: Points) -> None:
        super().__init__()
        self._points = points
        self.saw_start: Callable[[Handle], None] = lambda _: None
        self.saw_end: Callable[[Handle], None] = lambda _: None

    def start(self, folder: Path, *, attempt: int, resources: Resources) -> Handle:
        self._points.passed("launch")
        handle = super().start(folder, attempt=attempt, resources=resources)
        self.saw_start(handle)
        self._points.passed("launch")
        return handle

    def end(self, handle: Handle) -> None:
        self._points.passed("between")
        if handle in self.alive:
            self.saw_end(handle)
        super().end(handle)


def publisher(points: Points, mail: list[Any]) -> Callable[[str, tuple[int, ...]], None]:
    """Messages land in ``mail``; whoever sends one may die before."""

    def publish(name: str, args: tuple[int, ...]) -> None:
        points.passed()
        mail.append((name, args))

    return publish
