"""How data sets lie in folders: which files belong to which split, and under which label. Opens no video."""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

SUFFIXES = {
    "video": (
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
    ),
    "image": (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"),
}
UNLABELLED = -1
_HEADER = {"path", "file", "filename", "name", "video", "image", "id"}
_LISTS = (".csv", ".txt")


class UnusableFolder(ValueError):
    """A folder from which no data set can be made; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file that belongs to a split, unopened; ``problem`` says why it cannot even be tried."""

    split: str
    path: str
    label: int
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Listed:
    split: str
    path: str
    class_name: str | None


def find_entries(root: Path, kind: str) -> tuple[tuple[str, ...], list[Entry]]:
    """Class names (sorted) and all files of all splits, in canonical order. Raises UnusableFolder."""
    if not root.is_dir():
        raise UnusableFolder(f"{root} is not a folder: check the path.")
    listed = [*_from_lists(root, kind), *_from_folders(root, kind)]
    if not listed:
        example = SUFFIXES[kind][-6 if kind == "video" else 3]
        raise UnusableFolder(
            f"No split found in {root}: expected ROOT/<split>/<class>/*{example} or a list ROOT/<split>.csv "
            f"of 'path label' lines."
        )
    classes = _sorted_classes({one.class_name for one in listed if one.class_name is not None})
    labels = {name: label for label, name in enumerate(classes)}
    return classes, list(_entries(listed, labels))


def _entries(listed: Iterable[_Listed], labels: dict[str, int]) -> Iterator[Entry]:
    seen: set[tuple[str, str]] = set()
    for one in listed:
        label = UNLABELLED if one.class_name is None else labels[one.class_name]
        yield Entry(one.split, one.path, label, _problem(one, seen))
        seen.add((one.split, one.path))


def _problem(one: _Listed, seen: set[tuple[str, str]]) -> str:
    if PurePosixPath(one.path).is_absolute() or ".." in PurePosixPath(one.path).parts:
        return "Its path leads out of the data set's folder."
    return "It is listed twice in its split; the first counts." if (one.split, one.path) in seen else ""


def _from_folders(root: Path, kind: str) -> list[_Listed]:
    """Every folder of class folders is a split, unless a list of its name says what is in it."""
    listed = []
    for split in sorted(_folders(root), key=lambda folder: folder.name):
        if any((root / f"{split.name}{suffix}").is_file() for suffix in _LISTS):
            continue
        for class_folder in sorted(_folders(split), key=lambda folder: folder.name):
            files = sorted(_files(class_folder, kind))
            listed += [
                _Listed(split.name, file.relative_to(root).as_posix(), class_folder.name) for file in files
            ]
    return listed


def _folders(folder: Path) -> list[Path]:
    return [each for each in folder.iterdir() if each.is_dir() and not each.name.startswith(".")]


def _files(folder: Path, kind: str) -> Iterator[Path]:
    """Files of a kind below a folder. Links to folders are followed, each folder once."""
    seen = set()
    for place, inner, names in os.walk(folder, followlinks=True):
        here = os.path.realpath(place)
        if here in seen:
            inner.clear()
            continue
        seen.add(here)
        inner[:] = [name for name in inner if not name.startswith(".")]
        for name in names:
            if name.lower().endswith(SUFFIXES[kind]) and not name.startswith("."):
                yield Path(place, name)


def _from_lists(root: Path, kind: str) -> list[_Listed]:
    """Every csv or txt file at the root that begins with the path of an item is the list of a split."""
    lists = [file for file in root.iterdir() if file.suffix in _LISTS and file.is_file()]
    listed = []
    for file in sorted(lists, key=lambda file: file.name):
        rows = [_row(line, kind) for line in _lines(file)]
        if rows and rows[0][0].lower() in _HEADER:
            rows = rows[1:]
        if rows and _is_item(rows[0][0], kind):
            listed += [_Listed(file.stem, path, name) for path, name in rows]
    return _named_by_folder(listed)


def _lines(file: Path) -> list[str]:
    # Spreadsheets put a mark before the first character.
    text = file.read_text(encoding="utf-8-sig", errors="replace")
    return [line.strip() for line in text.splitlines() if line.strip()]


def _row(line: str, kind: str) -> tuple[str, str | None]:
    """(path, label) of a line. The last comma or white space separates; a bare path may hold spaces.

    A label may hold spaces where the last comma follows the path of an item.
    """
    if _is_item(line.strip('"'), kind):
        return line.strip('"'), None
    path, comma, label = (part.strip().strip('"') for part in line.rpartition(","))
    if comma and label and _is_item(path, kind):
        return path, label
    parts = re.fullmatch(r"(.*\S)\s*(?:,|\s)\s*([^\s,]+)", line)
    if not parts:
        return line, None
    return parts[1].rstrip(", ").strip('"'), parts[2].strip('"')


def _is_item(path: str, kind: str) -> bool:
    return path.lower().endswith(SUFFIXES[kind])


def _named_by_folder(listed: list[_Listed]) -> list[_Listed]:
    """Labels that are numbers get the name of their folder, where each number has one folder of its own."""
    folders: dict[str, set[str]] = {}
    for one in listed:
        if one.class_name is not None and one.class_name.isdigit():
            folders.setdefault(one.class_name, set()).add(PurePosixPath(one.path).parent.name)
    names = {number: next(iter(owned)) for number, owned in folders.items() if len(owned) == 1}
    if len(set(names.values()) - {""}) < len(folders):
        return listed
    return [replace(one, class_name=names.get(one.class_name or "", one.class_name)) for one in listed]


def _sorted_classes(names: set[str]) -> tuple[str, ...]:
    """Sorted as text; labels that are all numbers, as numbers: 10 comes after 9."""
    return tuple(sorted(names, key=int) if all(map(str.isdigit, names)) else sorted(names))
