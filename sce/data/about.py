"""``scelab-data.json``: what a folder cannot say by itself. A preparation writes it; a person may."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from sce.data.entries import UnusableFolder

FILE = "scelab-data.json"


@dataclass(frozen=True)
class About:
    """``classes`` in the order of their labels; ``fps`` of folders of frames; ``set`` is the catalogue's name."""

    classes: tuple[str, ...] = ()
    fps: float = 0.0
    set: str = ""


def read_about(root: Path) -> About:
    """What is said of a folder; nothing when nobody said anything. Raises UnusableFolder."""
    file = root / FILE
    if not file.is_file():
        return About()
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        classes = tuple(str(name) for name in said.get("classes", ()))
        about = About(classes, float(said.get("fps") or 0), str(said.get("set", "")))
    except (ValueError, AttributeError, TypeError) as error:
        raise UnusableFolder(f'{file} is damaged: expected {{"fps": 25, "classes": [...]}}.') from error
    twice = sorted({name for name in classes if classes.count(name) > 1})
    if twice:
        raise UnusableFolder(f"{file} names the class {twice[0]!r} twice: every class has one label.")
    return about


def write_about(root: Path, about: About) -> None:
    """Whole or not at all."""
    temporary = root / f".{FILE}.{os.getpid()}"
    temporary.write_text(json.dumps(asdict(about), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    temporary.replace(root / FILE)
