"""Videos per second of a 30-crop evaluation, read and cropped, ours beside pytorchvideo's path in the same run.

    python benchmarks/evaluation.py [--videos 2] [--rounds 3]

10 clips of 8 frames over 2.56 s spread over the video, short side 256, three crops of each. The other side does as
the papers' code: the file is read and opened for each clip, 8 of its frames are taken, scaled and cropped as floats.
"decoder" is the least that PyAV's decoder must do for these clips, with nothing done to the frames.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from pytorchvideo.data.encoded_video import EncodedVideo
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks._floor import decoder_alone
from benchmarks._paired import Work, in_turn, machine, pair_of
from benchmarks._videos import KINDS, Known, bit_rate, make
from sce.data import codec
from sce.data.choice import VARIABLE
from sce.data.clips import clip_span, even_boxes, even_starts, scaled_sides, spread
from sce.data.index import Item
from sce.data.pictures import cut
from sce.data.readers import ScoredReader, Source
from sce.data.sampler import Draw
from sce.definition import EvalClips, VideoData

CLIPS, CROPS, FRAMES, CLIP_S, SIZE = 10, 3, 8, 2.56, 256


def ours(folder: Path, known: list[Known], wish: str) -> None:
    os.environ[VARIABLE] = wish
    items = tuple(
        Item(
            path=file.name,
            label=0,
            num_frames=facts.num_frames,
            fps=facts.fps,
            duration_s=facts.num_frames / facts.fps,
            width=facts.width,
            height=facts.height,
            codec=facts.codec,
            bytes=file.stat().st_size,
        )
        for file, facts in known
    )
    data = VideoData(root=str(folder), num_frames=FRAMES, clip_s=CLIP_S)
    reader = ScoredReader(Source(folder, data, "val", items), EvalClips(clips=CLIPS, crops=CROPS, size=SIZE))
    for position in range(len(items)):
        (views,) = reader.read(Draw(0, position)).views
        assert views.shape == (CLIPS * CROPS, 3, FRAMES, SIZE, SIZE)


def pytorchvideos(known: list[Known]) -> None:
    for file, facts in known:
        starts = even_starts(clips=CLIPS, duration_s=facts.num_frames / facts.fps, clip_s=CLIP_S)
        views = torch.stack([crop for start in starts for crop in _crops_at(file, start)])
        assert views.shape == (CLIPS * CROPS, 3, FRAMES, SIZE, SIZE)


def floor(known: list[Known]) -> None:
    for file, facts in known:
        starts = even_starts(clips=CLIPS, duration_s=facts.num_frames / facts.fps, clip_s=CLIP_S)
        spans = [
            clip_span(start_s=start, clip_s=CLIP_S, fps=facts.fps, num_frames=facts.num_frames)
            for start in starts
        ]
        decoder_alone((file, facts), [spread(span, num_frames=FRAMES) for span in spans])


def _crops_at(file: Path, start: float) -> list[Tensor]:
    video = EncodedVideo.from_path(str(file), decode_audio=False, decoder="pyav")
    video._container.streams.video[0].codec_context.thread_count = 1
    frames = video.get_clip(Fraction(start), Fraction(start + CLIP_S))["video"]
    video.close()
    chosen = torch.linspace(0, frames.shape[1] - 1, FRAMES).long()
    # Its own transforms import a module that torchvision has removed; these do the same.
    height, width = scaled_sides(height=frames.shape[2], width=frames.shape[3], short=SIZE)
    scaled = F.interpolate(frames[:, chosen], (height, width), mode="bilinear")
    boxes = even_boxes(height=height, width=width, size=SIZE, crops=CROPS)
    return [cut(scaled, box) for box in boxes]


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--videos", type=int, default=2)
    options.add_argument("--rounds", type=int, default=3)
    asked = options.parse_args()
    torch.set_num_threads(1)
    print(f"{machine()}; {CLIPS} clips x {CROPS} crops of {asked.videos} videos, {asked.rounds} rounds")
    names = ["pytorchvideo", "ours", "decoder", *(["by torchcodec"] if codec.version() else [])]
    print(
        f"{'videos per second of processor time':36}{'kbit/s':>7}" + "".join(f"{name:>14}" for name in names)
    )
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            known = make(folder, kind, asked.videos)
            works = (
                partial(pytorchvideos, known),
                partial(ours, folder, known, "pyav"),
                partial(floor, known),
                partial(ours, folder, known, "torchcodec"),
            )
            sides = {name: _whatever_round(work) for name, work in zip(names, works, strict=False)}
            took, rate = in_turn(sides, rounds=asked.rounds), bit_rate(known) / 1000
        pairs = {name: pair_of(seconds, took["ours"]) for name, seconds in took.items()}
        speeds = "".join(f"{asked.videos / one.theirs_s:14.2f}" for one in pairs.values())
        print(f"{kind.name:36}{rate:7.0f}{speeds}")
        wall = pair_of(took["pytorchvideo"], took["ours"], wall=True).ratio
        print(
            f"  ours {pairs['pytorchvideo'].ratio:.1f} x pytorchvideo (wall {wall:.1f} x), "
            f"{pairs['decoder'].ratio:.0%} of the decoder's own speed"
        )


def _whatever_round(work: Work) -> Callable[[int], object]:
    return lambda number: work()


if __name__ == "__main__":
    main()
