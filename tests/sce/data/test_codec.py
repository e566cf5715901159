"""Two readers, one picture: torchcodec gives what PyAV gives, by the same numbers."""

import random
from pathlib import Path

import numpy as np
import pytest

from sce.data import codec, decoding, video
from sce.data.choice import VARIABLE, NoReader
from sce.data.video import UnreadableVideo, probe
from tests.sce.data.conftest import NUM_FRAMES, VIDEOS
from tests.videos import read_number

needs_codec = pytest.mark.skipif(
    not codec.version(), reason="torchcodec or its FFmpeg libraries are not installed"
)
TIMED = [name for name in VIDEOS if not name.endswith(".avi")]
"""Containers that say when a frame is shown: AVI does not, and is left to PyAV."""


@needs_codec
@pytest.mark.parametrize("name", TIMED)
def test_both_readers_give_the_same_frames(videos: Path, name: str) -> None:
    fps, rng = probe(videos / name).fps, random.Random(name)
    clips = [sorted(rng.sample(range(NUM_FRAMES), 8)), [0, 0, 5], [NUM_FRAMES - 1]]
    ours = video.read_clips(videos / name, clips, fps=fps)
    theirs = codec.read_clips(videos / name, clips, fps=fps)
    assert [[read_number(frame) for frame in clip] for clip in theirs] == clips
    for one, other in zip(ours, theirs, strict=True):
        assert other.dtype == np.uint8
        assert np.abs(one.astype(int) - other).max() <= 2


@needs_codec
@pytest.mark.parametrize("name", ["empty.mp4", "noise.mp4", "no-end.mp4", "sound.mp4"])
def test_a_broken_file_is_an_unreadable_video_to_it_too(broken: Path, name: str) -> None:
    with pytest.raises(UnreadableVideo, match="It cannot be decoded"):
        codec.read_clips(broken / name, [[0]], fps=25)


@pytest.mark.parametrize(
    ("wish", "chosen"),
    [
        ("", video.read_clips),
        ("auto", video.read_clips),
        ("pyav", video.read_clips),
        ("torchcodec", codec.read_clips),
    ],
)
def test_the_faster_reader_reads_unless_the_other_is_named(
    wish: str, chosen: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, wish)
    monkeypatch.setattr(codec, "version", lambda: "0.17.0")
    assert decoding.reader() is chosen


@pytest.mark.parametrize(
    ("wish", "words"), [("torchcodec", "pip install 'scelab"), ("decord", "choose auto, pyav")]
)
def test_a_reader_that_is_not_there_is_refused_with_the_remedy(
    wish: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, wish)
    monkeypatch.setattr(codec, "version", lambda: "")
    with pytest.raises(NoReader, match=words):
        decoding.reader()


@pytest.mark.parametrize("name", VIDEOS)
def test_whatever_reader_is_chosen_the_frames_are_those_asked_for(videos: Path, name: str) -> None:
    facts = probe(videos / name)
    clips = [[0, 7, 80], [NUM_FRAMES - 1, NUM_FRAMES - 1]]
    read = decoding.read_clips(videos / name, clips, fps=facts.fps)
    assert [[read_number(frame) for frame in clip] for clip in read] == clips
    assert read[0].shape == (3, facts.height, facts.width, 3)
