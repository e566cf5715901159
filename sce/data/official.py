"""The annotation files of known data sets, read as they are downloaded: their splits, classes and what they miss.

Each reader looks for its own file at the root or one folder below, and says None when it is not there.
"""

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from sce.data.entries import Listed, Listing, UnusableFolder, lines_of, text_of
from sce.data.lists import split_line
from sce.data.official_images import IMAGE_READERS
from sce.data.places import Files, folder_with

HMDB_SPLITS = {"1": "train", "2": "test", "0": "unused"}
SSV2_SPLITS = {"train": "train", "validation": "val", "test": "test"}


def read_official(root: Path, kind: str) -> Listing | None:
    """The listing of a known set. Raises UnusableFolder when its parts do not fit each other."""
    for reader in (_ucf101, _hmdb51, _ssv2) if kind == "video" else IMAGE_READERS:
        listing = reader(root)
        if listing is not None:
            return listing
    return None


# -- UCF101: classInd.txt, trainlist01.txt ("Class/v.avi 1"), testlist01.txt ("Class/v.avi")


def _ucf101(root: Path) -> Listing | None:
    lists = folder_with(root, "classInd.txt")
    if lists is None or not any(lists.glob("trainlist0?.txt")):
        return None
    classes = _numbered_classes(lists / "classInd.txt")
    videos = Files(root, classes)
    items: list[Listed] = []
    for file in sorted(lists.glob("*list0?.txt")):
        found = re.fullmatch(r"(train|test|unlabeled)list0(\d)\.txt", file.name)
        if found:
            split = f"{found[1]}-{found[2]}"
            items += [_ucf_line(file, line, split, classes, videos) for line in lines_of(file)]
    return Listing(items, classes)


def _ucf_line(file: Path, line: str, split: str, classes: Sequence[str], videos: Files) -> Listed:
    path, numbers = split_line(line)
    class_name = PurePosixPath(path).parent.name
    if class_name not in classes:
        raise UnusableFolder(
            f"{file} names the class {class_name!r}, which classInd.txt does not: take both from one archive."
        )
    label, frames = [*numbers, "", ""][:2]
    own = classes.index(class_name) + 1
    if label and "unlabeled" not in split and int(label) not in (own, own - 1 if frames else own):
        raise UnusableFolder(
            f"{file} gives {path} the number {label}, and classInd.txt gives its class {own}: take both from "
            f"one archive."
        )
    return Listed(split, videos.find(path), class_name, int(frames or 0))


def _numbered_classes(file: Path) -> tuple[str, ...]:
    """Names by their number, which counts from 1; they must be the sorted ones (capitals count as small)."""
    rows = [line.split(maxsplit=1) for line in lines_of(file)]
    if any(len(row) != 2 or not row[0].isdigit() for row in rows):
        raise UnusableFolder(f"{file} is no class list: expected lines such as '1 ApplyEyeMakeup'.")
    if [int(number) for number, _ in rows] != list(range(1, len(rows) + 1)):
        raise UnusableFolder(f"{file} does not count its classes from 1 without a gap: download it again.")
    names = [name for _, name in rows]
    if names != sorted(set(names), key=str.casefold):
        raise UnusableFolder(f"{file} does not list its classes sorted and each once: download it again.")
    return tuple(names)


# -- HMDB51: <class>_test_split1.txt ("v.avi 1": 1 train, 2 test, 0 in neither)


def _hmdb51(root: Path) -> Listing | None:
    lists = folder_with(root, "*_test_split1.txt")
    if lists is None:
        return None
    files = {
        (found[1], found[2]): file
        for file in lists.glob("*_test_split?.txt")
        if (found := re.fullmatch(r"(.+)_test_split(\d)\.txt", file.name))
    }
    classes = tuple(sorted({name for name, _ in files}))
    videos = Files(root, classes)
    items = [
        _hmdb_line(file, line, class_name, number, videos)
        for (class_name, number), file in sorted(files.items(), key=lambda one: (one[0][1], one[0][0]))
        for line in lines_of(file)
    ]
    return Listing([one for one in items if not one.split.startswith("unused")], classes)


def _hmdb_line(file: Path, line: str, class_name: str, number: str, videos: Files) -> Listed:
    name, _, part = line.rpartition(" ")
    if part not in HMDB_SPLITS or not name.strip():
        raise UnusableFolder(f"{file} has the line {line!r}: expected a file's name, then 1, 2 or 0.")
    return Listed(f"{HMDB_SPLITS[part]}-{number}", videos.find(f"{class_name}/{name.strip()}"), class_name)


# -- Something-Something v2: train.json, validation.json ([{"id", "template"}]), labels.json


def _ssv2(root: Path) -> Listing | None:
    lists = folder_with(root, "*train.json")
    found = {name: _json_rows(lists, name) for name in SSV2_SPLITS} if lists else {}
    if lists is None or not found.get("train") or "id" not in found["train"][0]:
        return None
    classes = _ssv2_classes(lists, found["train"])
    videos = Files(root, ())
    items = [
        Listed(split, videos.find(f"{row['id']}.webm"), _ssv2_class(row, classes))
        for name, split in SSV2_SPLITS.items()
        for row in found[name]
    ]
    return Listing(items, classes)


def _json_rows(lists: Path, name: str) -> list[dict[str, Any]]:
    for file in (lists / f"{name}.json", lists / f"something-something-v2-{name}.json"):
        if file.is_file() and text_of(file).lstrip().startswith("["):
            try:
                rows = json.loads(text_of(file))
            except json.JSONDecodeError as error:
                raise UnusableFolder(f"{file} is damaged: download it again.") from error
            return rows if isinstance(rows, list) and all(isinstance(row, dict) for row in rows) else []
    return []


def _ssv2_classes(lists: Path, rows: Iterable[dict[str, Any]]) -> tuple[str, ...]:
    """The templates, by the number that labels.json gives them, else sorted."""
    for file in (lists / "labels.json", lists / "something-something-v2-labels.json"):
        if file.is_file():
            numbers = {str(name): int(number) for name, number in json.loads(text_of(file)).items()}
            if sorted(numbers.values()) != list(range(len(numbers))):
                raise UnusableFolder(f"{file} does not number its classes from 0 without a gap.")
            return tuple(sorted(numbers, key=lambda name: numbers[name]))
    return tuple(sorted({_template(row) for row in rows}))


def _template(row: dict[str, Any]) -> str:
    return str(row.get("template", "")).replace("[", "").replace("]", "")


def _ssv2_class(row: dict[str, Any], classes: Sequence[str]) -> str | None:
    """None for the test split, whose answers are not published with it."""
    name = _template(row)
    if name and name not in classes:
        raise UnusableFolder(
            f"Video {row['id']} has the class {name!r}, which labels.json does not: take both from one archive."
        )
    return name or None
