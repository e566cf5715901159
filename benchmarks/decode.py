"""Clips decoded per second, ours beside pytorchvideo's own reader, from the same files in the same run.

    python benchmarks/decode.py [--videos 4] [--rounds 5]

A reading is what one step of pretraining asks of a video: 2 clips of 8 frames over 2.56 s at random moments, as
uint8 pictures. Each reader decodes in one thread, and reads the same files at the same moments. "decoder" is the
least that PyAV's decoder must do for these clips, with nothing done to the frames.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from fractions import Fraction
from importlib import import_module
from pathlib import Path

import numpy as np
import torch
from pytorchvideo.data.encoded_video import EncodedVideo

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks._floor import decoder_alone
from benchmarks._paired import in_turn, machine, pair_of
from benchmarks._videos import KINDS, Known, bit_rate, make
from sce.data import codec, video
from sce.data.clips import clip_span, random_starts, spread

CLIPS, FRAMES, CLIP_S = 2, 8, 2.56
Reader = Callable[[Known, tuple[float, ...]], object]


def numbers_of(known: Known, starts: tuple[float, ...]) -> list[tuple[int, ...]]:
    _, facts = known
    spans = [
        clip_span(start_s=start, clip_s=CLIP_S, fps=facts.fps, num_frames=facts.num_frames)
        for start in starts
    ]
    return [spread(span, num_frames=FRAMES) for span in spans]


def ours(known: Known, starts: tuple[float, ...]) -> object:
    return video.read_clips(known[0], numbers_of(known, starts), fps=known[1].fps)


def floor(known: Known, starts: tuple[float, ...]) -> None:
    decoder_alone(known, numbers_of(known, starts))


def ours_by_torchcodec(known: Known, starts: tuple[float, ...]) -> object:
    """Our second reader, where it is installed."""
    return codec.read_clips(known[0], numbers_of(known, starts), fps=known[1].fps)


def torchcodecs(known: Known, starts: tuple[float, ...]) -> object:
    """torchcodec by itself: all frames of a reading in one batch."""
    decoder = import_module("torchcodec.decoders").VideoDecoder(str(known[0]), num_ffmpeg_threads=1)
    wanted = sorted({number for clip in numbers_of(known, starts) for number in clip})
    return decoder.get_frames_played_at([(number + 0.5) / known[1].fps for number in wanted])


def pytorchvideos(known: Known, starts: tuple[float, ...]) -> None:
    """One open file, one get_clip a clip, then its uniform choice of frames, as its data sets do."""
    video = EncodedVideo.from_path(str(known[0]), decode_audio=False, decoder="pyav")
    video._container.streams.video[0].codec_context.thread_count = 1
    for start in starts:
        frames = video.get_clip(Fraction(start), Fraction(start + CLIP_S))["video"]
        chosen = np.linspace(0, frames.shape[1] - 1, FRAMES).astype(int)
        assert frames[:, chosen].shape[1] == FRAMES
    video.close()


READERS: dict[str, Reader] = {"pytorchvideo": pytorchvideos, "ours": ours, "decoder": floor}
CODECS: dict[str, Reader] = {"by torchcodec": ours_by_torchcodec, "torchcodec": torchcodecs}


def reading(reader: Reader, files: list[Known]) -> Callable[[int], None]:
    """Each file once, at moments that are the same for every reader of a round."""

    def read(number: int) -> None:
        rng = np.random.default_rng(number)
        for known in files:
            duration_s = known[1].num_frames / known[1].fps
            reader(known, random_starts(rng, clips=CLIPS, duration_s=duration_s, clip_s=CLIP_S))

    return read


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--videos", type=int, default=4)
    options.add_argument("--rounds", type=int, default=5)
    asked = options.parse_args()
    torch.set_num_threads(1)
    readers = READERS | (CODECS if codec.version() else {})
    print(f"{machine()}; {CLIPS} clips x {FRAMES} frames of {asked.videos} videos, {asked.rounds} rounds")
    print(
        f"{'clips per second of processor time':36}{'kbit/s':>7}" + "".join(f"{name:>14}" for name in readers)
    )
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as folder:
            files = make(Path(folder), kind, asked.videos)
            sides = {name: reading(reader, files) for name, reader in readers.items()}
            took, rate = in_turn(sides, rounds=asked.rounds), bit_rate(files) / 1000
        pairs = {name: pair_of(seconds, took["ours"]) for name, seconds in took.items()}
        clips = CLIPS * asked.videos
        print(
            f"{kind.name:36}{rate:7.0f}" + "".join(f"{clips / one.theirs_s:14.1f}" for one in pairs.values())
        )
        wall = pair_of(took["pytorchvideo"], took["ours"], wall=True).ratio
        said = f"  ours {pairs['pytorchvideo'].ratio:.1f} x pytorchvideo (wall {wall:.1f} x)"
        said += f", {pairs['decoder'].ratio:.0%} of the decoder's own speed"
        if codec.version():
            by_codec = pair_of(took["torchcodec"], took["by torchcodec"]).ratio
            said += f"; by torchcodec {by_codec:.2f} x its one batch, {1 / pairs['by torchcodec'].ratio:.2f} x ours"
        print(said.replace("; by", "\n  by"))


if __name__ == "__main__":
    main()
