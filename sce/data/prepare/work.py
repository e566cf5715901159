"""A preparation from its first check to its report. What was interrupted goes on where it was."""

import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from sce.data.about import About, read_about, write_about
from sce.data.entries import UNLABELLED, Listed, UnusableFolder
from sce.data.frames import CODEC as FRAMES
from sce.data.index import Index, build_index, save_index
from sce.data.pool import outcomes_of
from sce.data.prepare.binary import pictures_of, read_binary, write_picture
from sce.data.prepare.check import find_whole, warnings_of
from sce.data.prepare.convert import Outcome, Task, convert_one, made_path, remove
from sce.data.prepare.wish import Bad, CannotPrepare, Convert, Report, Say, Wish
from sce.sets import DataSet, UnknownSet, find_set, instructions

BEGUN = "scelab-preparing.json"
"""What a folder was begun with, until it is whole: another wish must not go on in it."""


def prepare(wish: Wish, say: Say | None = None, *, index: bool = True) -> Report:
    """Check, convert, list and index. Raises CannotPrepare, and OSError where the target cannot be written."""
    began = time.monotonic()
    say = say or (lambda *_: None)
    one = _set_of(wish)
    report = Report(wish.name, str(wish.source), str(wish.target))
    _refuse_another(wish)
    if one.is_binary:
        _write_pictures(one, wish, report, say)
    else:
        _bring(one, wish, report, say)
    if index:
        _index(one, wish, report, say)
    report.seconds = round(time.monotonic() - began, 1)
    report.save(wish.target)
    (wish.target / BEGUN).unlink(missing_ok=True)
    return report


def _set_of(wish: Wish) -> DataSet:
    try:
        one = find_set(wish.name)
    except UnknownSet as error:
        raise CannotPrepare(str(error)) from error
    if not wish.source.is_dir():
        raise CannotPrepare(f"There is no folder {wish.source}.\n{instructions(one)}")
    is_in_place = wish.source.resolve() == wish.target.resolve()
    if is_in_place and (one.is_binary or wish.convert.how != "link"):
        raise CannotPrepare(f"{wish.source} is never written over: give another folder to write into.")
    if one.kind == "image" and wish.convert.how != "link":
        raise CannotPrepare(f"{one.title} holds pictures: there is nothing to encode or to cut into frames.")
    if wish.convert.how == "frames" and not (wish.convert.fps or one.fps):
        raise CannotPrepare("Frames are cut at one rate for all videos: give it, as in --fps 25.")
    return one


def _refuse_another(wish: Wish) -> None:
    """Raises CannotPrepare when the target was begun with another wish."""
    file, said = wish.target / BEGUN, _said(wish)
    before = json.loads(file.read_text()) if file.is_file() else said
    if before != said:
        words = ", ".join(f"{key} {value}" for key, value in before.items() if value != said.get(key))
        raise CannotPrepare(
            f"{wish.target} was begun with {words}: go on with the same, or choose another folder."
        )


def _mark_begun(wish: Wish) -> None:
    """From here on files are made; halves that an interruption left are removed."""
    wish.target.mkdir(parents=True, exist_ok=True)
    for left in wish.target.rglob(".*.part*"):
        remove(left)
    (wish.target / BEGUN).write_text(json.dumps(_said(wish)))


def _said(wish: Wish) -> dict[str, object]:
    return {"name": wish.name, "source": str(wish.source.resolve()), **asdict(wish.convert)}


# -- files that are brought as they are, or converted


def _bring(one: DataSet, wish: Wish, report: Report, say: Say) -> None:
    is_in_place = wish.source.resolve() == wish.target.resolve()
    classes, items = find_whole(one, wish.source, whole=is_in_place)
    report.warnings += warnings_of(one, items)
    if is_in_place:
        return
    _mark_begun(wish)
    fps = read_about(wish.source).fps
    splits_of: dict[str, list[str]] = defaultdict(list)
    for item in items:
        if not item.problem:
            splits_of[item.path].append(item.split)
    tasks = _tasks(splits_of, wish.convert, report)
    work = partial(convert_one, wish.source, wish.target, wish.convert, fps or one.fps or 0.0)
    for done, outcome in enumerate(outcomes_of(work, tasks, wish.processes, _crashed), 1):
        _note(outcome, splits_of, report)
        say("convert", done, len(tasks), len(report.bad))
    report.bad += [Bad(item.path, item.split, item.problem) for item in items if item.problem]
    out_fps = (wish.convert.fps or one.fps or 0.0) if wish.convert.how == "frames" else fps
    write_about(wish.target, About(tuple(classes), out_fps, one.name))
    _write_lists(wish.target, classes, items, wish.convert)


def _tasks(splits_of: Mapping[str, list[str]], convert: Convert, report: Report) -> list[Task]:
    """One a file, though it may be in several splits; two that would become one are told."""
    made: dict[str, str] = {}
    for path in splits_of:
        other = made.setdefault(made_path(path, convert), path)
        if other != path:
            reason = f"It would become the same file as {other}: rename one of the two."
            report.bad.append(Bad(path, ", ".join(splits_of[path]), reason))
    return [Task(path, place) for place, path in made.items()]


def _crashed(task: Task) -> Outcome:
    return Outcome(task.path, reason="The decoder crashed on it.")


def _note(outcome: Outcome, splits_of: Mapping[str, list[str]], report: Report) -> None:
    if outcome.reason:
        report.bad.append(Bad(outcome.path, ", ".join(splits_of[outcome.path]), outcome.reason))
    elif outcome.is_new:
        report.made += 1
    else:
        report.kept += 1


def _write_lists(root: Path, classes: Sequence[str], items: Sequence[Listed], convert: Convert) -> None:
    """``<split>.csv`` of ``path label`` lines; what could not be used stays listed, so that it is counted."""
    labels = {name: label for label, name in enumerate(classes)}
    lines: dict[str, list[str]] = defaultdict(list)
    for item in items:
        if not item.problem:
            lines[item.split].append(f"{made_path(item.path, convert)}{_label(item, labels)}")
    _save_lists(root, lines)


def _label(item: Listed, labels: Mapping[str, int]) -> str:
    """As in " 3"; " 3+14" of a picture that shows both, and " 3+" of one that shows one of several."""
    if item.shows:
        return " " + "+".join(str(labels[name]) for name in item.shows) + "+" * (len(item.shows) == 1)
    return "" if item.class_name is None else f" {labels[item.class_name]}"


def _save_lists(root: Path, lines: Mapping[str, Sequence[str]]) -> None:
    for split, rows in lines.items():
        (root / f"{split}.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


# -- pictures out of binary files


def _write_pictures(one: DataSet, wish: Wish, report: Report, say: Say) -> None:
    whole = read_binary(one, wish.source)
    _mark_begun(wish)
    total, done = sum(len(part.label_N) for part in whole.parts), 0
    lines: dict[str, list[str]] = defaultdict(list)
    for part in whole.parts:
        for path, place, label in pictures_of(part, whole.classes):
            is_new = write_picture(wish.target / path, part.images_N3HW[place])
            report.made, report.kept = report.made + is_new, report.kept + (not is_new)
            lines[part.split].append(path if label == UNLABELLED else f"{path} {label}")
            done += 1
            say("write", done, total, 0)
    for number, fold in enumerate(whole.folds, 1):
        lines[f"train-fold-{number}"] = [lines["train"][place] for place in fold]
    write_about(wish.target, About(whole.classes, set=one.name))
    _save_lists(wish.target, lines)


# -- the index


def _index(one: DataSet, wish: Wish, report: Report, say: Say) -> None:
    try:
        found = build_index(
            wish.target,
            one.kind,
            processes=wish.processes,
            on_progress=lambda done, total: say("index", done, total, len(report.bad)),
        )
    except UnusableFolder as error:
        raise CannotPrepare(str(error)) from error
    save_index(found)
    if wish.source.resolve() != wish.target.resolve():
        _count_frames(found)
    report.num_classes = len(found.classes)
    report.splits = {split: len(items) for split, items in found.splits.items()}
    told = {made_path(bad.path, wish.convert) for bad in report.bad}
    report.bad += [
        Bad(each.path, each.split, each.reason) for each in found.unreadable if each.path not in told
    ]


def _count_frames(found: Index) -> None:
    """Lists of folders of frames say how many there are: ``path label num_frames``."""
    for split, items in found.splits.items():
        file = found.root / f"{split}.csv"
        counts = {item.path: item.num_frames for item in items if item.codec == FRAMES}
        if not counts or not file.is_file():
            continue
        rows = []
        for line in file.read_text(encoding="utf-8").splitlines():
            path, _, label = line.rpartition(" ")
            rows.append(f"{line} {counts[path]}" if path in counts and label.isdigit() else line)
        file.write_text("\n".join(rows) + "\n", encoding="utf-8")
