"""Videos to measure readers with, made anew: structure that drifts, and grain."""

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from sce.data.video import Facts, probe


@dataclass(frozen=True)
class Kind:
    """How a benchmark's videos are encoded."""

    name: str
    codec: str
    width: int
    height: int
    fps: int
    num_frames: int
    options: tuple[tuple[str, str], ...]
    bit_rate: int


KINDS = (
    # x264's defaults, as Kinetics is usually prepared: a key frame in 250. About half a megabyte for 10 s.
    Kind("340x256 h264, key frame in 250", "libx264", 340, 256, 30, 300, (("preset", "medium"),), 400_000),
    # As `scelab data prepare` writes what is to be read at random: a key frame a second.
    Kind(
        "340x256 h264, key frame in 30",
        "libx264",
        340,
        256,
        30,
        300,
        (("preset", "medium"), ("g", "30")),
        400_000,
    ),
    # One key frame in twelve, as XviD files of UCF101 have.
    Kind("320x240 mpeg4 avi, key frame in 12", "mpeg4", 320, 240, 25, 175, (("g", "12"),), 600_000),
)


def make(folder: Path, kind: Kind, count: int) -> list[tuple[Path, Facts]]:
    suffix = ".avi" if kind.codec == "mpeg4" else ".mp4"
    files = [_write(folder / f"{number}{suffix}", kind, number) for number in range(count)]
    return [(file, probe(file)) for file in files]


def _write(file: Path, kind: Kind, seed: int) -> Path:
    rng = np.random.default_rng(seed)
    scene = np.kron(rng.integers(0, 256, (60, 80, 3)), np.ones((12, 12, 1))).astype(np.int16)
    # A few sheets of grain, each shifted at random, are as good as new grain and much sooner made.
    grain = rng.normal(0, 6, (4, 2 * kind.height, 2 * kind.width, 3)).astype(np.int16)
    with av.open(str(file), "w") as container:
        stream = container.add_stream(kind.codec, rate=kind.fps, options=dict(kind.options))
        stream.width, stream.height, stream.pix_fmt = kind.width, kind.height, "yuv420p"
        stream.bit_rate = kind.bit_rate
        if kind.codec == "mpeg4":
            stream.codec_context.codec_tag = "XVID"
        for number in range(kind.num_frames):
            top, left = rng.integers(kind.height), rng.integers(kind.width)
            part = scene[number : number + kind.height, number : number + kind.width]
            noisy = part + grain[number % 4, top : top + kind.height, left : left + kind.width]
            frame = np.clip(noisy, 0, 255).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    return file
