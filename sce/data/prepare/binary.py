"""CIFAR and STL-10: their binary files, written once as image folders. Their Python versions are never unpickled."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sce.data.entries import UNLABELLED, lines_of
from sce.data.places import folder_with
from sce.data.prepare.wish import CannotPrepare
from sce.sets import DataSet, instructions


@dataclass(frozen=True)
class Part:
    """One split: pictures (N, 3, H, W), which stay on disk until they are looked at, and labels (N,)."""

    split: str
    images_N3HW: NDArray[np.uint8]
    label_N: NDArray[np.int64]


@dataclass(frozen=True)
class Whole:
    classes: tuple[str, ...]
    parts: tuple[Part, ...]
    folds: tuple[tuple[int, ...], ...] = ()
    """Positions in ``train`` of each official fold."""


def read_binary(one: DataSet, source: Path) -> Whole:
    """Raises CannotPrepare when a file is missing or has another size."""
    readers = {"cifar10": _cifar10, "cifar100": _cifar100, "stl10": _stl10}
    first = {"cifar10": "data_batch_1.bin", "cifar100": "train.bin", "stl10": "train_X.bin"}[one.name]
    folder = folder_with(source, first) if source.is_dir() else None
    if folder is None:
        raise CannotPrepare(f"{source} holds no {first}.{_python_version(source)}\n{instructions(one)}")
    whole = readers[one.name](folder)
    if len(whole.classes) != one.num_classes:
        raise CannotPrepare(
            f"{folder} names {len(whole.classes)} classes and {one.title} has {one.num_classes}: unpack it again."
        )
    for part in whole.parts:
        if part.label_N.max() >= one.num_classes or part.label_N.min() < UNLABELLED:
            raise CannotPrepare(f"Split {part.split} in {folder} has a label of no class: download it again.")
    return whole


def pictures_of(part: Part, classes: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    """(path, place in the part, label) of each picture."""
    for place, label in enumerate(part.label_N.tolist()):
        folder = "unlabelled" if label == UNLABELLED else classes[label]
        yield f"{part.split}/{folder}/{place:06d}.png", place, label


def write_picture(file: Path, image_3HW: NDArray[np.uint8]) -> bool:
    """Whether it was new. Whole or not at all."""
    if file.is_file():
        return False
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.part")
    Image.fromarray(np.ascontiguousarray(image_3HW.transpose(1, 2, 0))).save(temporary, format="PNG")
    temporary.replace(file)
    return True


def _python_version(source: Path) -> str:
    if source.is_dir() and (folder_with(source, "data_batch_1") or folder_with(source, "batches.meta")):
        return " It holds the Python version, whose files run as programs when they are opened."
    return ""


def _cifar10(folder: Path) -> Whole:
    train = [_records(folder / f"data_batch_{number}.bin", labels=1) for number in range(1, 6)]
    test = _records(folder / "test_batch.bin", labels=1)
    parts = (_part("train", np.concatenate(train), 1), _part("test", test, 1))
    return Whole(tuple(_text(folder / "batches.meta.txt")), parts)


def _cifar100(folder: Path) -> Whole:
    """A record begins with its coarse and its fine label; the fine one counts."""
    parts = tuple(_part(name, _records(folder / f"{name}.bin", labels=2), 2) for name in ("train", "test"))
    return Whole(tuple(_text(folder / "fine_label_names.txt")), parts)


def _records(file: Path, *, labels: int) -> NDArray[np.uint8]:
    """(N, labels + 3072) bytes."""
    return _bytes(file, labels + 3 * 32 * 32).reshape(-1, labels + 3 * 32 * 32)


def _part(split: str, records: NDArray[np.uint8], labels: int) -> Part:
    return Part(split, records[:, labels:].reshape(-1, 3, 32, 32), records[:, labels - 1].astype(np.int64))


def _stl10(folder: Path) -> Whole:
    """Pictures are stored column by column; labels count from 1; unlabelled pictures have none."""
    parts = []
    for split in ("train", "test", "unlabeled"):
        file = folder / f"{split}_X.bin"
        images = _bytes(file, 3 * 96 * 96).reshape(-1, 3, 96, 96).transpose(0, 1, 3, 2)
        labels = folder / f"{split}_y.bin"
        label_N = (
            _bytes(labels, 1).astype(np.int64) - 1
            if split != "unlabeled"
            else np.full(len(images), UNLABELLED, np.int64)
        )
        if len(label_N) != len(images):
            raise CannotPrepare(
                f"{labels} has {len(label_N)} labels for the {len(images)} pictures of {file}: unpack both again."
            )
        parts.append(Part(split, images, label_N))
    folds = tuple(
        tuple(int(place) for place in line.split())
        for line in _text(folder / "fold_indices.txt", optional=True)
    )
    return Whole(tuple(_text(folder / "class_names.txt")), tuple(parts), folds)


def _bytes(file: Path, record: int) -> NDArray[np.uint8]:
    if not file.is_file():
        raise CannotPrepare(f"{file} is not there: unpack the archive again.")
    size = file.stat().st_size
    if not size or size % record:
        raise CannotPrepare(
            f"{file} has {size:,} bytes, which is no whole number of records of {record:,}: download it again."
        )
    return np.memmap(file, np.uint8, "r")


def _text(file: Path, *, optional: bool = False) -> list[str]:
    if file.is_file():
        return lines_of(file)
    if optional:
        return []
    raise CannotPrepare(f"{file} is not there: unpack the archive again.")
