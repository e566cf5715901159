"""Preparing real folders: checked, converted, listed, indexed; what is broken is told, what was done is kept."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from sce.data.index import load_index
from sce.data.prepare import convert as converting
from sce.data.prepare.__main__ import main
from sce.data.prepare.convert import resampled, scaled
from sce.data.prepare.progress import Pace, line_of
from sce.data.prepare.wish import CannotPrepare, Convert, Wish
from sce.data.prepare.work import prepare
from sce.data.video import Facts, probe, read_clips
from sce.sets import all_sets, find_set, instructions, shipped_classes
from tests.sce.data.folders import imagenet, touch, write
from tests.videos import encode, numbered_frames, read_number


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """Two classes, two splits, five videos; one is broken and one is listed and gone."""
    root = tmp_path / "src"
    for n, name in enumerate(("run/a", "walk/b", "run/c", "walk/d")):
        encode(root / f"{name}.avi", numbered_frames(20 + n), fps=20, codec="mpeg4")
    (root / "run" / "broken.avi").write_bytes(b"no video")
    write(
        root,
        {
            "train.csv": "run/a.avi 0\nwalk/b.avi 1\nrun/broken.avi 0\n",
            "val.csv": "run/c.avi 0\nwalk/d.avi 1\nwalk/gone.avi 1\n",
        },
    )
    return root


def wish(root: Path, how: str = "link", **more: float) -> Wish:
    return Wish("videos", root, root.parent / "dst", Convert(how, **more), processes=1)  # type: ignore[arg-type]  # test words


def test_files_are_brought_without_taking_space_twice(clips: Path) -> None:
    report = prepare(wish(clips))
    target = clips.parent / "dst"
    assert (target / "run/a.avi").stat().st_ino == (clips / "run/a.avi").stat().st_ino
    assert report.splits == {"train": 2, "val": 2}
    assert (target / "train.csv").read_text() == "run/a.avi 0\nwalk/b.avi 1\nrun/broken.avi 0\n"
    assert load_index(target).classes == ("run", "walk")


def test_every_bad_file_is_reported_and_none_is_lost(clips: Path) -> None:
    report = prepare(wish(clips, "encode", short_side=48))
    told = {bad.path: (bad.split, bad.reason) for bad in report.bad}
    assert set(told) == {"run/broken.avi", "walk/gone.avi"}
    assert told["walk/gone.avi"] == (
        "val",
        "The file is not there: put it back, or take it out of the list that names it.",
    )
    saved = json.loads((clips.parent / "dst" / "scelab-report.json").read_text())
    assert [bad["path"] for bad in saved["bad"]] == [bad.path for bad in report.bad]
    assert {one.path for one in load_index(clips.parent / "dst").unreadable} == {
        "run/broken.mp4",
        "walk/gone.mp4",
    }


def test_encoding_keeps_every_frame_at_its_moment(clips: Path) -> None:
    prepare(wish(clips, "encode", short_side=48))
    file = clips.parent / "dst" / "run" / "a.mp4"
    facts = probe(file)
    assert (facts.num_frames, facts.fps, facts.height, facts.width, facts.codec) == (20, 20.0, 48, 64, "h264")
    (clip,) = read_clips(file, [range(20)], fps=20)
    assert [read_number(frame) for frame in clip] == list(range(20))


def test_an_encoded_video_begins_anew_every_second_so_that_no_clip_lies_far_in(tmp_path: Path) -> None:
    # A still picture: no cut of a scene asks for a key frame.
    still = np.repeat(numbered_frames(1), 75, axis=0)
    encode(tmp_path / "src" / "train" / "run" / "a.avi", still, fps=25, codec="mpeg4")
    prepare(wish(tmp_path / "src", "encode", short_side=48))
    with av.open(str(tmp_path / "dst" / "train" / "run" / "a.mp4")) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    assert [number for number, packet in enumerate(packets) if packet.is_keyframe] == [0, 25, 50]


def test_frames_are_cut_at_the_rate_that_was_asked(clips: Path) -> None:
    prepare(wish(clips, "frames", fps=10))
    target = clips.parent / "dst"
    item = load_index(target).items("train")[0]
    assert (item.path, item.num_frames, item.fps, item.codec) == ("run/a", 10, 10.0, "frames")
    assert (target / "train.csv").read_text().splitlines()[0] == "run/a 0 10"
    with Image.open(target / "run" / "a" / "00000003.jpg") as third:
        assert third.size == (128, 96)


def test_what_was_interrupted_goes_on_and_makes_nothing_twice(
    clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, seen = converting.stream_frames, list[str]()

    def dying(source: Path, *rest: object, **more: float) -> object:
        seen.append(source.name)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return real(source, *rest, **more)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(converting, "stream_frames", dying)
    with pytest.raises(KeyboardInterrupt):
        prepare(wish(clips, "encode", short_side=48))
    report = prepare(wish(clips, "encode", short_side=48))
    assert (report.kept, report.made) == (2, 2)
    assert seen == ["a.avi", "b.avi", "c.avi", "c.avi", "d.avi"]
    assert not list((clips.parent / "dst").rglob(".*part*"))


def test_a_folder_that_was_begun_otherwise_is_left_alone(
    clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(converting, "_encode", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        prepare(wish(clips, "encode", short_side=48))
    with pytest.raises(
        CannotPrepare, match="was begun with short_side 48: go on with the same, or choose another"
    ):
        prepare(wish(clips, "encode", short_side=64))


def test_a_full_disk_blames_no_video(clips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = av.error.OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(converting, "_encode", lambda *_: (_ for _ in ()).throw(full))
    with pytest.raises(OSError, match="No space left"):
        prepare(wish(clips, "encode", short_side=48))
    assert not list((clips.parent / "dst").rglob("*.mp4"))


def test_a_killed_preparation_goes_on_from_the_command_line(tmp_path: Path) -> None:
    root = tmp_path / "src"
    for n in range(4):
        encode(root / "train" / "run" / f"{n}.avi", numbered_frames(60, height=120, width=160), codec="mpeg4")
    command = [sys.executable, "-m", "sce.data.prepare", "videos", str(root), str(tmp_path / "dst")]
    process = subprocess.Popen([*command, "--short-side", "60", "--processes", "1"], start_new_session=True)
    deadline = time.monotonic() + 60
    while not list((tmp_path / "dst").rglob("0.mp4")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    said = subprocess.run(
        [*command, "--short-side", "60", "--processes", "1"], capture_output=True, text=True, check=True
    )
    assert said.stdout == f"{tmp_path / 'dst'}: 1 classes; train 4\n"
    report = json.loads((tmp_path / "dst" / "scelab-report.json").read_text())
    assert report["kept"] >= 1
    assert report["kept"] + report["made"] == 4


# -- what is refused, before anything is made


def test_ucf101_without_its_lists_says_what_to_fetch(tmp_path: Path) -> None:
    touch(tmp_path / "src", "UCF-101/Archery/v_Archery_g01_c01.avi")
    with pytest.raises(CannotPrepare, match="UCF101TrainTestSplits-RecognitionTask") as told:
        prepare(Wish("ucf101", tmp_path / "src", tmp_path / "dst"))
    assert "to   SRC/ucfTrainTestlist/classInd.txt" in str(told.value)
    assert not (tmp_path / "dst").exists()


def test_loose_validation_pictures_are_told_to_be_sorted(tmp_path: Path) -> None:
    touch(tmp_path, "train/n01440764/n01440764_1.JPEG", "val/ILSVRC2012_val_00000001.JPEG")
    with pytest.raises(CannotPrepare, match="lie loose: sort them into one folder a class"):
        prepare(Wish("imagenet", tmp_path, tmp_path))


def test_a_set_with_too_few_classes_says_how_many(tmp_path: Path) -> None:
    with pytest.raises(CannotPrepare, match="has 3 classes and ImageNet-1k has 1000"):
        prepare(Wish("imagenet", imagenet(tmp_path), tmp_path))


@pytest.mark.parametrize(
    ("name", "source", "how", "sentence"),
    [
        ("ucf11", ".", "link", "Did you mean ucf101"),
        ("ucf101", "nowhere", "link", "There is no folder .*nowhere"),
        ("ucf101", "dst", "encode", "is never written over"),
        ("imagenet", ".", "encode", "nothing to encode"),
        ("images", ".", "frames", "nothing to encode or to cut"),
        ("ssv2", "empty", "encode", "No split found"),
    ],
)
def test_a_wish_that_cannot_be_granted_says_why(
    name: str, source: str, how: str, sentence: str, tmp_path: Path
) -> None:
    for folder in ("dst", "empty"):
        (tmp_path / folder).mkdir()
    with pytest.raises(CannotPrepare, match=sentence):
        prepare(Wish(name, tmp_path / source, tmp_path / "dst", Convert(how, 64)))  # type: ignore[arg-type]  # a word


def test_the_hundred_classes_are_taken_of_a_larger_set(tmp_path: Path) -> None:
    root, wanted = tmp_path / "src", shipped_classes(find_set("imagenet100"))
    assert len(wanted) == 100
    for number, wnid in enumerate((*wanted, "n01440764")):
        for split in ("train", "val"):
            (root / split / wnid).mkdir(parents=True)
            Image.new("RGB", (8, 8), (number, 0, 0)).save(root / split / wnid / f"{wnid}_1.JPEG")
    with pytest.raises(CannotPrepare, match="holds 1 classes more than ImageNet-100"):
        prepare(Wish("imagenet100", root, root))
    report = prepare(Wish("imagenet100", root, tmp_path / "dst", processes=1))
    assert (report.num_classes, report.splits) == (100, {"train": 100, "val": 100})
    assert load_index(tmp_path / "dst").classes == tuple(sorted(wanted))
    shutil.rmtree(root / "train" / wanted[7])
    shutil.rmtree(root / "val" / wanted[7])
    with pytest.raises(CannotPrepare, match=f"nothing of 1 of the 100 classes, such as {wanted[7]}"):
        prepare(Wish("imagenet100", root, tmp_path / "again", processes=1))


def test_items_that_are_trained_on_and_scored_are_told(clips: Path) -> None:
    with (clips / "val.csv").open("a") as file:
        file.write("run/a.avi 0\n")
    (warning,) = prepare(wish(clips)).warnings
    assert warning.startswith("1 items are in train and in val, such as run/a.avi: take them out")


def test_two_files_that_would_become_one_are_told(clips: Path) -> None:
    encode(clips / "run" / "a.mp4", numbered_frames(5))
    with (clips / "val.csv").open("a") as file:
        file.write("run/a.mp4 0\n")
    bad = {one.path: one.reason for one in prepare(wish(clips, "encode", short_side=48)).bad}
    assert bad["run/a.mp4"] == "It would become the same file as run/a.avi: rename one of the two."


# -- the parts


@pytest.mark.parametrize(
    ("size", "short", "even", "made"),
    [
        ((340, 256), 256, True, (340, 256)),
        ((1920, 1080), 256, True, (456, 256)),
        ((1080, 1920), 256, True, (256, 456)),
        ((320, 240), 256, True, (320, 240)),
        ((321, 241), None, True, (320, 240)),
        ((321, 241), None, False, (321, 241)),
    ],
)
def test_the_short_side_is_never_enlarged(size, short, even: bool, made) -> None:
    assert scaled(*size, short, even=even) == made


@pytest.mark.parametrize(
    ("fps", "count", "first"), [(10.0, 10, [1, 4, 7]), (30.0, 30, [0, 1, 2]), (60.0, 60, [0, 0, 1])]
)
def test_another_rate_shows_each_moment(fps: float, count: int, first: list[int]) -> None:
    numbers, rate = resampled(Facts(30, 30.0, 64, 48, "h264"), fps)
    assert (len(numbers), numbers[:3], rate) == (count, first, fps)


def test_progress_says_what_is_left() -> None:
    moments = iter([0.0, 10.0, 10.0, 11.0, 20.0])
    pace = Pace(2.0, clock=lambda: next(moments))
    assert pace.says("convert", 1, 101)
    assert pace.says("convert", 11, 101)
    left = pace.eta_s(11, 101)
    assert left == pytest.approx(90.0)
    assert line_of("convert", 11, 101, 2, left) == "Converting: 11 of 101, 2 cannot be used, 2 min left"
    assert not pace.says("convert", 12, 101)
    assert pace.says("convert", 101, 101)


def test_the_catalogue_says_what_to_fetch_for_every_set(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    shown = capsys.readouterr().out
    for one in all_sets():
        assert one.name in shown
        assert all(download.where in instructions(one) for download in one.downloads)
    assert main(["hmdb51"]) == 0
    assert "nothing is fetched for you" in capsys.readouterr().out


def test_the_command_tells_problems_and_where_all_of_them_are(
    clips: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["videos", str(clips), str(clips.parent / "dst"), "--processes", "1"]) == 0
    said = capsys.readouterr()
    assert said.out.endswith("dst: 2 classes; train 2, val 2\n")
    assert "train: run/broken.avi: It cannot be decoded" in said.err
    assert "2 files cannot be used; all are in" in said.err
    assert main(["videos", str(clips / "nowhere")]) == 1
    assert "There is no folder" in capsys.readouterr().err
