"""Live pages follow the feed of changes: one look at the table for all of them, every fifth of a second."""

import asyncio
import json
import logging
import signal
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from types import FrameType

from fastapi.concurrency import run_in_threadpool
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from backend.errors import TooMany
from backend.stream.service import changes_after, newest_cursor, oldest_cursor
from backend.stream.tables import Change

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.2
KEEP_ALIVE_S = 10.0
LASTS_S = 600.0
"""A stream ends after ten minutes; the browser comes back by itself, and is asked who it is again."""
STREAMS_PER_USER = 16

GAP = 'event: gap\ndata: {"topic": "gap", "subject_id": 0}\n\n'


class Feed:
    """Knows the newest change, and wakes the streams that have not sent it. No session outlives a look."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions
        self._newest = 0
        self._woken = asyncio.Event()
        self._is_closing = False
        self._streams: Counter[int] = Counter()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Look at the table for as long as the application lives."""
        self._woken, self._is_closing = asyncio.Event(), False
        looking = asyncio.create_task(self._look())
        try:
            with self._close_on_signals():
                yield
        finally:
            self.close()
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking

    def close(self) -> None:
        """End every stream, now."""
        self._is_closing = True
        self._woken.set()

    @contextmanager
    def _close_on_signals(self) -> Iterator[None]:
        """uvicorn waits for open answers before it tells us to end, so we watch its signals ourselves."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

        def handle(number: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self.close)
            theirs = before[signal.Signals(number)]
            if callable(theirs):
                theirs(number, frame)

        changed = [number for number, theirs in before.items() if callable(theirs)]
        for number in changed:
            signal.signal(number, handle)
        try:
            yield
        finally:
            for number in changed:
                signal.signal(number, before[number])

    async def _look(self) -> None:
        is_away = False
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            if not self._streams:
                continue
            try:
                newest = await run_in_threadpool(self._read_newest)
                is_away = False
            except SQLAlchemyError:
                # Streams stay open and silent until the database is back; said once, not five times a second.
                if not is_away:
                    log.exception("the feed of changes cannot be read")
                is_away = True
                continue
            if newest != self._newest:
                self._newest = newest
                self._woken.set()
                self._woken = asyncio.Event()

    def _read_newest(self) -> int:
        with self._sessions.begin() as db:
            return newest_cursor(db)

    def _read_after(self, cursor: int) -> tuple[list[Change], bool]:
        """What came since, and whether changes in between are no longer kept."""
        with self._sessions.begin() as db:
            return changes_after(db, cursor), 0 < cursor < oldest_cursor(db) - 1

    def check_room(self, user_id: int) -> None:
        """Raises ``TooMany`` when the user follows enough streams already."""
        if self._streams[user_id] >= STREAMS_PER_USER:
            raise TooMany(f"You follow {STREAMS_PER_USER} live pages already: close some of them.")

    @contextmanager
    def _counted(self, user_id: int) -> Iterator[None]:
        self._streams[user_id] += 1
        try:
            yield
        finally:
            self._streams[user_id] -= 1
            if self._streams[user_id] == 0:
                del self._streams[user_id]

    async def follow(self, user_id: int, cursor: int | None) -> AsyncIterator[str]:
        """Server-sent events until the reader leaves, the server ends or ten minutes are over."""
        with self._counted(user_id):
            if self._streams[user_id] > STREAMS_PER_USER:  # several were let in at the same moment
                return
            newest = await run_in_threadpool(self._read_newest)
            is_ahead = cursor is not None and cursor > newest  # of a database that was put back or made anew
            if cursor is None or is_ahead:
                cursor = newest
            # An id without data tells the browser where to go on from, and is no event.
            yield f"retry: 1000\nid: {cursor}\n\n" + (GAP if is_ahead else "")
            ends_at = time.monotonic() + LASTS_S
            while not self._is_closing and time.monotonic() < ends_at:
                woken = self._woken
                changes, has_gap = await run_in_threadpool(self._read_after, cursor)
                if has_gap:
                    yield GAP
                if changes:
                    cursor = changes[-1].id
                    yield "".join(event_of(change) for change in changes)
                elif not await _wait(woken):
                    yield ": still here\n\n"


async def _wait(woken: asyncio.Event) -> bool:
    try:
        await asyncio.wait_for(woken.wait(), KEEP_ALIVE_S)
    except TimeoutError:
        return False
    return True


def event_of(change: Change) -> str:
    data = json.dumps({"topic": change.topic, "subject_id": change.subject_id})
    return f"id: {change.id}\ndata: {data}\n\n"
