"""Which files belong to a data set: folders and lists as people really have them."""

import json
from pathlib import Path

import pytest

from sce.data.index import FILE, load_index
from sce.data.layout import UNLABELLED, Entry, UnusableFolder, find_entries


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def found(root: Path, kind: str = "video") -> dict[str, str | None]:
    """Path -> the name of its class, None without one."""
    classes, entries = find_entries(root, kind)
    return {one.path: None if one.label == UNLABELLED else classes[one.label] for one in entries}


def listed(root: Path, text: str, name: str = "train.csv") -> dict[str, str | None]:
    (root / name).write_text(text)
    return found(root)


# -- folders


def test_labels_are_ranks_of_sorted_names_over_all_splits(tmp_path: Path) -> None:
    touch(tmp_path, "train/zebra/a.mp4", "train/ant/a.mp4", "val/mule/a.mp4")
    classes, entries = find_entries(tmp_path, "video")
    assert classes == ("ant", "mule", "zebra")
    assert [(one.split, one.label) for one in entries] == [("train", 0), ("train", 2), ("val", 1)]


def test_files_nested_below_a_class_belong_to_it(tmp_path: Path) -> None:
    touch(tmp_path, "train/run/2019/may/a.mp4", "train/run/b.mp4")
    assert found(tmp_path) == {"train/run/2019/may/a.mp4": "run", "train/run/b.mp4": "run"}


@pytest.mark.parametrize("name", ["a.MP4", "a.Avi", "a.WEBM", "a.mkv", "a b.mp4", "ä.mp4", "a,b.mp4"])
def test_suffixes_in_capitals_and_odd_names_are_found(name: str, tmp_path: Path) -> None:
    touch(tmp_path, f"train/run/{name}")
    assert found(tmp_path) == {f"train/run/{name}": "run"}


@pytest.mark.parametrize("name", ["a.txt", "a.mp4.part", "mp4", "a.jpg", ".a.mp4", "._a.mp4"])
def test_other_and_hidden_files_are_left_alone(name: str, tmp_path: Path) -> None:
    touch(tmp_path, "train/run/good.mp4", f"train/run/{name}")
    assert list(found(tmp_path)) == ["train/run/good.mp4"]


@pytest.mark.parametrize("folder", [".cache", "train/.trash", "train/run/.thumbnails"])
def test_hidden_folders_are_left_alone(folder: str, tmp_path: Path) -> None:
    touch(tmp_path, "train/run/good.mp4", f"{folder}/run/hidden.mp4")
    assert list(found(tmp_path)) == ["train/run/good.mp4"]


def test_images_are_looked_for_in_a_data_set_of_images(tmp_path: Path) -> None:
    touch(tmp_path, "train/cat/a.JPEG", "train/cat/b.mp4", "train/dog/c.webp")
    assert found(tmp_path, "image") == {"train/cat/a.JPEG": "cat", "train/dog/c.webp": "dog"}


def test_a_link_in_a_circle_is_walked_once(tmp_path: Path) -> None:
    touch(tmp_path, "train/run/a.mp4")
    (tmp_path / "train" / "run" / "again").symlink_to(tmp_path / "train" / "run")
    assert list(found(tmp_path)) == ["train/run/a.mp4"]


def test_a_link_to_a_file_is_an_item(tmp_path: Path) -> None:
    touch(tmp_path / "elsewhere", "a.mp4")
    (tmp_path / "set" / "train" / "run").mkdir(parents=True)
    (tmp_path / "set" / "train" / "run" / "b.mp4").symlink_to(tmp_path / "elsewhere" / "a.mp4")
    assert found(tmp_path / "set") == {"train/run/b.mp4": "run"}


def test_files_beside_the_class_folders_belong_to_none(tmp_path: Path) -> None:
    touch(tmp_path, "train/loose.mp4", "train/run/a.mp4", "loose.mp4")
    assert list(found(tmp_path)) == ["train/run/a.mp4"]


def test_the_order_is_by_split_class_and_name(tmp_path: Path) -> None:
    touch(tmp_path, "val/b/1.mp4", "train/b/2.mp4", "train/b/10.mp4", "train/a/9.mp4")
    assert list(found(tmp_path)) == ["train/a/9.mp4", "train/b/10.mp4", "train/b/2.mp4", "val/b/1.mp4"]


# -- lists


@pytest.mark.parametrize(
    ("line", "path", "label"),
    [
        ("a.mp4 run", "a.mp4", "run"),
        ("a.mp4,run", "a.mp4", "run"),
        ("a.mp4, run", "a.mp4", "run"),
        ("a.mp4\trun", "a.mp4", "run"),
        ("a.mp4 ,run", "a.mp4", "run"),
        ("my clip.mp4 run", "my clip.mp4", "run"),
        ("my clip.mp4,run", "my clip.mp4", "run"),
        ("a,b.mp4 run", "a,b.mp4", "run"),
        ("a,b.mp4,run", "a,b.mp4", "run"),
        ('"a,b.mp4",run', "a,b.mp4", "run"),
        ('"a.mp4","run"', "a.mp4", "run"),
        ("a.mp4,playing guitar", "a.mp4", "playing guitar"),
        ('"my clip.mp4","playing guitar"', "my clip.mp4", "playing guitar"),
        ("sub/a.MP4 run", "sub/a.MP4", "run"),
        ("my clip.mp4", "my clip.mp4", None),
        ('"my clip.mp4"', "my clip.mp4", None),
    ],
)
def test_a_line_is_a_path_and_a_label(line: str, path: str, label: str | None, tmp_path: Path) -> None:
    assert listed(tmp_path, f"{line}\n") == {path: label}


@pytest.mark.parametrize("header", ["path,label", "Path,Label", "video,class", "filename label", "id,label"])
def test_a_header_is_no_item(header: str, tmp_path: Path) -> None:
    assert listed(tmp_path, f"{header}\na.mp4,run\n") == {"a.mp4": "run"}


@pytest.mark.parametrize("first", ["path,label\n", ""])
def test_a_list_saved_by_a_spreadsheet_is_read(first: str, tmp_path: Path) -> None:
    assert listed(tmp_path, f"\ufeff{first}a.mp4,run\r\nb.mp4,walk\r\n") == {"a.mp4": "run", "b.mp4": "walk"}


def test_empty_lines_are_passed_over(tmp_path: Path) -> None:
    assert listed(tmp_path, "\n\na.mp4 run\n   \nb.mp4 walk") == {"a.mp4": "run", "b.mp4": "walk"}


def test_an_empty_list_is_no_split(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("")
    with pytest.raises(UnusableFolder, match="No split found"):
        find_entries(tmp_path, "video")


def test_a_list_of_images_is_no_list_of_videos(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("a.png cat\n")
    with pytest.raises(UnusableFolder, match="expected ROOT/<split>/<class>"):
        find_entries(tmp_path, "video")
    assert found(tmp_path, "image") == {"a.png": "cat"}


def test_lists_and_folders_make_one_data_set(tmp_path: Path) -> None:
    touch(tmp_path, "val/walk/b.mp4")
    assert listed(tmp_path, "a.mp4 run\n") == {"a.mp4": "run", "val/walk/b.mp4": "walk"}


def test_one_file_may_be_in_two_splits_and_is_told_when_twice_in_one(tmp_path: Path) -> None:
    (tmp_path / "val.txt").write_text("a.mp4 run\n")
    (tmp_path / "train.txt").write_text("a.mp4 run\na.mp4 walk\n")
    problems = [(one.split, one.problem) for one in find_entries(tmp_path, "video")[1]]
    assert problems == [
        ("train", ""),
        ("train", "It is listed twice in its split; the first counts."),
        ("val", ""),
    ]


@pytest.mark.parametrize("path", ["/etc/secret.mp4", "../secret.mp4", "a/../../secret.mp4"])
def test_a_path_that_leads_out_is_never_tried(path: str, tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(f"a.mp4 x\n{path} x\n")
    _, second = find_entries(tmp_path, "video")[1]
    assert second == Entry("train", path, 0, "Its path leads out of the data set's folder.")


def test_numbers_of_folders_that_share_one_number_stay_numbers(tmp_path: Path) -> None:
    assert listed(tmp_path, "run/a.mp4 0\nwalk/b.mp4 0\nswim/c.mp4 1\n") == {
        "run/a.mp4": "0",
        "walk/b.mp4": "0",
        "swim/c.mp4": "1",
    }


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe\x00nonsense", b'{"format": 1, "kind": "video", "classes": [], "splits": []}', b"[]", b"null"],
)
def test_an_index_of_wrong_bytes_or_shape_says_how_to_make_it_anew(content: bytes, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(UnusableFolder, match="scelab data index"):
        load_index(tmp_path)


def test_an_index_of_another_format_says_so(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(json.dumps({"format": 99}))
    with pytest.raises(UnusableFolder, match="written by another version"):
        load_index(tmp_path)
