"""Folders of frames go through the same clip path as encoded videos."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sce.data.frames import frame_file, probe_frames, read_frames
from sce.data.index import build_index
from sce.data.readers import ScoredReader, Source
from sce.data.sampler import Draw
from sce.data.video import UnreadableVideo
from sce.definition import EvalClips, VideoData
from tests.sce.data.folders import write
from tests.videos import encode, numbered_frames, read_number


def cut(folder: Path, num_frames: int, *, height: int = 96, width: int = 128) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, frame in enumerate(numbered_frames(num_frames, height=height, width=width)):
        Image.fromarray(frame).save(frame_file(folder, number), quality=95)
    return folder


def test_frame_numbers_count_from_0_and_files_from_1(tmp_path: Path) -> None:
    folder = cut(tmp_path / "clip", 12)
    assert (folder / "00000001.jpg").is_file()
    first, second = read_frames(folder, [[0, 3, 3], [11]])
    assert [read_number(frame) for frame in first] == [0, 3, 3]
    assert [read_number(frame) for frame in second] == [11]


def test_a_probe_counts_and_keeps_to_what_a_list_announces(tmp_path: Path) -> None:
    folder = cut(tmp_path / "clip", 12)
    facts = probe_frames(folder, 25.0)
    assert (facts.num_frames, facts.fps, facts.width, facts.height, facts.codec) == (
        12,
        25.0,
        128,
        96,
        "frames",
    )
    assert probe_frames(folder, 25.0, announced=10).num_frames == 10


@pytest.mark.parametrize(
    ("spoil", "announced", "sentence"),
    [
        (lambda folder: frame_file(folder, 4).unlink(), 0, r"00000005\.jpg is missing among 11"),
        (lambda folder: None, 20, "It holds 12 of the 20 frames"),
        (
            lambda folder: frame_file(folder, 11).write_bytes(b"no image"),
            0,
            r"00000012\.jpg: It is not an image",
        ),
        (lambda folder: Image.new("RGB", (8, 8)).save(frame_file(folder, 11)), 0, "differ in size"),
        (lambda folder: [file.unlink() for file in folder.iterdir()], 0, "holds no pictures"),
    ],
)
def test_a_broken_folder_says_what_is_wrong_with_it(
    spoil, announced: int, sentence: str, tmp_path: Path
) -> None:
    folder = cut(tmp_path / "clip", 12)
    spoil(folder)
    with pytest.raises(UnreadableVideo, match=sentence):
        probe_frames(folder, 25.0, announced)


def test_a_frame_that_went_after_indexing_is_an_unreadable_video(tmp_path: Path) -> None:
    folder = cut(tmp_path / "clip", 3)
    frame_file(folder, 1).unlink()
    with pytest.raises(UnreadableVideo, match=r"00000002\.jpg"):
        read_frames(folder, [[0, 1]])


def test_frames_and_their_video_give_the_same_clips(tmp_path: Path) -> None:
    """The same 30 frames at 10 a second, once encoded and once cut: equal moments, nearly equal pixels."""
    encode(tmp_path / "train" / "run" / "coded.mp4", numbered_frames(30), fps=10)
    cut(tmp_path / "train" / "run" / "cut", 30)
    write(tmp_path, {"scelab-data.json": '{"fps": 10}'})
    index = build_index(tmp_path, "video", processes=1)
    data = VideoData(root=str(tmp_path), num_frames=4, clip_s=1.2)
    reader = ScoredReader(
        Source(tmp_path, data, "train", index.items("train")), EvalClips(clips=3, crops=1, size=96)
    )
    coded, frames = (reader.read(Draw(0, position)).views[0] for position in (0, 1))
    assert coded.shape == frames.shape
    assert np.abs(coded.numpy().astype(int) - frames.numpy().astype(int)).mean() < 4


def test_a_folder_of_frames_needs_its_rate(tmp_path: Path) -> None:
    cut(tmp_path / "train" / "run" / "cut", 3)
    encode(tmp_path / "train" / "run" / "coded.mp4", numbered_frames(5), fps=10)
    (told,) = build_index(tmp_path, "video", processes=1).unreadable
    assert told.reason.startswith("Nobody said its rate: write")
    write(tmp_path, {"scelab-data.json": '{"fps": 25}'})
    item = build_index(tmp_path, "video", processes=1).items("train")[1]
    assert (item.codec, item.num_frames, item.duration_s) == ("frames", 3, 0.12)
    assert item.bytes > 1000
