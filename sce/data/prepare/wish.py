"""What is asked of a preparation, and what it reports."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

How = Literal["link", "encode", "frames"]
REPORT = "scelab-report.json"


class CannotPrepare(ValueError):
    """What was downloaded is not what it should be, or cannot become what was asked; the message has the remedy."""


@dataclass(frozen=True)
class Convert:
    """``link`` leaves files as they are; ``encode`` makes H.264 videos of them, ``frames`` folders of pictures.

    ``short_side`` None keeps the size (a smaller video is never enlarged); ``fps`` None keeps the rate.
    """

    how: How = "link"
    short_side: int | None = None
    fps: float | None = None


@dataclass(frozen=True)
class Wish:
    """``name`` is the catalogue's. Where ``target`` is ``source``, the folder is only checked and indexed."""

    name: str
    source: Path
    target: Path
    convert: Convert = Convert()
    processes: int = 2


@dataclass(frozen=True)
class Bad:
    """A file that is missing or cannot be used, and why."""

    path: str
    split: str
    reason: str


@dataclass
class Report:
    """What came out. ``kept`` files were there from an earlier, interrupted preparation."""

    name: str
    source: str
    target: str
    num_classes: int = 0
    made: int = 0
    kept: int = 0
    splits: dict[str, int] = field(default_factory=dict)
    bad: list[Bad] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def save(self, folder: Path) -> Path:
        """Write it beside the index, whole or not at all."""
        file, temporary = folder / REPORT, folder / f".{REPORT}.{os.getpid()}"
        temporary.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        temporary.replace(file)
        return file


Say = Callable[[str, int, int, int], None]
"""Told (stage, done, total, bad) after each file; stages are "convert", "write" and "index"."""
