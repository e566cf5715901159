"""What known sets add to their class folders: clips that are missing, subsets by name, pictures of no folder."""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from sce.data.entries import Listed, UnusableFolder, is_item, lines_of, text_of
from sce.data.places import places_of

SUBSETS = {"1percent.txt": "train-1pct", "10percent.txt": "train-10pct"}
"""SimCLR's lists of labelled ImageNet pictures: a base name a line."""
_KINETICS = {"train.csv": "train", "val.csv": "val", "validate.csv": "val", "test.csv": "test"}
_TINY = "val/val_annotations.txt"


def supplemented(root: Path, kind: str, items: list[Listed]) -> list[Listed]:
    """Raises UnusableFolder when a list does not fit the folders."""
    steps: Sequence[Callable[[Path, list[Listed]], list[Listed]]] = (
        (_with_kinetics_csv,) if kind == "video" else (_with_tiny_val, _with_subsets)
    )
    for step in steps:
        items = step(root, items)
    return items


# -- Kinetics: label,youtube_id,time_start,time_end,split


def _with_kinetics_csv(root: Path, items: list[Listed]) -> list[Listed]:
    """Clips that a csv names: those that are not there are listed, and so counted."""
    folders = {one.split for one in items}
    for file in _files_named(root, _KINETICS):
        split = _KINETICS[file.name]
        rows = _kinetics_rows(file) if split in folders else []
        if rows:
            items = _held_against(rows, split, file.name, items)
    return items


def _files_named(root: Path, names: dict[str, str]) -> Iterator[Path]:
    for place in places_of(root):
        yield from (place / name for name in names if (place / name).is_file())


def _kinetics_rows(file: Path) -> list[tuple[str, str]]:
    """(class, stem of the file) of each clip; nothing for another kind of list."""
    reader = csv.DictReader(io.StringIO(text_of(file)))
    if not {"youtube_id", "time_start", "time_end"} <= set(reader.fieldnames or ()):
        return []
    try:
        return [(row.get("label") or "", _clip_stem(row)) for row in reader]
    except (TypeError, ValueError) as error:
        raise UnusableFolder(f"{file} has a line without a time: download it again.") from error


def _clip_stem(row: dict[str, str]) -> str:
    start, end = (int(float(row[name])) for name in ("time_start", "time_end"))
    return f"{row['youtube_id']}_{start:06d}_{end:06d}"


def _held_against(rows: list[tuple[str, str]], split: str, name: str, items: list[Listed]) -> list[Listed]:
    there = {PurePosixPath(one.path).name.split(".")[0] for one in items if one.split == split}
    folders = {_plain(one.class_name or ""): one.class_name or "" for one in items}
    said = {stem: _plain(label) for label, stem in rows}
    missing = [
        Listed(split, f"{split}/{folders.get(_plain(label), label)}/{stem}.mp4", folders.get(_plain(label)))
        for label, stem in rows
        if stem not in there and _plain(label) in folders
    ]
    return [*(_in_its_class(one, split, name, said, folders) for one in items), *missing]


def _in_its_class(
    one: Listed, split: str, name: str, said: dict[str, str], folders: dict[str, str]
) -> Listed:
    label = said.get(PurePosixPath(one.path).name.split(".")[0], "")
    if one.split != split or label not in folders or label == _plain(one.class_name or ""):
        return one
    problem = (
        f"It lies under {one.class_name!r}, and {name} says {folders[label]!r}: move it, or mend the list."
    )
    return replace(one, problem=problem)


def _plain(label: str) -> str:
    return label.casefold().replace("_", " ")


# -- Tiny ImageNet: pictures of val and test lie in one folder, classes in an annotation text


def _with_tiny_val(root: Path, items: list[Listed]) -> list[Listed]:
    annotation = root / _TINY
    if not annotation.is_file():
        return items
    kept = [one for one in items if one.split not in ("val", "test")]
    classes = {one.class_name for one in kept}
    for line in lines_of(annotation):
        name, wnid = [*line.split("\t"), ""][:2]
        if wnid not in classes:
            raise UnusableFolder(
                f"{annotation} gives {name} the class {wnid!r}, for which there is no folder in train: unpack the "
                f"archive again."
            )
        kept.append(Listed("val", f"val/images/{name}", wnid))
    pictures = root / "test" / "images"
    names = sorted(file.name for file in pictures.iterdir()) if pictures.is_dir() else []
    return [*kept, *(Listed("test", f"test/images/{name}", None) for name in names if is_item(name, "image"))]


# -- ImageNet: labelled subsets


def _with_subsets(root: Path, items: list[Listed]) -> list[Listed]:
    trained = [one for one in items if one.split == "train"]
    by_name = {PurePosixPath(one.path).name: one for one in trained}
    classes = {one.class_name for one in trained}
    found = list(items)
    for file in _files_named(root, SUBSETS):
        for name in (PurePosixPath(line).name for line in lines_of(file)):
            wnid = name.split("_")[0]
            if name in by_name:
                found.append(replace(by_name[name], split=SUBSETS[file.name]))
            elif wnid in classes:  # of a class that this folder has: a picture is missing
                found.append(Listed(SUBSETS[file.name], f"train/{wnid}/{name}", wnid))
    return found
