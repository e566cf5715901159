"""Small videos and images for pages: made on demand, or all at once for a small data set; under a quota.

A preview is ``previews/ITEM.mp4`` or ``.jpg``; what cannot be shown has its reason in ``ITEM.failed``.
"""

import contextlib
import json
import logging
import selectors
import subprocess
import sys
import threading
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.orm import Session

from backend.datasets import service
from backend.datasets.lookups import readable_ids
from backend.datasets.tables import Dataset, Item
from backend.errors import NotFound
from backend.settings import Settings
from worker.place import Workplace

log = logging.getLogger(__name__)

PATIENCE_S = 30.0
SMALL_SET = 1000
"""A data set with at most so many items gets all its previews without being asked."""
UNASKED_SHARE = 0.8
"""Part of the quota that is filled without being asked; the rest is for wishes."""
SUFFIXES = (".mp4", ".webm", ".jpg", ".failed")


@dataclass
class PreviewMaker:
    """Works off wishes, then small data sets. ``wish`` may be called from any thread."""

    place: Workplace
    _wishes: dict[int, None] = field(default_factory=dict)
    _helper: "Helper | None" = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _closing: bool = False

    def wish(self, item_id: int) -> None:
        with self._lock:
            self._wishes[item_id] = None
        self.place.wake("previews")

    def work(self) -> None:
        """Everything that is wished for and lacks a preview; then hold the quota.

        Raises ``OSError`` when nothing can be written: what is missing is made later.
        """
        settings = self.place.settings
        try:
            self._work_off_wishes()
            room = UNASKED_SHARE * settings.preview_quota_gb * 1e9 - used_bytes(settings)
            for item_id in self._unasked() if room > 0 else []:
                if self._closing or room <= 0:
                    break
                room -= self._work_off_wishes() + self._make(item_id)
            hold_quota(settings)
        finally:
            self._let_helper_go()

    def close(self) -> None:
        self._closing = True
        self._let_helper_go()

    def _work_off_wishes(self) -> int:
        """Bytes of what was made."""
        made = 0
        while (item_id := self._next_wish()) is not None and not self._closing:
            made += self._make(item_id)
        return made

    def _next_wish(self) -> int | None:
        with self._lock:
            item_id = next(iter(self._wishes), None)
            if item_id is not None:
                del self._wishes[item_id]
            return item_id

    def _unasked(self) -> list[int]:
        """Items of small data sets without a preview."""
        with self.place.looks.begin() as db:
            ready = service.ids_in(db, "ready")
            items = [item for dataset_id in ready for item in _items_if_small(db, dataset_id)]
        return [item_id for item_id in items if not has_preview(self.place.settings, item_id)]

    def _make(self, item_id: int) -> int:
        """Bytes of the preview that was made; 0 when there is one, or nothing can be shown."""
        settings = self.place.settings
        if has_preview(settings, item_id):
            return 0
        try:
            with self.place.looks.begin() as db:
                item, dataset = service.get_item(db, item_id)
            source = source_of(settings, item, dataset)
        except NotFound as gone:
            log.info("no preview of item %d: %s", item_id, gone.detail)
            return 0
        settings.previews_dir.mkdir(parents=True, exist_ok=True)
        target = settings.previews_dir / f"{item_id}{'.mp4' if dataset.kind == 'video' else '.jpg'}"
        error = self._ask_helper(source, target)
        if self._closing:
            return 0
        if error:
            (settings.previews_dir / f"{item_id}.failed").write_text(f"{item.path}: {error}")
        return 0 if error else target.stat().st_size

    def _ask_helper(self, source: Path, target: Path) -> str:
        """Empty when the target is there, else why it cannot be. Raises ``OSError``."""
        if self._helper is not None and not self._helper.is_there():
            self._let_helper_go()  # it went after the video before; this one is not to blame
        helper = self._helper = self._helper or Helper.start()
        error = helper.make(source, target)
        if error is None:
            helper.kill()
            self._helper, error = None, f"The decoder broke down over it, or took over {PATIENCE_S:.0f} s."
        return error

    def _let_helper_go(self) -> None:
        helper, self._helper = self._helper, None
        if helper is not None:
            helper.close()


@dataclass
class Helper:
    """The process that decodes."""

    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls) -> "Helper":
        pipe = subprocess.PIPE
        return cls(subprocess.Popen([sys.executable, "-m", "worker.proxies"], stdin=pipe, stdout=pipe))

    def make(self, source: Path, target: Path) -> str | None:
        """Empty when it is made, a sentence when it cannot be, None when the process broke down.

        Raises ``OSError`` when the target cannot be written, which is no fault of the source.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        asked = json.dumps({"source": str(source), "target": str(target)})
        try:
            self.process.stdin.write(asked.encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return None
        with selectors.DefaultSelector() as answers:
            answers.register(self.process.stdout, selectors.EVENT_READ)
            line = self.process.stdout.readline() if answers.select(PATIENCE_S) else b""
        answer = json.loads(line) if line else {"error": None}
        if answer.get("unwritten"):
            raise OSError(answer["error"])
        error: str | None = answer["error"]
        return error

    def is_there(self) -> bool:
        return self.process.poll() is None

    def close(self) -> None:
        """It leaves when nothing more can come."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):  # it has gone, and the last wish was never read
            self.process.stdin.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def kill(self) -> None:
        self.process.kill()
        self.close()


def _items_if_small(db: Session, dataset_id: int) -> list[int]:
    ids = readable_ids(db, dataset_id, limit=SMALL_SET + 1)
    return ids if len(ids) <= SMALL_SET else []


def source_of(settings: Settings, item: Item, dataset: Dataset) -> Path:
    """The item's real file or folder of frames.

    Raises ``NotFound`` when it is away, or a link leads out of its data set.
    """
    root = Path(dataset.root).resolve()
    file = (root / item.path).resolve()
    if not (file.is_relative_to(root) and service.is_inside(settings, file) and file.exists()):
        raise NotFound(f"The file {item.path} is not in its data set any more: index it again.")
    return file


def has_preview(settings: Settings, item_id: int) -> bool:
    return any((settings.previews_dir / f"{item_id}{suffix}").exists() for suffix in SUFFIXES)


def forget_previews(settings: Settings, item_ids: Collection[int]) -> None:
    """Items that are no more, or whose number is used again."""
    for item_id in item_ids:
        for suffix in SUFFIXES:
            (settings.previews_dir / f"{item_id}{suffix}").unlink(missing_ok=True)


def used_bytes(settings: Settings) -> int:
    return sum(size for _, size, _ in _previews(settings))


def hold_quota(settings: Settings) -> int:
    """Remove the oldest previews until the others fit; say how many went."""
    quota, removed = settings.preview_quota_gb * 1e9, 0
    found = sorted(_previews(settings))
    used = sum(size for _, size, _ in found)
    for _, size, file in found:
        if used <= quota:
            break
        file.unlink(missing_ok=True)
        used, removed = used - size, removed + 1
    return removed


def _previews(settings: Settings) -> list[tuple[float, int, Path]]:
    """(time of making, bytes, file) of each."""
    if not settings.previews_dir.exists():
        return []
    files = [file for file in settings.previews_dir.iterdir() if not file.name.startswith(".")]
    return [(status.st_mtime, status.st_size, file) for file in files for status in [file.stat()]]
