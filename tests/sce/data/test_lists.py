"""Lists in every format that people have, told apart by their content."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sce.data.layout import UnusableFolder, find_entries
from sce.data.lists import split_line
from tests.sce.data.folders import named, touch, write


@pytest.mark.parametrize("name", ["train.csv", "train.txt", "train.json"])
def test_the_content_decides_and_not_the_suffix(name: str, tmp_path: Path) -> None:
    write(tmp_path, {name: "run/a.mp4 0\nwalk/b.mp4 1\n"})
    assert named(tmp_path) == {"train": {"run/a.mp4": "run", "walk/b.mp4": "walk"}}


@pytest.mark.parametrize("name", ["train.csv", "train.json"])
def test_an_annotation_names_paths_classes_and_frames(name: str, tmp_path: Path) -> None:
    said = {"walk/b": {"class": 1, "num_frames": 12}, "run/a": {"class": 0, "num_frames": 9}}
    write(tmp_path, {name: json.dumps({"annotation": said})})
    classes, entries = find_entries(tmp_path, "video")
    assert classes == ("run", "walk")
    assert [(one.path, one.label, one.num_frames) for one in entries] == [("run/a", 0, 9), ("walk/b", 1, 12)]


def test_an_annotation_without_classes_is_unlabelled(tmp_path: Path) -> None:
    write(tmp_path, {"train.json": json.dumps({"annotation": {"a.mp4": {}}})})
    assert named(tmp_path) == {"train": {"a.mp4": None}}


@pytest.mark.parametrize("text", ['{"annotation": {"a": 3}}', '{"annotation": ["a"]}', '{"annotation": '])
def test_an_annotation_of_another_shape_says_what_was_expected(text: str, tmp_path: Path) -> None:
    write(tmp_path, {"train.json": text})
    with pytest.raises(UnusableFolder, match="is no list of items: expected"):
        find_entries(tmp_path, "video")


def test_other_json_at_the_root_is_no_list(tmp_path: Path) -> None:
    touch(tmp_path, "train/run/a.mp4")
    write(tmp_path, {"readme.json": '{"made": "in May"}', "empty.json": "", "words.json": '["a"]'})
    assert set(named(tmp_path)) == {"train"}


@pytest.mark.parametrize(
    ("line", "label", "frames"),
    [
        ("run/my clip", None, 0),
        ("run/my clip 0", "run", 0),
        ("run/my clip 0 87", "run", 87),
        ("run/my clip,0,87", "run", 87),
    ],
)
def test_a_line_may_name_a_folder_of_frames(
    line: str, label: str | None, frames: int, tmp_path: Path
) -> None:
    touch(tmp_path, "run/my clip/00000001.jpg")
    write(tmp_path, {"train.csv": f"{line}\n"})
    classes, (one,) = find_entries(tmp_path, "video")
    assert (one.path, one.num_frames) == ("run/my clip", frames)
    assert (classes[one.label] if classes else None) == label


def test_folders_of_frames_are_found_in_class_folders(tmp_path: Path) -> None:
    touch(tmp_path, *(f"train/run/clip {n}/{f:08d}.jpg" for n in range(2) for f in (1, 2)), "train/run/c.mp4")
    assert set(named(tmp_path)["train"]) == {"train/run/clip 0", "train/run/clip 1", "train/run/c.mp4"}


WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Z", "C"], exclude_characters=',"'), min_size=1
)


@given(words=st.lists(WORDS, min_size=1, max_size=3), numbers=st.lists(st.integers(0, 10**6), max_size=2))
def test_whatever_precedes_the_last_numbers_is_the_path(words: list[str], numbers: list[int]) -> None:
    path = " ".join(words) + "x"
    assert split_line(" ".join([path, *map(str, numbers)])) == (path, [str(number) for number in numbers])
