"""Demo videos: made again byte for byte, balanced, and told apart by nothing but their motion."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from sce.data.demo import (
    CLASSES,
    SHOT_FRAMES,
    TRAIN_PHOTOGRAPHS,
    VAL_PHOTOGRAPHS,
    OtherDemo,
    file_of,
    frames_of,
    make_demo,
    motion_of,
    split_of,
    write_video,
)
from sce.data.index import load_index

ALL = range(480)
FEW = 4 * len(CLASSES)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    make_demo(folder, seed=3, num_videos=FEW, processes=2)
    return folder


def digests(folder: Path) -> dict[str, str]:
    files = [file for file in folder.rglob("*.*") if file.suffix in {".mp4", ".avi"}]
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.mark.parametrize("number", [0, 10])
def test_any_single_file_can_be_made_again(demo: Path, tmp_path: Path, number: int) -> None:
    again = tmp_path / file_of(number)
    write_video(again, frames_of(number, seed=3))
    assert again.read_bytes() == (demo / file_of(number)).read_bytes()


def test_another_seed_gives_other_videos() -> None:
    assert not np.array_equal(frames_of(0, seed=3), frames_of(0, seed=4))


def test_what_was_lost_is_made_again_and_the_rest_is_kept(demo: Path) -> None:
    before, kept = digests(demo), demo / file_of(1)
    written = kept.stat().st_mtime_ns
    (demo / file_of(0)).unlink()
    make_demo(demo, seed=3, num_videos=FEW)
    assert digests(demo) == before
    assert kept.stat().st_mtime_ns == written


def test_two_seeds_are_never_mixed_in_one_folder(demo: Path) -> None:
    with pytest.raises(OtherDemo, match="choose another folder"):
        make_demo(demo, seed=4, num_videos=FEW)


def test_too_few_videos_for_a_scored_one_of_each_class_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 40"):
        make_demo(tmp_path, num_videos=30)


def test_the_demo_is_indexed_and_every_video_is_readable(demo: Path) -> None:
    index = load_index(demo)
    assert index.classes == CLASSES
    assert {split: len(items) for split, items in index.splits.items()} == {"train": 30, "val": 10}
    assert not index.unreadable
    assert {item.codec for item in index.splits["train"]} == {"h264", "mpeg4"}
    assert {item.num_frames for item in index.splits["train"]} == {2 * SHOT_FRAMES}


def test_progress_reaches_the_last_video(tmp_path: Path, demo: Path) -> None:
    told: list[tuple[int, int]] = []
    (demo / file_of(5)).unlink()
    make_demo(demo, seed=3, num_videos=FEW, on_progress=lambda done, total: told.append((done, total)))
    assert told == [(FEW, FEW)]


@pytest.mark.parametrize("split", ["train", "val"])
def test_every_class_has_as_many_videos_in_each_split(split: str) -> None:
    counts = [
        sum(number % len(CLASSES) == label for number in ALL if split_of(number) == split)
        for label in range(len(CLASSES))
    ]
    assert set(counts) == {36 if split == "train" else 12}


@pytest.mark.parametrize("split", ["train", "val"])
def test_half_of_a_split_is_avi(split: str) -> None:
    files = [file_of(number) for number in ALL if split_of(number) == split]
    assert sum(file.suffix == ".avi" for file in files) == pytest.approx(len(files) / 2, abs=10)


def test_the_scored_photographs_are_never_learned_from() -> None:
    assert not set(TRAIN_PHOTOGRAPHS) & set(VAL_PHOTOGRAPHS)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("pan-left", "pan-right"),
        ("tilt-up", "tilt-down"),
        ("zoom-in", "zoom-out"),
        ("roll-left", "roll-right"),
    ],
)
def test_a_class_is_its_opposite_backwards(one: str, other: str) -> None:
    """Speeds are drawn before the class's sign is put in, so equal draws give opposite motions."""
    there, back = (motion_of(name, np.random.default_rng(0)) for name in (one, other))
    assert there.zoom == -back.zoom
    assert there.turn == -back.turn
    strongest = np.abs(there.travel).argmax()
    assert there.zoom or there.turn or there.travel[strongest] == -back.travel[strongest]


def test_a_single_frame_does_not_tell_the_class() -> None:
    """Mean colours of first frames: a nearest class mean does little better than a guess of one in ten."""
    numbers = [number for number in ALL if split_of(number) == "train"][:100]
    colour = np.array([frames_of(number, seed=0)[0].mean((0, 1)) for number in numbers])
    label = np.array(numbers) % len(CLASSES)
    learned, scored = slice(0, 50), slice(50, 100)
    means = np.array([colour[learned][label[learned] == c].mean(0) for c in range(len(CLASSES))])
    guess = np.abs(colour[scored][:, None] - means).sum(-1).argmin(1)
    assert (guess == label[scored]).mean() < 0.3
