"""When tokens were last used, written beside the requests: reading must wait for no writer."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from backend.people.service import note_use

log = logging.getLogger(__name__)


class TokenUses:
    """Writes one use at a time, in a thread of its own that starts with the first."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions
        self._writer = _writer()
        self._pending: set[int] = set()
        self._lock = threading.Lock()

    def note(self, token_id: int) -> None:
        with self._lock:
            if token_id in self._pending:
                return
            self._pending.add(token_id)
            self._writer.submit(self._write, token_id)

    def close(self) -> None:
        """Wait for what is being written. An application that is served again goes on noting."""
        with self._lock:
            ended, self._writer = self._writer, _writer()
        ended.shutdown(wait=True)

    def _write(self, token_id: int) -> None:
        try:
            with self._sessions.begin() as db:
                note_use(db, token_id=token_id)
        except OperationalError as error:
            log.warning("the use of token %d was not written down: %s", token_id, error.orig)
        finally:
            with self._lock:
                self._pending.discard(token_id)


def _writer() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="token-uses")
