"""Reading one item: which frames and which crops, what stands in for a file that cannot be read. No batches here.

V views of an item - C = 3 colours - T frames - S side in pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sce.data.clips import (
    clip_span,
    even_boxes,
    even_starts,
    random_box,
    random_square,
    random_starts,
    scaled_sides,
    spread,
)
from sce.data.images import read_image
from sce.data.index import Item
from sce.data.pictures import Frames, crop_resized, cut, difference, padded, resized
from sce.data.sampler import Draw
from sce.data.video import UnreadableVideo, read_clips
from sce.definition import Data, EvalClips, ResizedCrop, ShortSideCrop, View

_MOST_NEIGHBOURS = 10


class TooManyUnreadable(RuntimeError):
    """So many files cannot be read that the data set is not what its index says."""


class Skipped(NamedTuple):
    """A file that could not be read, by its path in the data set, and why."""

    path: str
    reason: str


class Read(NamedTuple):
    """One item as tensors: ``position`` is where they are from, ``skipped`` what was tried before."""

    views: tuple[Tensor, ...]
    label: int
    position: int
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True)
class Source:
    """The items of one split, and the clip that is taken of each: ``num_frames`` over ``clip_s`` seconds."""

    root: Path
    data: Data
    split: str
    items: tuple[Item, ...]

    def span(self, item: Item, start_s: float) -> range:
        """Frames of an item from which the clip that starts at ``start_s`` is taken."""
        return clip_span(start_s=start_s, clip_s=self.data.clip_s, fps=item.fps, num_frames=item.num_frames)

    def frames(self, item: Item, clips: Sequence[Sequence[int]]) -> list[NDArray[np.uint8]]:
        """All the clips of an item, each (T, H, W, 3), from one open file. Raises UnreadableVideo."""
        file = self.root / item.path
        if self.data.kind == "image":
            return [read_image(file)] * len(clips)
        return read_clips(file, clips, fps=item.fps)


@dataclass(frozen=True)
class TrainReader:
    """Random clips of an item, one a view, each cropped for itself."""

    source: Source
    views: tuple[View, ...]
    seed: int
    time_difference_p: float = 0.0

    def read(self, draw: Draw) -> Read:
        """The views of an item; of the next readable one in index order when it is not. Raises TooManyUnreadable."""
        skipped: list[Skipped] = []
        for step in range(_MOST_NEIGHBOURS):
            position = (draw.position + step) % len(self.source.items)
            item = self.source.items[position]
            try:
                return Read(self._views(item, draw), item.label, position, tuple(skipped))
            except UnreadableVideo as error:
                skipped.append(Skipped(item.path, error.reason))
        path, reason = skipped[-1]
        raise TooManyUnreadable(
            f"{len(skipped)} files in a row cannot be read, the last one {path}: {reason}"
        )

    def _views(self, item: Item, draw: Draw) -> tuple[Tensor, ...]:
        plans = [self._plan(item, draw, place) for place in range(len(self.views))]
        # A file is opened once for all its views.
        pictures = iter(self.source.frames(item, [clip for plan in plans for clip in plan.clips]))
        return tuple(self._view(plan, [next(pictures) for _ in plan.clips]) for plan in plans)

    def _plan(self, item: Item, draw: Draw, place: int) -> "_Plan":
        """Draw a view's moment and change before anything is read."""
        rng = np.random.default_rng((self.seed, draw.epoch, draw.position, place))
        data = self.source.data
        (start_s,) = random_starts(rng, clips=1, duration_s=item.duration_s, clip_s=data.clip_s)
        span = self.source.span(item, start_s)
        frames = spread(span, num_frames=data.num_frames)
        is_difference = rng.uniform() < self.time_difference_p
        clips = consecutive(frames, span) if is_difference else (frames,)
        return _Plan(self.views[place], clips, rng)

    def _view(self, plan: "_Plan", pictures: list[NDArray[np.uint8]]) -> Tensor:
        frames: Frames = pictures[0]
        if len(pictures) == 2:
            frames = difference(*pictures)
        return random_crop(plan.rng, frames, plan.view, antialias=self.source.data.kind == "image")


def random_crop(rng: np.random.Generator, frames_THWC: Frames, view: View, *, antialias: bool) -> Tensor:
    """The square of a view, (3, T, S, S) uint8, the same part of every frame."""
    height, width = frames_THWC.shape[1:3]
    if isinstance(view.crop, ResizedCrop):
        box = random_box(rng, height=height, width=width, scale=view.scale, ratio=view.ratio)
        return crop_resized(frames_THWC, box, view.size, antialias=antialias)
    if isinstance(view.crop, ShortSideCrop):
        short, padding = int(rng.integers(*view.crop.short_side, endpoint=True)), 0
    else:
        short, padding = view.size, view.crop.padding
    sides = scaled_sides(height=height, width=width, short=short)
    framed = padded(resized(frames_THWC, *sides, antialias=antialias), padding)
    box = random_square(rng, height=framed.shape[-2], width=framed.shape[-1], size=view.size)
    return cut(framed, box).contiguous()


@dataclass(frozen=True)
class _Plan:
    """A view before its file is open: frame numbers to read (two clips make a difference), then crops to draw."""

    view: View
    clips: tuple[tuple[int, ...], ...]
    rng: np.random.Generator


def consecutive(frames: tuple[int, ...], span: range) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Each frame and the one after it; the last of a span repeats the difference before it."""
    firsts = tuple(max(min(frame, span[-1] - 1), span[0]) for frame in frames)
    return firsts, tuple(min(frame + 1, span[-1]) for frame in firsts)


@dataclass(frozen=True)
class ScoredReader:
    """The evenly spread clips and crops of an item whose features or probabilities are averaged."""

    source: Source
    clips: EvalClips

    def read(self, draw: Draw) -> Read:
        """One tensor (V, 3, T, S, S), clip by clip; no tensor for an item that cannot be read."""
        item = self.source.items[draw.position]
        try:
            views = (self._crops(item),)
        except UnreadableVideo as error:
            return Read((), item.label, draw.position, (Skipped(item.path, error.reason),))
        return Read(views, item.label, draw.position, ())

    def _crops(self, item: Item) -> Tensor:
        data = self.source.data
        starts = even_starts(clips=self.clips.clips, duration_s=item.duration_s, clip_s=data.clip_s)
        spans = [self.source.span(item, start_s) for start_s in starts]
        numbers = [spread(span, num_frames=data.num_frames) for span in spans]
        pictures = self.source.frames(item, numbers)
        return torch.stack([crop for frames in pictures for crop in self._squares(frames)])

    def _squares(self, frames_THWC: NDArray[np.uint8]) -> list[Tensor]:
        """The crops of one clip, (3, T, S, S) each."""
        size, is_image = self.clips.size, self.source.data.kind == "image"
        height, width = scaled_sides(height=frames_THWC.shape[1], width=frames_THWC.shape[2], short=size)
        scaled = resized(frames_THWC, height, width, antialias=is_image)
        boxes = even_boxes(height=height, width=width, size=size, crops=self.clips.crops)
        return [cut(scaled, box) for box in boxes]
