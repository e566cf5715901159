"""Indexing real folders: what is found, under which label, and why something is not."""

import dataclasses
import json
import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

from sce.data.index import (
    FILE,
    MissingIndex,
    Unreadable,
    build_index,
    load_index,
    look_at_all,
    save_index,
)
from sce.data.layout import Entry, UnusableFolder, find_entries
from tests.videos import encode, numbered_frames


@pytest.fixture
def listed(tmp_path: Path, videos: Path) -> Path:
    """Two videos in class folders, and room for lists."""
    for name in ("walk/a b.mp4", "run/c.mp4"):
        (tmp_path / name).parent.mkdir()
        shutil.copy(videos / "h264.mp4", tmp_path / name)
    return tmp_path


def labels_of(root: Path, kind: str = "video") -> dict[str, int]:
    return {entry.path: entry.label for entry in find_entries(root, kind)[1]}


def test_an_item_holds_what_pages_and_trainings_need(dataset: Path):
    index = load_index(dataset)
    item = index.splits["train"][0]
    assert (item.path, item.label, item.codec) == ("train/a/00.mp4", 0, "h264")
    assert (item.num_frames, item.fps, item.duration_s) == (40, 20.0, 2.0)
    assert (item.width, item.height) == (96, 48)
    assert item.bytes == (dataset / item.path).stat().st_size


def test_items_are_ordered_and_labelled_by_sorted_class_names(dataset: Path):
    index = load_index(dataset)
    assert index.classes == ("a", "b")
    assert [item.path for item in index.splits["val"]] == sorted(i.path for i in index.splits["val"])
    assert {item.label for item in index.splits["val"] if "/b/" in item.path} == {1}
    assert {split: len(items) for split, items in index.splits.items()} == {"train": 12, "val": 5}


def test_the_unreadable_are_listed_with_their_split_and_reason(dataset: Path):
    reasons = {(one.split, one.path): one.reason for one in load_index(dataset).unreadable}
    assert set(reasons) == {
        ("train", "train/a/empty.mp4"),
        ("train", "train/a/sound.mp4"),
        ("val", "val/b/noise.mp4"),
    }
    assert reasons["train", "train/a/sound.mp4"] == "It has no video stream, only audio."


def test_the_number_of_processes_changes_nothing(dataset: Path):
    told: list[tuple[int, int]] = []
    index = build_index(dataset, "video", processes=2, on_progress=lambda *progress: told.append(progress))
    assert index == load_index(dataset)
    assert told == [(done, 20) for done in range(1, 21)]


def crash_on_b(entry: Entry) -> Unreadable:
    if entry.path == "b":
        os._exit(1)
    return Unreadable(entry.path, entry.split, "It was looked at.")


def test_a_decoder_that_crashes_takes_only_its_own_file_down():
    entries = [Entry("train", path, 0) for path in "abc"]
    outcomes = list(look_at_all(crash_on_b, entries, 2))
    crashed = "The decoder crashed on it."
    assert [one.reason for one in outcomes] == ["It was looked at.", crashed, "It was looked at."]


def test_a_moved_data_set_keeps_its_fingerprint_and_a_changed_one_does_not(dataset: Path, tmp_path: Path):
    moved = shutil.copytree(dataset, tmp_path / "moved")
    before = load_index(dataset).fingerprint
    assert build_index(moved, "video", processes=1).fingerprint == before
    (moved / "train" / "a" / "00.mp4").unlink()
    assert build_index(moved, "video", processes=1).fingerprint != before


def test_a_list_may_have_spaces_in_paths_and_commas_or_spaces_before_labels(listed: Path):
    (listed / "train.csv").write_text("path,label\nwalk/a b.mp4,walk\n")
    (listed / "val.txt").write_text("run/c.mp4 run\n\n")
    assert labels_of(listed) == {"walk/a b.mp4": 1, "run/c.mp4": 0}
    assert {entry.split for entry in find_entries(listed, "video")[1]} == {"train", "val"}


def test_numbers_in_a_list_are_named_by_their_folders(listed: Path):
    (listed / "train.csv").write_text("walk/a b.mp4 0\nrun/c.mp4 1\n")
    assert find_entries(listed, "video")[0] == ("run", "walk")
    assert labels_of(listed) == {"walk/a b.mp4": 1, "run/c.mp4": 0}


def test_numbers_without_folders_keep_the_order_of_numbers(tmp_path: Path):
    (tmp_path / "train.csv").write_text("".join(f"{n}.mp4 {n}\n" for n in (10, 9, 2)))
    assert find_entries(tmp_path, "video")[0] == ("2", "9", "10")


def test_a_list_without_labels_is_unlabelled(listed: Path):
    (listed / "train.txt").write_text("walk/a b.mp4\nrun/c.mp4\n")
    assert labels_of(listed) == {"walk/a b.mp4": -1, "run/c.mp4": -1}


def test_other_text_files_are_no_lists(listed: Path):
    (listed / "train.csv").write_text("run/c.mp4 run\n")
    (listed / "classInd.txt").write_text("1 ApplyEyeMakeup\n")
    assert {entry.split for entry in find_entries(listed, "video")[1]} == {"train"}


def test_a_list_counts_where_a_folder_has_its_name(dataset: Path, tmp_path: Path):
    root = shutil.copytree(dataset, tmp_path / "both")
    (root / "train.csv").write_text("train/b/01.mp4 b\n")
    assert len(build_index(root, "video", processes=1).splits["train"]) == 1


def test_a_listed_file_that_is_missing_twice_or_outside_is_unreadable(listed: Path):
    (listed / "train.csv").write_text("run/c.mp4 x\ngone.mp4 x\nrun/c.mp4 x\n../secret.mp4 x\n")
    index = build_index(listed, "video", processes=1)
    assert [item.path for item in index.splits["train"]] == ["run/c.mp4"]
    assert [one.reason for one in index.unreadable] == [
        "The file is not there: put it back, or take it out of the list that names it.",
        "It is listed twice in its split; the first counts.",
        "Its path leads out of the data set's folder.",
    ]


def test_classes_may_be_links_and_hidden_files_are_left_alone(tmp_path: Path, videos: Path):
    (tmp_path / "elsewhere").mkdir()
    shutil.copy(videos / "vp8.webm", tmp_path / "elsewhere" / "one.webm")
    (tmp_path / "elsewhere" / ".half-written.webm").touch()
    (tmp_path / "set" / "train").mkdir(parents=True)
    (tmp_path / "set" / "train" / "linked").symlink_to(tmp_path / "elsewhere")
    assert labels_of(tmp_path / "set") == {"train/linked/one.webm": 0}


def test_an_image_is_a_video_of_one_frame(image_folder: Path):
    (image_folder / "train" / "dog" / "broken.png").write_bytes(b"not a picture")
    index = build_index(image_folder, "image", processes=1)
    item = index.splits["train"][0]
    assert (item.num_frames, item.duration_s, item.width, item.height) == (1, 1.0, 50, 40)
    assert [one.reason for one in index.unreadable] == ["It is not an image that Pillow knows."]


def test_a_torn_image_is_unreadable(image_folder: Path):
    whole = next((image_folder / "train" / "dog").glob("*.png"))
    whole.write_bytes(whole.read_bytes()[:200])
    (torn,) = build_index(image_folder, "image", processes=1).unreadable
    assert torn.reason.startswith("The image cannot be decoded: ")


def test_an_index_is_read_back_as_it_was(image_folder: Path):
    index = build_index(image_folder, "image", processes=1)
    assert save_index(index) == image_folder / FILE
    assert load_index(image_folder) == index


def test_a_folder_without_index_says_how_to_make_one(tmp_path: Path):
    with pytest.raises(MissingIndex, match=f"has no index: first index it: scelab data index {tmp_path}"):
        load_index(tmp_path)


@pytest.mark.parametrize("content", ["{", "[]", '{"format": 1}', '{"format": 99}'])
def test_a_damaged_or_foreign_index_says_how_to_make_it_anew(tmp_path: Path, content: str):
    (tmp_path / FILE).write_text(content)
    with pytest.raises(UnusableFolder, match="scelab data index"):
        load_index(tmp_path)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(UnusableFolder, match="gone is not a folder"):
        build_index(tmp_path / "gone", "video")


def test_a_folder_without_splits_says_what_was_expected(tmp_path: Path):
    encode(tmp_path / "walk" / "a.mp4", numbered_frames(3))
    with pytest.raises(UnusableFolder, match=r"No split found .* ROOT/<split>/<class>/\*"):
        build_index(tmp_path, "video")


def test_a_folder_of_nothing_readable_says_the_first_reason(tmp_path: Path):
    (tmp_path / "train" / "a").mkdir(parents=True)
    (tmp_path / "train" / "a" / "x.mp4").touch()
    with pytest.raises(UnusableFolder, match=r"None of the 1 items .* readable: The file is empty\."):
        build_index(tmp_path, "video", processes=1)


def test_a_split_that_is_not_there_names_those_that_are(dataset: Path):
    with pytest.raises(UnusableFolder, match="no split 'test': choose one of train, val"):
        load_index(dataset).items("test")


def test_a_split_of_nothing_readable_is_an_error_when_asked_for(dataset: Path):
    index = dataclasses.replace(load_index(dataset), splits={"val": ()})
    with pytest.raises(UnusableFolder, match="has no readable item"):
        index.items("val")


def test_the_file_is_plain_json_with_named_columns(dataset: Path):
    content = json.loads((dataset / FILE).read_text())
    assert content["columns"][:3] == ["path", "label", "num_frames"]
    assert len(content["splits"]["train"]) == 12


def test_grey_and_palette_images_become_three_colours(tmp_path: Path):
    from sce.data.images import read_image

    Image.new("L", (5, 4), 7).save(tmp_path / "grey.png")
    Image.new("P", (5, 4)).save(tmp_path / "palette.gif")
    assert read_image(tmp_path / "grey.png").shape == (1, 4, 5, 3)
    assert read_image(tmp_path / "palette.gif").shape == (1, 4, 5, 3)
