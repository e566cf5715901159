"""Clips decoded per second, ours beside pytorchvideo's own reader, from the same files in the same run.

    python benchmarks/clips.py [--videos 4] [--rounds 3]

A reading is what one step of pretraining asks of a video: 2 clips of 8 frames over 2.56 s at random moments, as
uint8 pictures. Each reader decodes in one thread, and reads the same files at the same moments.
"""

import argparse
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np
from pytorchvideo.data.encoded_video import EncodedVideo

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks._paired import Pair, machine, paired
from benchmarks._videos import KINDS, make
from sce.data.clips import clip_span, random_starts, spread
from sce.data.video import Facts, read_clips

CLIPS, FRAMES, CLIP_S = 2, 8, 2.56
Known = list[tuple[Path, Facts]]
Starts = list[tuple[float, ...]]


def ours(known: Known, starts: Starts) -> None:
    for (file, facts), moments in zip(known, starts, strict=True):
        spans = [
            clip_span(start_s=start, clip_s=CLIP_S, fps=facts.fps, num_frames=facts.num_frames)
            for start in moments
        ]
        clips = read_clips(file, [spread(span, num_frames=FRAMES) for span in spans], fps=facts.fps)
        assert [clip.shape[0] for clip in clips] == [FRAMES] * CLIPS


def pytorchvideos(known: Known, starts: Starts) -> None:
    """One open file, one get_clip a clip, then its uniform choice of frames, as its data sets do."""
    for (file, _), moments in zip(known, starts, strict=True):
        video = EncodedVideo.from_path(str(file), decode_audio=False, decoder="pyav")
        video._container.streams.video[0].codec_context.thread_count = 1
        for start in moments:
            frames = video.get_clip(Fraction(start), Fraction(start + CLIP_S))["video"]
            chosen = np.linspace(0, frames.shape[1] - 1, FRAMES).astype(int)
            assert frames[:, chosen].shape[1] == FRAMES
        video.close()


def measure(known: Known, rounds: int) -> Pair:
    rng = np.random.default_rng(0)
    starts = [
        random_starts(rng, clips=CLIPS, duration_s=facts.num_frames / facts.fps, clip_s=CLIP_S)
        for _, facts in known
    ]
    return paired(lambda: pytorchvideos(known, starts), lambda: ours(known, starts), rounds=rounds)


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--videos", type=int, default=4)
    options.add_argument("--rounds", type=int, default=3)
    asked = options.parse_args()
    print(f"{machine()}; {CLIPS} clips x {FRAMES} frames of {asked.videos} videos, {asked.rounds} rounds")
    print(f"{'clips per second of processor time':38}{'pytorchvideo':>14}{'ours':>9}{'ratio':>8}")
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as folder:
            known = make(Path(folder), kind, asked.videos)
            pair, clips = measure(known, asked.rounds), CLIPS * asked.videos
        print(f"{kind.name:38}{clips / pair.theirs_s:14.1f}{clips / pair.ours_s:9.1f}{pair.ratio:8.1f}")


if __name__ == "__main__":
    main()
