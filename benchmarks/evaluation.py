"""Videos per second of a 30-crop evaluation, read and cropped, ours beside pytorchvideo's path in the same run.

    python benchmarks/evaluation.py [--videos 2] [--rounds 3]

10 clips of 8 frames over 2.56 s spread over the video, short side 256, three crops of each. The other side does as
the papers' code: the file is read and opened for each clip, 8 of its frames are taken, scaled and cropped as floats.
"""

import argparse
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import torch
import torch.nn.functional as F
from pytorchvideo.data.encoded_video import EncodedVideo
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks._paired import machine, paired
from benchmarks._videos import KINDS, make
from sce.data.clips import even_boxes, even_starts, scaled_sides
from sce.data.index import Item
from sce.data.pictures import cut
from sce.data.readers import ScoredReader, Source
from sce.data.sampler import Draw
from sce.data.video import Facts
from sce.definition import EvalClips, VideoData

CLIPS, CROPS, FRAMES, CLIP_S, SIZE = 10, 3, 8, 2.56, 256


def ours(folder: Path, known: list[tuple[Path, Facts]]) -> None:
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


def pytorchvideos(known: list[tuple[Path, Facts]]) -> None:
    for file, facts in known:
        starts = even_starts(clips=CLIPS, duration_s=facts.num_frames / facts.fps, clip_s=CLIP_S)
        views = torch.stack([crop for start in starts for crop in _crops_at(file, start)])
        assert views.shape == (CLIPS * CROPS, 3, FRAMES, SIZE, SIZE)


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
    print(f"{'videos per second of processor time':38}{'pytorchvideo':>14}{'ours':>9}{'ratio':>8}")
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            known = make(folder, kind, asked.videos)
            pair = paired(
                lambda known=known: pytorchvideos(known),
                lambda folder=folder, known=known: ours(folder, known),
                rounds=asked.rounds,
            )
        theirs, own = asked.videos / pair.theirs_s, asked.videos / pair.ours_s
        print(f"{kind.name:38}{theirs:14.2f}{own:9.2f}{pair.ratio:8.1f}")


if __name__ == "__main__":
    main()
