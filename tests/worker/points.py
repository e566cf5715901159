"""Points at which a process may die: before any statement, around any commit, message or launch."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError

from backend.db import _begin_immediate
from worker.launchers import Handle, Resources
from worker.launchers.fake import FakeLauncher

Kind = Literal["within", "between", "launch"]
"""Inside a transaction, where none is open, and just before or after processes are started."""
KINDS: frozenset[Kind] = frozenset({"within", "between", "launch"})
NOT_WITHIN: frozenset[Kind] = frozenset({"between", "launch"})


class Died(BaseException):
    """The process is gone: nothing of ours catches it."""


class Points:
    """Counts the points that an action passes, and does something at one of them, once."""

    def __init__(self, engine: Engine) -> None:
        self._left = -1
        self._act: Callable[[], None] = lambda: None
        self._kinds = KINDS
        # Before the listener that begins: an action that comes between must find the database free.
        event.remove(engine, "begin", _begin_immediate)
        event.listen(engine, "begin", lambda _: self.passed("between"))
        event.listen(engine, "begin", _begin_immediate)
        event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA busy_timeout=300"))
        event.listen(engine, "commit", lambda _: self.passed())
        event.listen(engine, "before_cursor_execute", lambda *_: self.passed())

    def at(self, number: int, act: Callable[[], None], *, kinds: frozenset[Kind] = KINDS) -> None:
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


def die() -> None:
    raise Died


def lose_the_database() -> None:
    raise OperationalError("SELECT 1", {}, Exception("the server closed the connection"))


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
