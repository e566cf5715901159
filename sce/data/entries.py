"""What a data set's folder and lists say of its items, before any of them is opened."""

from dataclasses import dataclass
from pathlib import Path

VIDEO_SUFFIXES = (
    ".3gp",
    ".avi",
    ".flv",
    ".m4v",
    ".mkv",
    ".mov",
    ".mp4",
    ".mpeg",
    ".mpg",
    ".ogv",
    ".webm",
    ".wmv",
)
IMAGE_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
SUFFIXES = {"video": VIDEO_SUFFIXES, "image": IMAGE_SUFFIXES}
FIRST_FRAME = "00000001.jpg"
"""A folder that holds it is a video, cut into frames."""
UNLABELLED = -1


class UnusableFolder(ValueError):
    """A folder from which no data set can be made; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file that belongs to a split, unopened; ``problem`` says why it cannot even be tried."""

    split: str
    path: str
    label: int
    problem: str = ""
    num_frames: int = 0
    """What a list says of a folder of frames; 0 when it says nothing."""
    labels: tuple[int, ...] = ()
    """All that is shown, in a data set whose pictures show several classes."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of a list, or a file of a class folder: its path is relative to the data set's folder."""

    split: str
    path: str
    class_name: str | None
    num_frames: int = 0
    problem: str = ""
    shows: tuple[str, ...] = ()
    """Every class that a picture shows, where it may be several; ``class_name`` is then the first."""


@dataclass(frozen=True, slots=True)
class Listing:
    """All items of a data set; ``classes`` is empty where no official list gives their order."""

    items: list[Listed]
    classes: tuple[str, ...] = ()


def is_item(path: str, kind: str) -> bool:
    """Whether a name is that of a video or image."""
    return path.lower().endswith(SUFFIXES[kind])


def is_frame_folder(folder: Path) -> bool:
    return (folder / FIRST_FRAME).is_file()


def text_of(file: Path) -> str:
    """A list's text. Spreadsheets put a mark before the first character."""
    return file.read_text(encoding="utf-8-sig", errors="replace")


def lines_of(file: Path) -> list[str]:
    """The lines of a list that say something."""
    return [line.strip() for line in text_of(file).splitlines() if line.strip()]
