"""The binary files of CIFAR and STL-10 become the very pictures, under the right class."""

from pathlib import Path

import numpy as np
import pytest

from sce.data.images import read_image
from sce.data.index import load_index
from sce.data.prepare.wish import CannotPrepare, Wish
from sce.data.prepare.work import prepare
from tests.sce.data.binaries import CIFAR10, cifar10, cifar100, picture, stl10


def stored(root: Path, split: str, position: int) -> np.ndarray:
    """(3, S, S) of an item, as trainings read it."""
    return read_image(root / load_index(root).items(split)[position].path)[0].transpose(2, 0, 1)


def test_cifar10_keeps_every_pixel_and_label(tmp_path: Path) -> None:
    report = prepare(Wish("cifar10", cifar10(tmp_path / "src"), tmp_path / "dst", processes=1))
    index = load_index(tmp_path / "dst")
    assert index.classes == CIFAR10
    assert report.splits == {"test": 2, "train": 10}
    first = index.items("train")[0]
    assert (first.path, first.label) == ("train/airplane/000000.png", 0)
    by_seed = {10 * (n // 2) + n % 2 for n in range(10)}
    assert all(
        any((stored(tmp_path / "dst", "train", place) == picture(seed, 32)).all() for seed in by_seed)
        for place in range(10)
    )


def test_cifar100_takes_the_fine_label(tmp_path: Path) -> None:
    prepare(Wish("cifar100", cifar100(tmp_path / "src"), tmp_path / "dst", processes=1))
    assert [item.label for item in load_index(tmp_path / "dst").items("test")] == [40, 41]


def test_stl10_turns_its_columns_and_has_folds_and_unlabelled_pictures(tmp_path: Path) -> None:
    report = prepare(Wish("stl10", stl10(tmp_path / "src"), tmp_path / "dst", processes=1))
    assert report.splits == {"test": 2, "train": 4, "train-fold-1": 2, "train-fold-2": 2, "unlabeled": 3}
    assert (stored(tmp_path / "dst", "train", 2) == picture(2, 96)).all()
    index = load_index(tmp_path / "dst")
    assert [item.label for item in index.items("train-fold-2")] == [1, 3]
    assert {item.label for item in index.items("unlabeled")} == {-1}


def test_pictures_that_are_there_are_not_written_again(tmp_path: Path) -> None:
    wish = Wish("cifar10", cifar10(tmp_path / "src"), tmp_path / "dst", processes=1)
    prepare(wish)
    (tmp_path / "dst" / "train" / "airplane" / "000000.png").unlink()
    report = prepare(wish)
    assert (report.made, report.kept) == (1, 11)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda folder: (folder / "test_batch.bin").unlink(), "is not there: unpack the archive again"),
        (
            lambda folder: (folder / "test_batch.bin").write_bytes(b"1" * 3000),
            "no whole number of records of 3,073",
        ),
        (
            lambda folder: (folder / "test_batch.bin").write_bytes(bytes([77]) + b"1" * 3072),
            "a label of no class",
        ),
        (
            lambda folder: (folder / "batches.meta.txt").write_text("cat\n"),
            "names 1 classes and CIFAR-10 has 10",
        ),
        (
            lambda folder: (folder / "data_batch_1.bin").rename(folder / "data_batch_1"),
            "holds the Python version",
        ),
    ],
)
def test_files_that_are_not_whole_are_named(spoil, sentence: str, tmp_path: Path) -> None:
    root = cifar10(tmp_path / "src")
    spoil(root / "cifar-10-batches-bin")
    with pytest.raises(CannotPrepare, match=sentence):
        prepare(Wish("cifar10", root, tmp_path / "dst", processes=1))
    assert not (tmp_path / "dst").exists()


def test_labels_that_do_not_count_the_pictures_are_named(tmp_path: Path) -> None:
    root = stl10(tmp_path / "src")
    (root / "stl10_binary" / "train_y.bin").write_bytes(b"\x01")
    with pytest.raises(CannotPrepare, match="has 1 labels for the 4 pictures"):
        prepare(Wish("stl10", root, tmp_path / "dst", processes=1))
