"""Is what lies in the source folder the data set that its name says?"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sce.data.entries import Listed, UnusableFolder, lines_of
from sce.data.layout import find_entries
from sce.data.prepare.wish import CannotPrepare
from sce.sets import DataSet, instructions, shipped_classes


def find_whole(one: DataSet, source: Path, *, whole: bool) -> tuple[tuple[str, ...], list[Listed]]:
    """Classes and items of a set; only of the classes that its list takes. Raises CannotPrepare.

    ``whole``: there must be no others, because the folder itself will be indexed.
    """
    try:
        classes, entries = find_entries(source, one.kind)
    except UnusableFolder as error:
        raise CannotPrepare(f"{error}\n{instructions(one)}") from error
    names = dict(enumerate(classes))
    items = [
        Listed(
            each.split,
            each.path,
            names.get(each.label),
            each.num_frames,
            each.problem,
            tuple(classes[label] for label in each.labels),
        )
        for each in entries
    ]
    taken = _taken_classes(one, source)
    if taken and whole and set(classes) - taken:
        raise CannotPrepare(
            f"{source} holds {len(set(classes) - taken)} classes more than {one.title}: give another folder to put "
            f"its part into."
        )
    if taken:
        items = [each for each in items if each.class_name is None or each.class_name in taken]
        classes = tuple(sorted(taken))
    _refuse_parts(one, source, classes, items)
    return classes, items


def _taken_classes(one: DataSet, source: Path) -> set[str]:
    """The classes that are taken of a larger set: from our own list, or from one beside the folders."""
    beside = source / one.class_list if one.class_list else None
    if beside is not None and beside.is_file():
        return set(lines_of(beside))
    return set(shipped_classes(one))


def _refuse_parts(one: DataSet, source: Path, classes: Sequence[str], items: Sequence[Listed]) -> None:
    """Raises CannotPrepare for a split or a class that should be there and is not."""
    there = Counter(each.split for each in items)
    missing = [split for split in one.splits if not there[split]]
    if missing:
        loose = _loose_pictures(one, source, missing)
        raise CannotPrepare(f"{source} has no split {', '.join(missing)}.{loose}\n{instructions(one)}")
    if one.num_classes and len(classes) != one.num_classes:
        hint = (
            f" Put the names of its {one.num_classes} classes into {one.class_list}."
            if one.class_list
            else ""
        )
        raise CannotPrepare(
            f"{source} has {len(classes)} classes and {one.title} has {one.num_classes}: complete the folders, "
            f"or move other folders away.{hint}"
        )
    empty = sorted(set(classes) - {name for each in items for name in (each.class_name, *each.shows)})
    if empty:
        raise CannotPrepare(
            f"{source} has nothing of {len(empty)} of the {len(classes)} classes, such as {empty[0]}: unpack "
            f"them there."
        )


def _loose_pictures(one: DataSet, source: Path, missing: Sequence[str]) -> str:
    for split in missing:
        if one.kind == "image" and any((source / split).glob("*.JPEG")):
            return f" The pictures of {split} lie loose: sort them into one folder a class, {split}/<wnid>/."
    return ""


def warnings_of(one: DataSet, items: Sequence[Listed]) -> list[str]:
    """What may be meant, and should be known."""
    told = []
    counts = Counter(each.split for each in items)
    for split, official in one.items.items():
        found = counts[split]
        if found and found != official and not one.shrinks:
            told.append(f"{split} lists {found:,} items, and the official set has {official:,}.")
    return told + _in_both(items)


def _in_both(items: Sequence[Listed]) -> list[str]:
    """Videos that are trained on and scored: a score on them says nothing."""
    paths: dict[str, set[str]] = {}
    for each in items:
        paths.setdefault(each.split, set()).add(each.path)
    told = []
    for split, trained in sorted(paths.items()):
        for other in ("test", "val"):
            scored = split.replace("train", other)
            both = trained & paths.get(scored, set()) if scored != split else set()
            if both:
                told.append(
                    f"{len(both):,} items are in {split} and in {scored}, such as {min(both)}: take them out of one "
                    f"of the two lists."
                )
    return told
