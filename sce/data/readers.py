"""Reading one item: which frames and which crops, what stands in for a file that cannot be read. No batches here.

V views of an item - C = 3 colours - T frames - S side in pixels.
"""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from sce.data.clips import (
    CHANCES,
    Box,
    clip_span,
    even_boxes,
    even_starts,
    random_starts,
    scaled_sides,
    spread,
)
from sce.data.crops import part_of, random_crop
from sce.data.decoding import read_clips
from sce.data.frames import CODEC as FRAMES
from sce.data.frames import read_frames
from sce.data.images import read_image
from sce.data.index import Item
from sce.data.pictures import difference, resized, squares
from sce.data.sampler import Draw
from sce.data.video import UnreadableVideo
from sce.definition import Data, EvalClips, View

_MOST_NEIGHBOURS = 10
# Sets the stream of a view's colours apart from that of its moment and crop.
_COLOURS = 1

Pictures = NDArray[np.uint8] | NDArray[np.float32]


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
    chances: tuple[NDArray[np.float32], ...] = ()
    """What decides the colours of each view, (U,); none for a scored item, whose colours stay."""


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
        if item.codec == FRAMES:
            return read_frames(file, clips)
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
                return self.read_item(item, draw)._replace(position=position, skipped=tuple(skipped))
            except UnreadableVideo as error:
                skipped.append(Skipped(item.path, error.reason))
        path, reason = skipped[-1]
        raise TooManyUnreadable(
            f"{len(skipped)} files in a row cannot be read, the last one {path}: {reason}"
        )

    def read_item(self, item: Item, draw: Draw) -> Read:
        """The views of this very item by what ``draw`` draws. Raises UnreadableVideo."""
        plans = self.plans(item, draw)
        shown = zip(plans, self.pictures(item, plans), strict=True)
        views = tuple(self.picture_to_view(plan, frames) for plan, frames in shown)
        return Read(views, item.label, draw.position, (), tuple(plan.chances for plan in plans))

    def plans(self, item: Item, draw: Draw) -> tuple["ViewPlan", ...]:
        """Everything random about the views of an item, before anything is read."""
        return tuple(self._plan(item, draw, place) for place in range(len(self.views)))

    def pictures(self, item: Item, plans: Sequence["ViewPlan"]) -> Iterator[Pictures]:
        """The decoded frames (T, H, W, C) of each plan; a file is opened once for all. Raises UnreadableVideo."""
        pictures = iter(self.source.frames(item, [clip for plan in plans for clip in plan.clips]))
        for plan in plans:
            clips = [next(pictures) for _ in plan.clips]
            yield difference(*clips) if plan.is_difference else clips[0]

    def picture_to_view(self, plan: "ViewPlan", frames: Pictures) -> Tensor:
        """The square uint8 clip of a plan, (3, T, S, S)."""
        is_image = self.source.data.kind == "image"
        return random_crop(copy.deepcopy(plan.rng), frames, plan.view, antialias=is_image)

    def _plan(self, item: Item, draw: Draw, place: int) -> "ViewPlan":
        key = (self.seed, draw.epoch, draw.position, place)
        rng, data = np.random.default_rng(key), self.source.data
        (start_s,) = random_starts(rng, clips=1, duration_s=item.duration_s, clip_s=data.clip_s)
        span = self.source.span(item, start_s)
        frames = spread(span, num_frames=data.num_frames)
        is_difference = rng.uniform() < self.time_difference_p
        clips = consecutive(frames, span) if is_difference else (frames,)
        # A stream of its own: a crop that takes more tries does not change the colours.
        chances = np.random.default_rng((*key, _COLOURS)).random(CHANCES, dtype=np.float32)
        return ViewPlan(self.views[place], start_s, clips, chances, rng)


@dataclass(frozen=True)
class ViewPlan:
    """What was drawn for a view: its moment, the frames to read (two clips make a difference), crop and colours."""

    view: View
    start_s: float
    clips: tuple[tuple[int, ...], ...]
    chances: NDArray[np.float32]
    rng: np.random.Generator

    @property
    def is_difference(self) -> bool:
        return len(self.clips) == 2

    def box(self, *, height: int, width: int) -> Box:
        """The part of a picture of this size that is cut out: the same one however often it is asked for."""
        return part_of(copy.deepcopy(self.rng), self.view, height=height, width=width)


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
        clips = [spread(span, num_frames=data.num_frames) for span in spans]
        # Clips of a short video share frames: each is decoded and scaled once.
        wanted = sorted({number for clip in clips for number in clip})
        (frames_THWC,) = self.source.frames(item, [wanted])
        place = {number: at for at, number in enumerate(wanted)}
        return self._squares(frames_THWC, [[place[number] for number in clip] for clip in clips])

    def _squares(self, frames_THWC: NDArray[np.uint8], clips: Sequence[Sequence[int]]) -> Tensor:
        """The crops of all clips; a clip says where its frames are."""
        size, is_image = self.clips.size, self.source.data.kind == "image"
        short = self.clips.short_side or size
        height, width = scaled_sides(height=frames_THWC.shape[1], width=frames_THWC.shape[2], short=short)
        scaled = resized(frames_THWC, height, width, antialias=is_image)
        boxes = even_boxes(height=height, width=width, size=size, crops=self.clips.crops)
        return squares(scaled, clips, boxes)
