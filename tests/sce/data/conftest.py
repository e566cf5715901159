"""Real videos, encoded once a session: every container and codec we promise, and every way to be broken."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

os.environ.setdefault("OMP_NUM_THREADS", "1")

from sce.data.index import build_index, save_index
from sce.definition import VideoData, View, Views
from tests.videos import (
    encode,
    encode_audio_only,
    encode_without_frames,
    numbered_frames,
    with_unknown_codec,
)

NUM_FRAMES = 90
VIDEOS = {
    "h264.mp4": {"codec": "libx264", "fps": 25},
    "h264-b-frames.mp4": {"codec": "libx264", "fps": 30, "b_frames": 3},
    "h264-one-key-frame.mp4": {"codec": "libx264", "fps": 30, "b_frames": 2, "gop": 250},
    "h264.mkv": {"codec": "libx264", "fps": 24, "b_frames": 3},
    "mpeg4.avi": {"codec": "mpeg4", "fps": 25},
    "mpeg4-b-frames.avi": {"codec": "mpeg4", "fps": 25, "b_frames": 2},
    "vp8.webm": {"codec": "libvpx", "fps": 30},
    "vp9.webm": {"codec": "libvpx-vp9", "fps": 30, "gop": 20},
}


@pytest.fixture(scope="session")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One good video of each kind; frame n shows the number n."""
    folder = tmp_path_factory.mktemp("videos")
    frames = numbered_frames(NUM_FRAMES)
    for name, how in VIDEOS.items():
        encode(folder / name, frames, **how)
    return folder


@pytest.fixture(scope="session")
def broken(tmp_path_factory: pytest.TempPathFactory, videos: Path) -> Path:
    """Files that give no pictures, each for a reason of its own."""
    folder = tmp_path_factory.mktemp("broken")
    (folder / "empty.mp4").touch()
    (folder / "noise.mp4").write_bytes(np.random.default_rng(0).bytes(5000))
    (folder / "no-end.mp4").write_bytes((videos / "h264.mp4").read_bytes()[:2000])
    avi = (videos / "mpeg4.avi").read_bytes()
    (folder / "cut-off.avi").write_bytes(avi[: len(avi) // 2])
    encode_audio_only(folder / "sound.mp4")
    encode_without_frames(folder / "no-frames.avi")
    (folder / "unknown.avi").write_bytes(with_unknown_codec(avi))
    return folder


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory, broken: Path) -> Path:
    """An indexed folder of classes: 12 videos to train on, 5 to score, three broken ones among them."""
    root = tmp_path_factory.mktemp("dataset")
    for number in range(17):
        split = "train" if number < 12 else "val"
        frames = numbered_frames(40 + number, height=48, width=96)
        encode(root / split / "ab"[number % 2] / f"{number:02d}.mp4", frames, fps=20)
    for name in ("empty.mp4", "sound.mp4"):
        shutil.copy(broken / name, root / "train" / "a" / name)
    shutil.copy(broken / "noise.mp4", root / "val" / "b" / "noise.mp4")
    save_index(build_index(root, "video", processes=1))
    return root


@pytest.fixture
def data(dataset: Path) -> VideoData:
    return VideoData(root=str(dataset), num_frames=4, clip_s=1.0)


@pytest.fixture
def small_views() -> Views:
    return Views(views=(View(size=24), View(size=24, solarize_p=0.2)))


@pytest.fixture
def image_folder(tmp_path: Path) -> Path:
    """Six images of two classes in two splits."""
    rng = np.random.default_rng(0)
    for number in range(6):
        folder = tmp_path / ("train" if number < 4 else "val") / ("cat" if number % 2 else "dog")
        folder.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return tmp_path
