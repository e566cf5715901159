"""Failed logins are counted by address, so that nobody can guess at leisure."""

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable

from backend.errors import TooMany


class FailedLogins:
    """At most ``limit`` failures an address within ``window_s``; a good login is never counted."""

    def __init__(
        self, *, limit: int = 10, window_s: float = 60.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.limit, self.window_s, self.clock = limit, window_s, clock
        self._times: dict[str, deque[float]] = defaultdict(deque)
        self._lock = threading.Lock()

    def check(self, address: str) -> None:
        """Raises ``TooMany`` while the address has to wait."""
        with self._lock:
            self._forget_old()
            if len(self._times.get(address, ())) >= self.limit:
                raise TooMany(f"Too many failed logins: wait {self.window_s:.0f} seconds and try again.")

    def note(self, address: str) -> None:
        with self._lock:
            self._times[address].append(self.clock())

    def _forget_old(self) -> None:
        oldest = self.clock() - self.window_s
        for address, times in list(self._times.items()):
            while times and times[0] < oldest:
                times.popleft()
            if not times:
                del self._times[address]
