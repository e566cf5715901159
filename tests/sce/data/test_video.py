"""Reading real files: the very frames that were asked for, from one open file, or a sentence why not."""

import random
import re
import shutil
import subprocess
from bisect import bisect_right
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

import av
import numpy as np
import pytest

from sce.data.video import UnreadableVideo, probe, read_clips
from tests.sce.data.conftest import NUM_FRAMES, VIDEOS
from tests.videos import encode, numbered_frames, read_number


def numbers_of(clip_THWC: np.ndarray) -> list[int]:
    return [read_number(frame) for frame in clip_THWC]


@pytest.mark.parametrize("name", VIDEOS)
def test_every_frame_is_the_one_asked_for(videos: Path, name: str):
    facts = probe(videos / name)
    (clip,) = read_clips(videos / name, [range(NUM_FRAMES)], fps=facts.fps)
    assert numbers_of(clip) == list(range(NUM_FRAMES))


@pytest.mark.parametrize("name", VIDEOS)
def test_frames_found_by_jumping_are_the_ones_asked_for(videos: Path, name: str):
    facts, rng = probe(videos / name), random.Random(name)
    for _ in range(25):
        wanted = [sorted(rng.sample(range(NUM_FRAMES), rng.choice([1, 2, 8]))) for _ in range(2)]
        clips = read_clips(videos / name, wanted, fps=facts.fps)
        assert [numbers_of(clip) for clip in clips] == wanted


@pytest.mark.parametrize("name", VIDEOS)
def test_a_probe_tells_frames_rate_and_size(videos: Path, name: str):
    facts = probe(videos / name)
    assert facts.num_frames == NUM_FRAMES
    assert facts.fps == pytest.approx(VIDEOS[name]["fps"], rel=0.01)
    assert (facts.width, facts.height) == (128, 96)
    assert facts.codec in ("h264", "mpeg4", "vp8", "vp9")


def test_all_clips_come_from_one_open_file(videos: Path, monkeypatch: pytest.MonkeyPatch):
    opened: list[str] = []
    real = av.open
    monkeypatch.setattr(av, "open", lambda file, **how: opened.append(file) or real(file, **how))
    read_clips(videos / "h264.mp4", [[0, 40, 80], [5, 45], [89]], fps=25.0)
    assert len(opened) == 1


def test_far_apart_frames_are_reached_without_decoding_what_lies_between(tmp_path: Path):
    file = encode(tmp_path / "long.mp4", numbered_frames(1000, height=48, width=96), gop=10)
    content = bytearray(file.read_bytes())
    third = len(content) // 3
    content[third : 2 * third] = b"\xff" * third  # whoever decodes this fails
    file.write_bytes(content)
    (clip,) = read_clips(file, [[3, 995]], fps=25.0)
    assert numbers_of(clip) == [3, 995]
    with pytest.raises(UnreadableVideo, match="It cannot be decoded"):
        read_clips(file, [[500]], fps=25.0)


def test_a_key_frame_is_reached_without_what_lies_before_it(tmp_path: Path):
    """Reordered streams are stored ahead of their times: a jump that allows for it twice lands a key frame early."""
    still = np.repeat(numbered_frames(1, height=48, width=96), 75, axis=0)
    file = encode(tmp_path / "still.mp4", still, gop=25, b_frames=3)
    content = bytearray(file.read_bytes())
    with av.open(str(file)) as container:
        for packet in list(container.demux(video=0))[25:50]:
            content[packet.pos : packet.pos + packet.size] = (
                b"\xff" * packet.size
            )  # whoever decodes this fails
    file.write_bytes(content)
    assert len(read_clips(file, [[50]], fps=25.0)[0]) == 1
    with pytest.raises(UnreadableVideo, match="It cannot be decoded"):
        read_clips(file, [[49]], fps=25.0)


def test_clips_are_uint8_pictures_in_the_order_asked_for(videos: Path):
    clip, again = read_clips(videos / "h264.mp4", [[9, 9, 2], [50]], fps=25.0)
    assert (clip.shape, clip.dtype, again.shape) == ((3, 96, 128, 3), np.uint8, (1, 96, 128, 3))
    assert numbers_of(clip) == [9, 9, 2]


def test_a_variable_rate_shows_what_a_viewer_sees_at_that_moment(tmp_path: Path):
    """Frames 0..9 at 10 a second, then 10..29 every 30 ms: 20 a second on average, 1.6 s in all."""
    times_ms = [number * 100 if number < 10 else 1000 + (number - 10) * 30 for number in range(30)]
    file = encode_at(tmp_path / "variable.mp4", times_ms, b_frames=0)
    (clip,) = read_clips(file, [range(0, 31, 5)], fps=20.0)
    # Frame n of the video's own clock is on show at (n + 0.5) / 20 s.
    assert numbers_of(clip) == [0, 2, 5, 7, 10, 19, 27]


@pytest.mark.parametrize("seed", range(6))
def test_frames_skipped_on_the_way_change_none_that_is_shown(tmp_path: Path, seed: int):
    """Frames on show for 10 to 200 ms, many of them skippable; asked for sparsely, beside all of them decoded."""
    rng = random.Random(seed)
    times_ms = list(accumulate(rng.choice((10, 40, 40, 40, 200)) for _ in range(60)))
    file = encode_at(tmp_path / "b.mp4", [time - times_ms[0] for time in times_ms], b_frames=4)
    fps = probe(file).fps
    count = int((times_ms[-1] - times_ms[0]) / 1000 * fps)
    for _ in range(20):
        numbers = sorted(rng.sample(range(count), 5))
        moments_ms = [(number + 0.5) / fps * 1000 + times_ms[0] for number in numbers]
        expected = [bisect_right(times_ms, moment) - 1 for moment in moments_ms]
        assert numbers_of(read_clips(file, [numbers], fps=fps)[0]) == expected


def encode_at(file: Path, times_ms: list[int], *, b_frames: int) -> Path:
    """A video whose frame n shows the number n from the n-th time on."""
    with av.open(str(file), "w") as container:
        options = {"bf": str(b_frames), "b-adapt": "0", "g": "25"}
        stream = container.add_stream("libx264", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 96, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for picture, time_ms in zip(
            numbered_frames(len(times_ms), height=48, width=96), times_ms, strict=True
        ):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = time_ms, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file


def test_packed_b_frames_of_xvid_come_in_the_order_of_display(videos: Path, tmp_path: Path):
    ffmpeg = shutil.which("ffmpeg")
    if not ffmpeg:
        pytest.skip("only ffmpeg's command line can encode packed B-frames: install ffmpeg")
    file = tmp_path / "packed.avi"
    options = ["-c:v", "libxvid", "-q:v", "2", "-g", "12", "-bf", "2"]
    made = subprocess.run([ffmpeg, "-loglevel", "error", "-i", str(videos / "h264.mp4"), *options, str(file)])
    if made.returncode:
        pytest.skip("this ffmpeg has no libxvid")
    (clip,) = read_clips(file, [range(80)], fps=probe(file).fps)
    assert numbers_of(clip) == list(range(80))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("empty.mp4", r"^The file is empty\.$"),
        ("noise.mp4", r"^It cannot be decoded: Invalid data.*\.$"),
        ("no-end.mp4", r"^It cannot be decoded: Invalid data.*\.$"),
        ("sound.mp4", r"^It has no video stream, only audio\.$"),
        ("no-frames.avi", r"^Its video stream has no frames\.$"),
        ("unknown.avi", r"^Its video stream has an encoding that is not known here\.$"),
        ("cut-off.avi", r"^The file is cut off: it holds \d+ of the 90 frames it announces\.$"),
    ],
)
def test_a_file_without_pictures_says_why(broken: Path, name: str, reason: str):
    with pytest.raises(UnreadableVideo) as caught:
        probe(broken / name)
    assert re.search(reason, caught.value.reason)
    assert caught.value.path == broken / name


def test_a_frame_beyond_the_end_is_an_error_and_not_another_frame(videos: Path):
    with pytest.raises(UnreadableVideo, match=r"It ends at 3\.60 s, before the frame at 8\.02 s"):
        read_clips(videos / "h264.mp4", [[200]], fps=25.0)


def test_a_file_that_is_gone_is_unreadable(tmp_path: Path):
    with pytest.raises(UnreadableVideo, match="No such file"):
        read_clips(tmp_path / "gone.mp4", [[0]], fps=25.0)
