"""Previews of odd videos: sides, lengths, rates and damage that real collections have."""

import io
import json
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tests.videos import encode, numbered_frames
from worker.proxies import LONGEST_S, make_proxy, small_size


def shown(file: Path) -> tuple[int, int, int]:
    """(width, height, frames) as a player decodes them."""
    with av.open(str(file)) as preview:
        frames = list(preview.decode(preview.streams.video[0]))
    return frames[0].width, frames[0].height, len(frames)


@pytest.mark.parametrize(
    ("width", "height", "small"),
    [
        (1920, 1080, (284, 160)),
        (1080, 1920, (160, 284)),
        (320, 240, (214, 160)),
        (160, 160, (160, 160)),
        (64, 48, (64, 48)),
        (65, 49, (64, 48)),
        (1, 1, (2, 2)),
        (4000, 10, (4000, 10)),
        (3, 999, (4, 1000)),
    ],
)
def test_the_shorter_side_shrinks_to_160_and_sides_are_even(
    width: int, height: int, small: tuple[int, int]
) -> None:
    assert small_size(width, height) == small


@pytest.mark.parametrize(("height", "width"), [(240, 96), (48, 96), (96, 480)])
def test_portrait_small_and_wide_videos_are_shown_whole(height: int, width: int, tmp_path: Path) -> None:
    source = encode(tmp_path / "a.mp4", numbered_frames(5, height=height, width=width))
    make_proxy(source, tmp_path / "1.mp4")
    assert shown(tmp_path / "1.mp4") == (*small_size(width, height), 5)


def test_odd_sides_become_even_ones(tmp_path: Path) -> None:
    frames = np.zeros((4, 51, 97, 3), np.uint8)
    make_proxy(encode(tmp_path / "a.webm", frames, 25, "libvpx"), tmp_path / "1.mp4")
    width, height, _ = shown(tmp_path / "1.mp4")
    assert (width % 2, height % 2) == (0, 0)


def test_a_video_of_one_frame_is_shown(tmp_path: Path) -> None:
    make_proxy(encode(tmp_path / "a.mp4", numbered_frames(1)), tmp_path / "1.mp4")
    assert shown(tmp_path / "1.mp4")[2] == 1


@pytest.mark.parametrize(("fps", "frames"), [(5, 30), (10, 60), (60, 180)])
def test_only_the_first_seconds_are_shown(fps: int, frames: int, tmp_path: Path) -> None:
    source = encode(
        tmp_path / "a.mp4", numbered_frames(round(fps * LONGEST_S) + 20, height=48, width=96), fps
    )
    make_proxy(source, tmp_path / "1.mp4")
    assert shown(tmp_path / "1.mp4")[2] == frames


def test_what_comes_before_the_damage_is_shown(tmp_path: Path) -> None:
    source = encode(tmp_path / "a.mp4", numbered_frames(100, height=48, width=96), gop=10)
    content = bytearray(source.read_bytes())
    half = len(content) // 2
    content[half : half + len(content) // 4] = b"\xff" * (len(content) // 4)
    source.write_bytes(content)
    make_proxy(source, tmp_path / "1.mp4")
    assert 10 <= shown(tmp_path / "1.mp4")[2] < 100


def test_an_existing_preview_is_replaced_whole(tmp_path: Path) -> None:
    (tmp_path / "1.mp4").write_text("an old one")
    make_proxy(encode(tmp_path / "a.mp4", numbered_frames(3)), tmp_path / "1.mp4")
    assert shown(tmp_path / "1.mp4")[2] == 3


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA"])
def test_images_of_any_colours_become_a_jpeg(mode: str, tmp_path: Path) -> None:
    Image.new(mode, (400, 300)).save(tmp_path / "a.png")
    make_proxy(tmp_path / "a.png", tmp_path / "1.jpg")
    with Image.open(io.BytesIO((tmp_path / "1.jpg").read_bytes())) as small:
        assert (small.format, small.size) == ("JPEG", small_size(400, 300))


def test_a_process_answers_each_line_and_goes_on_after_a_bad_one(tmp_path: Path) -> None:
    good = encode(tmp_path / "a.mp4", numbered_frames(2))
    asked = [
        {"source": str(tmp_path / "gone.mp4"), "target": str(tmp_path / "1.mp4")},
        {"source": str(good), "target": str(tmp_path / "2.mp4")},
    ]
    lines = "".join(json.dumps(line) + "\n" for line in asked)
    command = [sys.executable, "-m", "worker.proxies"]
    answer = subprocess.run(command, input=lines, capture_output=True, text=True, check=True, timeout=60)
    bad, made = (json.loads(line)["error"] for line in answer.stdout.splitlines())
    assert "No such file" in bad
    assert made == ""
    assert (tmp_path / "2.mp4").exists()


def test_a_folder_of_frames_is_shown_as_a_video(tmp_path: Path) -> None:
    folder = tmp_path / "100 % clip"
    folder.mkdir()
    for number, frame in enumerate(numbered_frames(6), 1):
        Image.fromarray(frame).save(folder / f"{number:08d}.jpg")
    make_proxy(folder, tmp_path / "1.mp4")
    assert shown(tmp_path / "1.mp4") == (128, 96, 6)
