"""How data sets lie in folders: which files belong to which split, and under which label. Opens no video.

An official folder is read as its makers left it (``official``, ``official_images``); else lists at the root
(``lists``) and folders ``ROOT/<split>/<class>/**`` say what there is. A video is a file, or a folder of pictures
named ``%08d.jpg``.
"""

import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path, PurePosixPath

from sce.data.about import read_about
from sce.data.entries import (
    FIRST_FRAME,
    SUFFIXES,
    UNLABELLED,
    Entry,
    Listed,
    Listing,
    UnusableFolder,
    is_frame_folder,
    is_item,
)
from sce.data.lists import read_lists
from sce.data.official import read_official
from sce.data.supplements import SUBSETS, supplemented

__all__ = ["SUFFIXES", "UNLABELLED", "Entry", "UnusableFolder", "find_entries", "find_listing"]


def find_entries(root: Path, kind: str) -> tuple[tuple[str, ...], list[Entry]]:
    """Class names (in the order of their labels) and all items, in canonical order. Raises UnusableFolder."""
    listing = find_listing(root, kind)
    named = {name for one in listing.items for name in (one.class_name, *one.shows) if name is not None}
    classes = listing.classes or _sorted_classes(named)
    labels = {name: label for label, name in enumerate(classes)}
    strange = sorted(named - set(labels))
    if strange:
        raise UnusableFolder(
            f"{root} has a class {strange[0]!r} that is not among the {len(classes)} of its class list: add it "
            f"there, or move its items away."
        )
    return classes, list(_entries(listing.items, labels))


def find_listing(root: Path, kind: str) -> Listing:
    """What lists and folders name, whether it is there or not. Raises UnusableFolder."""
    if not root.is_dir():
        raise UnusableFolder(f"{root} is not a folder: check the path.")
    about = read_about(root)
    # A preparation wrote lists of all there is.
    listing = (
        Listing(read_lists(root, kind, classes=about.classes)) if about.set else read_official(root, kind)
    )
    if listing is None:
        from_lists = read_lists(root, kind, without=SUBSETS, classes=about.classes)
        told = {one.split for one in from_lists}
        from_both = [*from_lists, *from_folders(root, kind, without=told)]
        listing = Listing(supplemented(root, kind, from_both))
    if not listing.items:
        example = SUFFIXES[kind][-6 if kind == "video" else 3]
        raise UnusableFolder(
            f"No split found in {root}: expected ROOT/<split>/<class>/*{example} or a list ROOT/<split>.csv "
            f"of 'path label' lines."
        )
    return Listing(listing.items, about.classes) if about.classes else listing


def _entries(listed: Iterable[Listed], labels: dict[str, int]) -> Iterator[Entry]:
    seen: set[tuple[str, str]] = set()
    for one in listed:
        label = UNLABELLED if one.class_name is None else labels[one.class_name]
        shown = tuple(labels[name] for name in one.shows)
        yield Entry(one.split, one.path, label, one.problem or _problem(one, seen), one.num_frames, shown)
        seen.add((one.split, one.path))


def _problem(one: Listed, seen: set[tuple[str, str]]) -> str:
    if PurePosixPath(one.path).is_absolute() or ".." in PurePosixPath(one.path).parts:
        return "Its path leads out of the data set's folder."
    return "It is listed twice in its split; the first counts." if (one.split, one.path) in seen else ""


def from_folders(root: Path, kind: str, *, without: Collection[str] = ()) -> list[Listed]:
    """Every folder of class folders is a split, unless a list of its name says what is in it."""
    listed = []
    for split in sorted(_folders(root), key=lambda folder: folder.name):
        if split.name in without:
            continue
        for class_folder in sorted(_folders(split), key=lambda folder: folder.name):
            if kind == "video" and is_frame_folder(class_folder):
                continue  # a video, and the folder above it a class: a list says of what split
            files = sorted(_items(class_folder, kind))
            listed += [
                Listed(split.name, file.relative_to(root).as_posix(), class_folder.name) for file in files
            ]
    return listed


def _folders(folder: Path) -> list[Path]:
    return [each for each in folder.iterdir() if each.is_dir() and not each.name.startswith(".")]


def _items(folder: Path, kind: str) -> Iterator[Path]:
    """Files of a kind, or folders of frames, below a folder. Links to folders are followed, each folder once."""
    seen = set()
    for place, inner, names in os.walk(folder, followlinks=True):
        here = os.path.realpath(place)
        if here in seen:
            inner.clear()
            continue
        seen.add(here)
        if kind == "video" and FIRST_FRAME in names:
            inner.clear()
            yield Path(place)
            continue
        inner[:] = [name for name in inner if not name.startswith(".")]
        yield from (Path(place, name) for name in names if is_item(name, kind) and not name.startswith("."))


def _sorted_classes(names: set[str]) -> tuple[str, ...]:
    """Sorted as text; labels that are all numbers, as numbers: 10 comes after 9."""
    return tuple(sorted(names, key=int) if all(map(str.isdigit, names)) else sorted(names))
