"""The random square of a view: which part of the picture it is, and its pixels.

T frames - H, W pixels - C = 3 colours - S side of the square
"""

from typing import NamedTuple

import numpy as np
from torch import Tensor

from sce.data.clips import Box, random_box, random_square, scaled_sides
from sce.data.pictures import Frames, crop_resized, cut, padded, resized
from sce.definition import PaddedCrop, ResizedCrop, ShortSideCrop, View


class _Square(NamedTuple):
    """A picture scaled to ``height`` x ``width``, framed in black, and the part that is cut of it."""

    height: int
    width: int
    padding: int
    box: Box


def random_crop(rng: np.random.Generator, frames_THWC: Frames, view: View, *, antialias: bool) -> Tensor:
    """The square of a view, (3, T, S, S) uint8, the same part of every frame."""
    height, width = frames_THWC.shape[1:3]
    if isinstance(view.crop, ResizedCrop):
        box = random_box(rng, height=height, width=width, scale=view.scale, ratio=view.ratio)
        return crop_resized(frames_THWC, box, view.size, antialias=antialias)
    square = _square(rng, view.crop, view.size, height=height, width=width)
    scaled = resized(frames_THWC, square.height, square.width, antialias=antialias)
    return cut(padded(scaled, square.padding), square.box)


def part_of(rng: np.random.Generator, view: View, *, height: int, width: int) -> Box:
    """Which part of the picture ``random_crop`` takes with the same draws; a padded one may hang over its edges."""
    if isinstance(view.crop, ResizedCrop):
        return random_box(rng, height=height, width=width, scale=view.scale, ratio=view.ratio)
    square = _square(rng, view.crop, view.size, height=height, width=width)
    down, across = height / square.height, width / square.width
    return Box(
        round((square.box.top - square.padding) * down),
        round((square.box.left - square.padding) * across),
        round(view.size * down),
        round(view.size * across),
    )


def _square(
    rng: np.random.Generator, crop: ShortSideCrop | PaddedCrop, size: int, *, height: int, width: int
) -> _Square:
    if isinstance(crop, ShortSideCrop):
        short, padding = int(rng.integers(*crop.short_side, endpoint=True)), 0
    else:
        short, padding = size, crop.padding
    h, w = scaled_sides(height=height, width=width, short=short)
    box = random_square(rng, height=h + 2 * padding, width=w + 2 * padding, size=size)
    return _Square(h, w, padding, box)
