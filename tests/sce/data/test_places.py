"""The small parts: where things were put, links to other disks, work that takes its process down."""

import json
import os
from pathlib import Path

import pytest

from sce.data.about import About, read_about, write_about
from sce.data.index import FILE, load_index, main
from sce.data.places import Files, folder_with
from sce.data.pool import outcomes_of
from sce.data.prepare.convert import Convert, Task, convert_one, made_path
from tests.sce.data.folders import touch
from tests.videos import encode, numbered_frames


def test_lists_are_found_at_the_root_or_one_folder_below(tmp_path: Path) -> None:
    touch(tmp_path, "lists/classInd.txt", "deep/er/other.txt", ".hidden/secret.txt")
    assert folder_with(tmp_path, "classInd.txt") == tmp_path / "lists"
    assert folder_with(tmp_path, "other.txt") is None
    assert folder_with(tmp_path, "secret.txt") is None


@pytest.mark.parametrize(
    ("there", "found"),
    [
        ("run/a.avi", "run/a.avi"),
        ("videos/run/a.avi", "videos/run/a.avi"),
        ("videos/run/a.mp4", "videos/run/a.mp4"),
        ("cut/run/a/00000001.jpg", "cut/run/a"),
        ("elsewhere/b.avi", "run/a.avi"),
    ],
)
def test_a_listed_video_is_found_in_whatever_form_it_has(there: str, found: str, tmp_path: Path) -> None:
    assert Files(touch(tmp_path, there), ["run"]).find("run/a.avi") == found


def test_the_place_of_the_first_video_is_tried_first_for_the_next(tmp_path: Path) -> None:
    touch(tmp_path, "a/1.avi", "b/2.avi", "b/3.avi", "a/3.avi")
    videos = Files(tmp_path, [])
    assert [videos.find(f"{n}.avi") for n in (1, 3, 2, 3)] == ["a/1.avi", "a/3.avi", "b/2.avi", "b/3.avi"]


def test_what_is_said_of_a_folder_is_read_back(tmp_path: Path) -> None:
    assert read_about(tmp_path) == About()
    about = About(("Hammering", "HammerThrow"), 25.0, "ucf101")
    write_about(tmp_path, about)
    assert read_about(tmp_path) == about
    assert [file.name for file in tmp_path.iterdir()] == ["scelab-data.json"]


def test_a_folder_on_another_disk_gets_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "src/a.avi", "src/cut/00000001.jpg")

    def other_disk(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", other_disk)
    for name in ("a.avi", "cut"):
        outcome = convert_one(tmp_path / "src", tmp_path / "dst", Convert(), 25.0, Task(name, name))
        assert outcome.reason == ""
    assert (tmp_path / "dst" / "a.avi").readlink() == tmp_path / "src" / "a.avi"
    assert (tmp_path / "dst" / "cut" / "00000001.jpg").is_symlink()


@pytest.mark.parametrize(
    ("path", "how", "made"),
    [
        ("run/a.avi", "link", "run/a.avi"),
        ("run/a.avi", "encode", "run/a.mp4"),
        ("run/a.b.AVI", "frames", "run/a.b"),
        ("run/v1.5 clip", "encode", "run/v1.5 clip.mp4"),
    ],
)
def test_a_result_lies_where_its_source_did(path: str, how: str, made: str) -> None:
    assert made_path(path, Convert(how)) == made  # type: ignore[arg-type]  # a word


def die_on_two(number: int) -> int:
    if number == 2:
        os._exit(9)
    return number * 10


def lost(number: int) -> int:
    return -number


def test_a_process_that_dies_takes_one_thing_with_it() -> None:
    assert list(outcomes_of(die_on_two, [1, 2, 3], 2, lost)) == [10, -2, 30]


def test_nobody_listening_any_more_ends_the_work() -> None:
    outcomes = outcomes_of(lost, range(1, 10_000), 1, lost)
    assert next(iter(outcomes)) == -1


def test_a_folder_is_indexed_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    encode(tmp_path / "train" / "run" / "a.mp4", numbered_frames(4))
    touch(tmp_path, "train/run/b.mp4")
    main([str(tmp_path), "--processes", "1", "--fps", "25"])
    said = capsys.readouterr().out
    assert "train: train/run/b.mp4: The file is empty." in said
    assert said.endswith("1 classes; train 1; 1 unreadable\n")
    assert len(load_index(tmp_path).items("train")) == 1
    assert json.loads((tmp_path / "scelab-data.json").read_text())["fps"] == 25.0


def test_a_folder_of_nothing_ends_with_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path)])
    assert ended.value.code == 1
    assert "No split found" in capsys.readouterr().err
    assert not (tmp_path / FILE).exists()
