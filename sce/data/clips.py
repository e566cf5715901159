"""Which moments and which part of a picture make a clip: pure functions, no file and no tensor.

``start_s`` and ``clip_s`` are seconds from a video's first frame; a box is in pixels of the decoded picture.
"""

import math
from typing import NamedTuple

import numpy as np

# Times are made of divisions: without some tolerance, 0.4 s at 25 fps would be frame 11.
_TOLERANCE = 1e-6
_CROP_TRIES = 10
CHANCES = 14
"""Uniform numbers that decide the colours of one view; ``sce.data.views.draw`` says what each is for."""


class Box(NamedTuple):
    """A part of a picture, in whole pixels."""

    top: int
    left: int
    height: int
    width: int


def random_starts(
    rng: np.random.Generator, *, clips: int, duration_s: float, clip_s: float
) -> tuple[float, ...]:
    """Independent uniform starts in the room that the video leaves; they may overlap or coincide."""
    room = max(duration_s - clip_s, 0.0)
    return tuple(float(start) for start in rng.uniform(0.0, room, clips))


def even_starts(*, clips: int, duration_s: float, clip_s: float) -> tuple[float, ...]:
    """Starts from the first to the last that fits: i * max(D - c, 0) / (n - 1). A single clip is the middle one."""
    room = max(duration_s - clip_s, 0.0)
    if clips == 1:
        return (room / 2,)
    return tuple(i * room / (clips - 1) for i in range(clips))


def clip_span(*, start_s: float, clip_s: float, fps: float, num_frames: int) -> range:
    """Frames of a video of ``num_frames`` that lie in [start, start + clip): at least one."""
    first = min(_ceil(start_s * fps), num_frames - 1)
    end = min(_ceil((start_s + clip_s) * fps), num_frames)
    return range(first, max(end, first + 1))


def spread(span: range, *, num_frames: int) -> tuple[int, ...]:
    """``num_frames`` frames of a span: linspace from its first to its last, truncated; repeats when it is short."""
    if num_frames == 1:
        return (span[0],)
    step = (len(span) - 1) / (num_frames - 1)
    return tuple(span[int(i * step + _TOLERANCE)] for i in range(num_frames))


def random_box(
    rng: np.random.Generator,
    *,
    height: int,
    width: int,
    scale: tuple[float, float],
    ratio: tuple[float, float],
) -> Box:
    """Random resized crop: area uniform in ``scale``, aspect log-uniform in ``ratio``; ten tries, then centred."""
    for _ in range(_CROP_TRIES):
        area = rng.uniform(*scale) * height * width
        aspect = math.exp(rng.uniform(math.log(ratio[0]), math.log(ratio[1])))
        w, h = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < w <= width and 0 < h <= height:
            top, left = int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1))
            return Box(top, left, h, w)
    return _centred_box(height=height, width=width, ratio=ratio)


def _centred_box(*, height: int, width: int, ratio: tuple[float, float]) -> Box:
    """The largest centred part whose aspect is allowed."""
    w = min(width, max(round(height * ratio[1]), 1))
    h = min(height, max(round(width / ratio[0]), 1))
    return Box((height - h) // 2, (width - w) // 2, h, w)


def random_square(rng: np.random.Generator, *, height: int, width: int, size: int) -> Box:
    """A square of ``size`` pixels, anywhere in a picture that is at least as large."""
    return Box(int(rng.integers(height - size + 1)), int(rng.integers(width - size + 1)), size, size)


def scaled_sides(*, height: int, width: int, short: int) -> tuple[int, int]:
    """(height, width) once the short side measures ``short``; the long one is rounded down."""
    if width < height:
        return int(height / width * short + _TOLERANCE), short
    return short, int(width / height * short + _TOLERANCE)


def even_boxes(*, height: int, width: int, size: int, crops: int) -> tuple[Box, ...]:
    """Square crops at the start, centre and end of the longer side; with ``crops`` 1 the centre alone."""
    tops = (0, _half(height - size), height - size)
    lefts = (0, _half(width - size), width - size)
    centre = Box(tops[1], lefts[1], size, size)
    if crops == 1:
        return (centre,)
    if height > width:
        return tuple(Box(top, lefts[1], size, size) for top in tops)
    return tuple(Box(tops[1], left, size, size) for left in lefts)


def _half(room: int) -> int:
    return math.ceil(room / 2)


def _ceil(value: float) -> int:
    return math.ceil(value - _TOLERANCE)
