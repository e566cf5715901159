"""Lists of items: one file a split, in any of the formats people have. Its content is looked at, not its suffix.

``path`` | ``path label`` | ``path 3+14`` (a picture that shows several classes, by number) | ``path label
num_frames`` (a folder of frames), separated by the last comma or white
space, so that a path may hold spaces; or JSON ``{"annotation": {path: {"class": 3, "num_frames": 120}}}``.
"""

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from sce.data.entries import Listed, UnusableFolder, is_frame_folder, is_item, lines_of, text_of

SUFFIXES = (".csv", ".json", ".txt")
_HEADER = {"path", "file", "filename", "name", "video", "image", "id"}


def read_lists(
    root: Path, kind: str, *, without: Collection[str] = (), classes: Sequence[str] = ()
) -> list[Listed]:
    """Every list at the root that begins with the path of an item; its name is the split's.

    Labels that are numbers count in ``classes`` where they are known. Raises UnusableFolder.
    """
    files = (file for file in root.iterdir() if file.suffix in SUFFIXES and file.name not in without)
    lists = [file for file in files if file.is_file() and not file.name.startswith("scelab-")]
    listed = [
        one for file in sorted(lists, key=lambda file: file.name) for one in read_list(file, root, kind)
    ]
    if classes:
        return [_named_by_number(root, one, classes) for one in listed]
    return _named_by_folder(listed)


def read_list(file: Path, root: Path, kind: str) -> list[Listed]:
    """The items of one list; none when it is something else. Raises UnusableFolder for broken JSON of items."""
    if text_of(file).lstrip().startswith("{"):
        return _from_json(file)
    rows = [_row(line, root, kind) for line in lines_of(file)]
    if rows and rows[0].path.lower() in _HEADER:
        rows = rows[1:]
    if not rows or not _names_item(rows[0].path, root, kind):
        return []
    return [replace(row, split=file.stem) for row in rows]


def _from_json(file: Path) -> list[Listed]:
    try:
        annotation = json.loads(text_of(file)).get("annotation")
        if annotation is None:
            return []
        return [_annotated(file.stem, path, annotation[path]) for path in sorted(annotation)]
    except (json.JSONDecodeError, AttributeError, KeyError, TypeError) as error:
        remedy = 'expected {"annotation": {path: {"class": number, "num_frames": number}}}'
        raise UnusableFolder(f"{file} is no list of items: {remedy}.") from error


def _annotated(split: str, path: str, said: dict[str, object]) -> Listed:
    class_name = said.get("class")
    frames = said.get("num_frames") or 0
    return Listed(split, path, None if class_name is None else str(class_name), int(str(frames)))


def split_line(line: str) -> tuple[str, list[str]]:
    """The path of a line, and the one or two whole numbers that follow it."""
    words = re.fullmatch(r"(.*?\S)((?:[\s,]+\d+){0,2})", line)
    assert words
    return words[1].rstrip(", ").strip('"'), words[2].replace(",", " ").split()


def _row(line: str, root: Path, kind: str) -> Listed:
    """The last comma or white space separates; a bare path may hold spaces.

    A label may hold spaces where the last comma follows the path of an item.
    """
    if is_item(line.strip('"'), kind):
        return Listed("", line.strip('"'), None)
    path, numbers = split_line(line)
    if kind == "video" and not is_item(path, kind) and _names_item(path, root, kind):
        # A folder of frames, which has no suffix to tell its end by.
        label = numbers[0] if numbers else None
        return Listed("", path, label, int(numbers[1]) if len(numbers) > 1 else 0)
    path, comma, label = (part.strip().strip('"') for part in line.rpartition(","))
    if comma and label and is_item(path, kind):
        return Listed("", path, label)
    parts = re.fullmatch(r"(.*\S)\s*(?:,|\s)\s*([^\s,]+)", line)
    if not parts:
        return Listed("", line, None)
    return Listed("", parts[1].rstrip(", ").strip('"'), parts[2].strip('"'))


def _names_item(path: str, root: Path, kind: str) -> bool:
    return is_item(path, kind) or (kind == "video" and is_frame_folder(root / path))


def _named_by_number(root: Path, one: Listed, classes: Sequence[str]) -> Listed:
    """Raises UnusableFolder for a number that is too large."""
    label = one.class_name
    if label is None or label in classes or not re.fullmatch(r"\d+(\+\d+)*\+?", label):
        return one
    numbers = [int(number) for number in label.split("+") if number]
    if max(numbers) >= len(classes):
        raise UnusableFolder(
            f"The list {one.split} of {root} gives {one.path} the label {label}, and there are "
            f"{len(classes)} classes, counted from 0: mend the list."
        )
    names = tuple(classes[number] for number in numbers)
    return replace(one, class_name=names[0], shows=names if "+" in label else ())


def _named_by_folder(listed: Sequence[Listed]) -> list[Listed]:
    """Labels that are numbers get the name of their folder, where each number has one folder of its own."""
    folders: dict[str, set[str]] = {}
    for one in listed:
        if one.class_name is not None and one.class_name.isdigit():
            folders.setdefault(one.class_name, set()).add(PurePosixPath(one.path).parent.name)
    names = {number: next(iter(owned)) for number, owned in folders.items() if len(owned) == 1}
    if len(set(names.values()) - {""}) < len(folders):
        return list(listed)
    return [replace(one, class_name=names.get(one.class_name or "", one.class_name)) for one in listed]
