"""Videos to measure readers with, made anew: structure that drifts, and grain, at the bit rates of real files."""

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from sce.data.prepare.convert import Task, convert_one
from sce.data.prepare.wish import Convert
from sce.data.video import Facts, probe

Known = tuple[Path, Facts]


@dataclass(frozen=True)
class Kind:
    """How a benchmark's videos are encoded; ``is_prepared`` ones anew by ``scelab data prepare --short-side 256``."""

    name: str
    codec: str
    width: int
    height: int
    fps: int
    num_frames: int
    options: tuple[tuple[str, str], ...]
    bit_rate: int
    is_prepared: bool = False


# x264's defaults, as Kinetics is usually distributed: a key frame in 250. About half a megabyte for 10 s.
_X264 = ("libx264", 340, 256, 30, 300, (("preset", "medium"),), 400_000)
KINDS = (
    Kind("340x256 h264 as x264 writes it", *_X264),
    Kind("340x256 h264 as data prepare does", *_X264, is_prepared=True),
    # One key frame in twelve, as XviD files of UCF101 have.
    Kind("320x240 mpeg4 avi, UCF101's", "mpeg4", 320, 240, 25, 175, (("g", "12"),), 600_000),
)


def make(folder: Path, kind: Kind, count: int) -> list[Known]:
    """So many videos of a kind. Raises AssertionError when the encoder missed the bit rate that they stand for."""
    suffix = ".avi" if kind.codec == "mpeg4" else ".mp4"
    known = []
    for number in range(count):
        file = _write(folder / f"{number}{suffix}", kind, number)
        rate = bit_rate([(file, probe(file))])
        assert 0.7 < rate / kind.bit_rate < 1.4, f"{kind.name}: {rate:.0f} bit/s, not {kind.bit_rate}"
        file = _prepared(file) if kind.is_prepared else file
        known.append((file, probe(file)))
    return known


def bit_rate(known: list[Known]) -> float:
    """Bits per second of video, over all files."""
    return sum(file.stat().st_size * 8 for file, _ in known) / sum(
        facts.num_frames / facts.fps for _, facts in known
    )


def _prepared(file: Path) -> Path:
    task = Task(file.name, f"prepared-{file.name}")
    outcome = convert_one(file.parent, file.parent, Convert("encode", short_side=256), 0.0, task)
    assert not outcome.reason, outcome.reason
    return file.parent / task.made


def _write(file: Path, kind: Kind, seed: int) -> Path:
    rng = np.random.default_rng(seed)
    scene = np.kron(rng.integers(0, 256, (60, 80, 3)), np.ones((12, 12, 1))).astype(np.int16)
    # A few sheets of grain, each shifted at random, are as good as new grain and much sooner made.
    grain = rng.normal(0, 6, (4, 2 * kind.height, 2 * kind.width, 3)).astype(np.int16)
    with av.open(str(file), "w") as container:
        stream = container.add_stream(kind.codec, rate=kind.fps, options=dict(kind.options))
        assert isinstance(stream, av.VideoStream)
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
