"""The index of a data set: every item looked at once, so that no training or page has to look again. No torch here.

Layouts: see ``sce.data.layout``. An item's label is its class's rank among the sorted class names, or its number in
the official class list; its place in ``splits[split]`` is its ``position``, by which features, results and pages
name it.
"""

import argparse
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from functools import partial
from itertools import starmap
from pathlib import Path
from typing import Any, Literal

from sce.data.about import FILE as ABOUT
from sce.data.about import read_about, write_about
from sce.data.frames import bytes_of, probe_frames
from sce.data.images import probe_image
from sce.data.layout import Entry, UnusableFolder, find_entries
from sce.data.pool import outcomes_of
from sce.data.video import Facts, UnreadableVideo, probe, sentence

Kind = Literal["video", "image"]
FILE = "scelab-index.json"
FORMAT = 1


class MissingIndex(FileNotFoundError):
    """The folder was never indexed."""


@dataclass(frozen=True, slots=True)
class Item:
    """A readable video or image; ``path`` is relative to the root, ``bytes`` the size of the file."""

    path: str
    label: int
    num_frames: int
    fps: float
    duration_s: float
    width: int
    height: int
    codec: str
    bytes: int
    labels: tuple[int, ...] = ()
    """All that it shows, in a data set whose pictures show several classes; ``label`` is then the first."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An item that is listed and gives no picture, and the sentence that says why."""

    path: str
    split: str
    reason: str


@dataclass(frozen=True)
class Index:
    """All items of a data set. Equal contents have equal fingerprints, wherever the folder lies."""

    root: Path
    kind: Kind
    classes: tuple[str, ...]
    splits: dict[str, tuple[Item, ...]]
    unreadable: tuple[Unreadable, ...]
    fingerprint: str

    @property
    def shows_several(self) -> bool:
        """Whether a picture may show several classes, as in VOC2007; else it has one, or none that is known."""
        return any(item.labels for items in self.splits.values() for item in items)

    def items(self, split: str) -> tuple[Item, ...]:
        """A split's readable items, by position. Raises UnusableFolder for a split that is not there or is empty."""
        if split not in self.splits:
            there = ", ".join(sorted(self.splits))
            raise UnusableFolder(f"{self.root} has no split {split!r}: choose one of {there}.")
        if not self.splits[split]:
            raise UnusableFolder(
                f"Split {split!r} of {self.root} has no readable item: see why in its index."
            )
        return self.splits[split]


Look = Callable[[Entry], Item | Unreadable]
Row = tuple[Any, ...]  # Any: what JSON keeps of an item


def build_index(
    root: Path, kind: Kind, *, processes: int = 2, on_progress: Callable[[int, int], None] | None = None
) -> Index:
    """Look at every item of a folder; ``on_progress(done, total)`` is called after each.

    Raises UnusableFolder when there is no folder, no split, or not one readable item.
    """
    classes, entries = find_entries(root, kind)
    outcomes: list[Item | Unreadable] = []
    for outcome in look_at_all(partial(look_at, root, kind, fps=read_about(root).fps), entries, processes):
        outcomes.append(outcome)
        if on_progress:
            on_progress(len(outcomes), len(entries))
    splits = {split: _items_of(split, entries, outcomes) for split in sorted({e.split for e in entries})}
    unreadable = tuple(outcome for outcome in outcomes if isinstance(outcome, Unreadable))
    if not any(splits.values()):
        raise UnusableFolder(
            f"None of the {len(entries)} items of {root} is readable: {unreadable[0].reason}"
        )
    return Index(root, kind, classes, splits, unreadable, _fingerprint(kind, classes, splits))


def save_index(index: Index) -> Path:
    """Write the index into its folder, whole or not at all."""
    file = index.root / FILE
    temporary = file.with_name(f".{FILE}.{os.getpid()}")
    content = {
        "format": FORMAT,
        "kind": index.kind,
        "classes": index.classes,
        "fingerprint": index.fingerprint,
        "columns": list(Item.__dataclass_fields__),
        "splits": _rows(index.splits),
        "unreadable": list(map(astuple, index.unreadable)),
    }
    temporary.write_text(json.dumps(content), encoding="utf-8")
    temporary.replace(file)
    return file


def load_index(root: Path) -> Index:
    """The index that ``save_index`` wrote. Raises MissingIndex, and UnusableFolder when it is damaged."""
    file = root / FILE
    remedy = f"index it: scelab data index {root}"
    if not file.is_file():
        raise MissingIndex(f"{root} has no index: first {remedy}")
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise UnusableFolder(f"{file} was written by another version: again {remedy}")
        return _index_of(root, content)
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
        raise UnusableFolder(f"{file} is damaged: again {remedy}") from error


def _index_of(root: Path, content: dict[str, Any]) -> Index:
    splits = {split: tuple(starmap(_item_of, rows)) for split, rows in content["splits"].items()}
    unreadable = tuple(starmap(Unreadable, content["unreadable"]))
    classes = tuple(content["classes"])
    return Index(root, content["kind"], classes, splits, unreadable, content["fingerprint"])


def _items_of(
    split: str, entries: Sequence[Entry], outcomes: Sequence[Item | Unreadable]
) -> tuple[Item, ...]:
    both = zip(entries, outcomes, strict=True)
    return tuple(found for entry, found in both if entry.split == split and isinstance(found, Item))


def _fingerprint(kind: Kind, classes: tuple[str, ...], splits: dict[str, tuple[Item, ...]]) -> str:
    text = json.dumps([FORMAT, kind, classes, _rows(splits)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _rows(splits: dict[str, tuple[Item, ...]]) -> dict[str, list[Row]]:
    """Items as they are kept: the last column is left out where an item has one class."""
    return {
        split: [astuple(item) if item.labels else astuple(item)[:-1] for item in items]
        for split, items in splits.items()
    }


def _item_of(*row: Any) -> Item:  # Any: a row of JSON
    facts = [*row[:-1], tuple(row[-1])] if isinstance(row[-1], list) else row
    return Item(*facts)


def look_at_all(look: Look, entries: Sequence[Entry], processes: int) -> Iterator[Item | Unreadable]:
    """One outcome an entry, in order. A decoder that crashes takes its own file down and no other."""
    return outcomes_of(look, entries, processes, _crashed)


def _crashed(entry: Entry) -> Unreadable:
    return Unreadable(entry.path, entry.split, "The decoder crashed on it.")


def look_at(root: Path, kind: Kind, entry: Entry, fps: float = 0.0) -> Item | Unreadable:
    """The facts of one file or folder of frames, or why there are none; ``fps`` is the rate of all such folders."""
    if entry.problem:
        return Unreadable(entry.path, entry.split, entry.problem)
    file = root / entry.path
    try:
        if kind == "video" and file.is_dir():
            return _folder_of_frames(entry, file, fps)
        facts = (probe if kind == "video" else probe_image)(file)
        return _item(entry, facts, file.stat().st_size)
    except UnreadableVideo as error:
        return Unreadable(entry.path, entry.split, error.reason)
    except FileNotFoundError:
        remedy = "put it back, or take it out of the list that names it."
        return Unreadable(entry.path, entry.split, f"The file is not there: {remedy}")
    except OSError as error:
        return Unreadable(entry.path, entry.split, f"The file cannot be read: {sentence(error)}")


def _folder_of_frames(entry: Entry, folder: Path, fps: float) -> Item:
    """Raises UnreadableVideo, also when nobody said how fast the frames follow each other."""
    if not fps:
        reason = f'Nobody said its rate: write {{"fps": 25}} into {ABOUT} at the root, with the true number.'
        raise UnreadableVideo(folder, reason)
    return _item(entry, probe_frames(folder, fps, entry.num_frames), bytes_of(folder))


def _item(entry: Entry, facts: Facts, size: int) -> Item:
    duration_s = facts.num_frames / facts.fps
    shape = (facts.width, facts.height)
    known = (facts.num_frames, facts.fps, duration_s, *shape, facts.codec, size)
    return Item(entry.path, entry.label, *known, entry.labels)


def main(arguments: Sequence[str] | None = None) -> None:
    """``python -m sce.data.index ROOT``."""
    parser = argparse.ArgumentParser(
        prog="scelab data index", description="Open every file of a folder once."
    )
    parser.add_argument("root", type=Path)
    parser.add_argument("--kind", choices=("video", "image"), default="video")
    parser.add_argument("--fps", type=float, help="rate of folders of frames, kept beside the index")
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args(arguments)
    try:
        if asked.fps:
            write_about(asked.root, replace(read_about(asked.root), fps=asked.fps))
        index = build_index(asked.root, asked.kind, processes=asked.processes)
        save_index(index)
    except (OSError, UnusableFolder) as error:
        parser.exit(1, f"{error}\n")
    for one in index.unreadable:
        print(f"{one.split}: {one.path}: {one.reason}")
    splits = ", ".join(f"{split} {len(items):,}" for split, items in index.splits.items())
    print(f"{asked.root}: {len(index.classes)} classes; {splits}; {len(index.unreadable):,} unreadable")


if __name__ == "__main__":
    main()
