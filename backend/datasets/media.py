"""Small videos and images for pages: proxies that a worker made once, or images as they are."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

from fastapi.responses import FileResponse, JSONResponse, Response
from sqlalchemy.orm import Session

from backend.datasets import service
from backend.errors import NotFound
from backend.nudge import nudge
from backend.settings import Settings
from backend.trees import Tree

TYPES = {
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
}
"""What is sent as itself, and nothing else: a type that a browser would run is never among them."""
PREVIEWS = (".mp4", ".webm", ".jpg")
SENT: dict[int | str, Tree] = {
    200: {
        "description": "The video or image.",
        "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in TYPES.values()},
    },
    202: {"description": "It is being made: ask again.", "content": {"application/json": {"schema": {}}}},
}
"""The answers as the document says them."""
KEPT = {"Cache-Control": "private, max-age=3600"}


class Asked:
    """Which previews were asked for lately, so that a page that asks again and again nudges once."""

    def __init__(self, *, again_after_s: float = 15.0, clock: Callable[[], float] = time.monotonic) -> None:
        self.again_after_s, self.clock = again_after_s, clock
        self._at: dict[int, float] = {}
        self._lock = threading.Lock()

    def is_new(self, item_id: int) -> bool:
        moment = self.clock()
        with self._lock:
            if len(self._at) > 10_000:
                self._at.clear()
            if moment - self._at.get(item_id, -self.again_after_s) < self.again_after_s:
                return False
            self._at[item_id] = moment
            return True


def preview(db: Session, settings: Settings, asked: Asked, *, item_id: int) -> Response:
    """The preview, or 202 while it is being made. Raises ``NotFound`` for what cannot be shown."""
    item, dataset = service.get_item(db, item_id)
    if item.unreadable is not None:
        raise NotFound(f"{item.path} cannot be shown: {item.unreadable}")
    if dataset.kind == "image" and Path(item.path).suffix.lower() in TYPES:
        return _file(_contained(settings, Path(dataset.root), item.path))
    for suffix in PREVIEWS:
        file = settings.previews_dir / f"{item_id}{suffix}"
        if file.is_file():
            return _file(file)
    _refuse_what_failed(settings.previews_dir / f"{item_id}.failed")
    if asked.is_new(item_id):
        nudge(db, "worker.make_preview", item_id)
    waiting = {"detail": "The preview is being made: ask again in a moment."}
    return JSONResponse(waiting, status_code=202, headers={"Retry-After": "1"})


def _refuse_what_failed(note: Path) -> None:
    if note.is_file():
        raise NotFound(note.read_text(errors="replace")[:1000])


def _contained(settings: Settings, root: Path, relative: str) -> Path:
    """The real file; raises ``NotFound`` when it is away, or a link leads out of the data set."""
    real_root = root.resolve()
    file = (real_root / relative).resolve()
    is_inside = file.is_relative_to(real_root) and service.is_inside(settings, file)
    if not is_inside or not file.is_file():
        raise NotFound(f"The file {relative} is not in its data set any more: index it again.")
    return file


def _file(file: Path) -> Response:
    return FileResponse(file, media_type=TYPES[file.suffix.lower()], headers=KEPT)
