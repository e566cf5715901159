"""Clips decoded per second, ours beside pytorchvideo's own reader, from the same files in the same run.

    python benchmarks/decode.py [--videos 12] [--rounds 3]

A reading is what one step of pretraining asks of a video: 2 clips of 8 frames over 2.56 s at random moments, as
uint8 pictures. Each reader decodes in one thread, and reads the same files at the same moments.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from pytorchvideo.data.encoded_video import EncodedVideo

from sce.data import codec, video
from sce.data.clips import clip_span, random_starts, spread
from sce.data.video import Facts, probe

CLIPS, FRAMES, CLIP_S = 2, 8, 2.56
Reader = Callable[[Path, Facts, tuple[float, ...]], int]


def write(file: Path, *, codec: str, width: int, height: int, fps: int, num_frames: int, seed: int) -> Path:
    """A video of drifting structure and noise, which costs a decoder about what footage does."""
    rng = np.random.default_rng(seed)
    scene = np.kron(rng.integers(0, 256, (60, 80, 3)), np.ones((12, 12, 1))).astype(np.uint8)
    with av.open(str(file), "w") as container:
        stream = container.add_stream(codec, rate=fps, options=OPTIONS[codec])
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        if codec == "mpeg4":
            stream.codec_context.codec_tag = "XVID"
            stream.bit_rate = 600_000
        for number in range(num_frames):
            part = scene[number : number + height, number : number + width].astype(np.int16)
            noisy = np.clip(part + rng.normal(0, 6, part.shape), 0, 255).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(noisy, format="rgb24")))
        container.mux(stream.encode(None))
    return file


# x264's defaults, as Kinetics is usually prepared; one key frame in twelve, as XviD files of UCF101 have.
OPTIONS = {"libx264": {"preset": "medium", "crf": "23"}, "mpeg4": {"g": "12"}}


def ours(file: Path, facts: Facts, starts: tuple[float, ...]) -> int:
    return _read(video.read_clips, file, facts, starts)


def torchcodecs(file: Path, facts: Facts, starts: tuple[float, ...]) -> int:
    """Our second reader; the clips of one video in one call, as it wants them."""
    return _read(codec.read_clips, file, facts, starts)


def _read(reader: Callable[..., list[object]], file: Path, facts: Facts, starts: tuple[float, ...]) -> int:
    spans = [
        clip_span(start_s=start, clip_s=CLIP_S, fps=facts.fps, num_frames=facts.num_frames)
        for start in starts
    ]
    return len(reader(file, [spread(span, num_frames=FRAMES) for span in spans], fps=facts.fps))


def pytorchvideos(file: Path, facts: Facts, starts: tuple[float, ...]) -> int:
    """One open file, one get_clip a clip, then its uniform choice of frames, as its data sets do."""
    video = EncodedVideo.from_path(str(file), decode_audio=False, decoder="pyav")
    video._container.streams.video[0].codec_context.thread_count = 1
    for start in starts:
        frames = video.get_clip(Fraction(start), Fraction(start + CLIP_S))["video"]
        chosen = np.linspace(0, frames.shape[1] - 1, FRAMES).astype(int)
        assert frames[:, chosen].shape[1] == FRAMES
    video.close()
    return len(starts)


def clips_per_s(reader: Reader, files: list[tuple[Path, Facts]], rounds: int) -> float:
    """Best of the rounds: what the machine does when nothing else wants it."""
    best = 0.0
    for _ in range(rounds):
        rng, clips, began = np.random.default_rng(0), 0, time.perf_counter()
        for file, facts in files:
            duration_s = facts.num_frames / facts.fps
            starts = random_starts(rng, clips=CLIPS, duration_s=duration_s, clip_s=CLIP_S)
            clips += reader(file, facts, starts)
        best = max(best, clips / (time.perf_counter() - began))
    return best


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--videos", type=int, default=12)
    options.add_argument("--rounds", type=int, default=3)
    asked = options.parse_args()
    kinds = {
        "340x256 h264 mp4, 10 s": {
            "codec": "libx264",
            "width": 340,
            "height": 256,
            "fps": 30,
            "num_frames": 300,
        },
        "320x240 mpeg4 avi, 7 s": {
            "codec": "mpeg4",
            "width": 320,
            "height": 240,
            "fps": 25,
            "num_frames": 175,
        },
    }
    print(f"{CLIPS} clips x {FRAMES} frames, {asked.videos} videos, best of {asked.rounds}, clips per second")
    print(f"{'':24}{'pytorchvideo':>14}{'ours':>8}{'ratio':>8}{'torchcodec':>12}{'ratio':>8}")
    for name, kind in kinds.items():
        with tempfile.TemporaryDirectory() as folder:
            suffix = ".avi" if kind["codec"] == "mpeg4" else ".mp4"
            files = [write(Path(folder, f"{n}{suffix}"), **kind, seed=n) for n in range(asked.videos)]
            known = [(file, probe(file)) for file in files]
            theirs, own = (clips_per_s(reader, known, asked.rounds) for reader in (pytorchvideos, ours))
            second = clips_per_s(torchcodecs, known, asked.rounds) if codec.version() else float("nan")
        print(f"{name:24}{theirs:14.1f}{own:8.1f}{own / theirs:8.1f}{second:12.1f}{second / theirs:8.1f}")


if __name__ == "__main__":
    main()
