"""A run's output as pages read it: any part by line number, the end at once, and searched on the server.

Logs grow to gigabytes while they are read. Every thousandth line's offset is remembered, so that a second
look reads only what is new, and any part is found without reading what lies before it.
"""

import os
import threading
from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

from backend.errors import NotFound
from backend.runs.views import LogView
from backend.settings import Settings

EVERY = 1000
BLOCK = 1 << 20
NEWLINE = 10
MAX_LINE = 10_000
"""Characters shown of one line; a longer one is cut, and says so."""
MAX_HITS = 1000
MAX_ANSWER = 2_000_000
"""Characters of all lines in one answer."""
MAX_SEARCHED = 128 << 20
"""Bytes that a search goes through, counted from the end."""


@dataclass
class LineIndex:
    """Where lines begin in one file. ``offsets[i]`` is the start of line ``i * EVERY``."""

    inode: int
    size: int = 0
    num_lines: int = 0
    offsets: list[int] = field(default_factory=lambda: [0])

    def extend(self, path: Path, size: int) -> None:
        """Count the lines that were added since."""
        with path.open("rb") as file:
            file.seek(self.size)
            while self.size < size and (block := file.read(min(BLOCK, size - self.size))):
                self._count(block)
                self.size += len(block)

    def _count(self, block: bytes) -> None:
        ends = np.flatnonzero(np.frombuffer(block, dtype=np.uint8) == NEWLINE)
        first = EVERY - 1 - self.num_lines % EVERY
        self.offsets += (self.size + 1 + ends[first::EVERY]).tolist()
        self.num_lines += len(ends)


class LogReader:
    """Reads parts of logs, and remembers the line index of those that were looked at last."""

    def __init__(self, *, remembered: int = 64) -> None:
        self.remembered = remembered
        self._indexes: OrderedDict[Path, LineIndex] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, path: Path, *, first_line: int | None, num_lines: int, search: str | None) -> LogView:
        """The last lines, or those from ``first_line``; a negative one counts from the end.

        A file that is not there yet is an empty log.
        """
        index = self._index(path)
        total = 0 if index is None else total_lines(path, index)
        if index is None or total == 0:
            return LogView(lines=[], first_line=0, total_lines=0, bytes=0, hits=[])
        first = total - num_lines if first_line is None else first_line + (total if first_line < 0 else 0)
        first = max(0, min(first, total))
        lines = list(_limited(_lines_from(path, index, first), num_lines))
        hits = list(_hits(path, index, search)) if search else []
        return LogView(lines=lines, first_line=first, total_lines=total, bytes=index.size, hits=hits)

    def _index(self, path: Path) -> LineIndex | None:
        try:
            status = path.stat()
        except FileNotFoundError:
            return None
        with self._lock:
            index = self._indexes.pop(path, None)
            if index is None or index.inode != status.st_ino or index.size > status.st_size:
                index = LineIndex(inode=status.st_ino)
            index.extend(path, status.st_size)
            self._indexes[path] = index
            if len(self._indexes) > self.remembered:
                self._indexes.popitem(last=False)
            return LineIndex(index.inode, index.size, index.num_lines, list(index.offsets))


def log_file(settings: Settings, run_id: int) -> Path:
    """Where a run's output lies. Raises ``NotFound`` for a link that leads out of its folder."""
    folder = settings.run_folder(run_id).resolve()
    file = (folder / "output.log").resolve()
    if not file.is_relative_to(folder):
        raise NotFound(f"The log of run {run_id} is a link out of the run's folder, and is not shown.")
    return file


def whole(path: Path) -> Iterator[bytes]:
    """Every byte that the log has at this moment; what is added while they are read is left out.

    Raises ``NotFound`` when nothing was printed yet.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError as error:
        raise NotFound("This run has printed nothing yet.") from error
    return _bytes_of(file, os.fstat(file.fileno()).st_size)


def _bytes_of(file: BinaryIO, left: int) -> Iterator[bytes]:
    with file:
        while left > 0 and (block := file.read(min(BLOCK, left))):
            left -= len(block)
            yield block


def total_lines(path: Path, index: LineIndex) -> int:
    """Lines that have begun: the last one may still be without its end."""
    if index.size == 0:
        return 0
    with path.open("rb") as file:
        file.seek(index.size - 1)
        return index.num_lines + (file.read(1) != b"\n")


def shown(line: bytes) -> str:
    """A line as a terminal would leave it: a progress bar writes over itself with carriage returns."""
    text = line.rstrip(b"\r\n").rpartition(b"\r")[2].decode(errors="replace")
    return text if len(text) <= MAX_LINE else f"{text[:MAX_LINE]} ... ({len(text)} characters)"


def _lines_from(path: Path, index: LineIndex, first: int) -> Iterator[bytes]:
    """Lines from number ``first`` up to the size that was indexed."""
    mark = min(first // EVERY, len(index.offsets) - 1)
    with path.open("rb") as file:
        file.seek(index.offsets[mark])
        left = index.size - index.offsets[mark]
        number = mark * EVERY
        while left > 0 and (line := file.readline(left)):
            left -= len(line)
            if number >= first:
                yield line
            number += 1


def _limited(lines: Iterator[bytes], num_lines: int) -> Iterator[str]:
    """At most so many lines, and no more characters than an answer may have."""
    room = MAX_ANSWER
    for _, line in zip(range(num_lines), lines, strict=False):
        text = shown(line)
        room -= len(text)
        if room < 0:
            return
        yield text


def _hits(path: Path, index: LineIndex, search: str) -> Iterator[int]:
    """Numbers of the lines that contain ``search`` in any case: the newest thousand, in rising order."""
    wanted = search.lower().encode()
    near_enough = (mark for mark, at in enumerate(index.offsets) if index.size - at <= MAX_SEARCHED)
    first = next(near_enough, len(index.offsets) - 1) * EVERY
    lines = enumerate(_lines_from(path, index, first), first)
    yield from deque((number for number, line in lines if wanted in line.lower()), maxlen=MAX_HITS)
