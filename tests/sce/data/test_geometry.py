"""Moments and crops of a clip, against tables worked out by hand."""

import numpy as np
import pytest

from sce.data.clips import (
    Box,
    clip_span,
    even_boxes,
    even_starts,
    random_box,
    random_starts,
    scaled_sides,
    spread,
)


@pytest.mark.parametrize(
    ("length", "num_frames", "frames"),
    [
        (77, 8, (0, 10, 21, 32, 43, 54, 65, 76)),
        (77, 16, (0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 76)),
        (39, 8, (0, 5, 10, 16, 21, 27, 32, 38)),
        (64, 8, (0, 9, 18, 27, 36, 45, 54, 63)),
        (8, 8, (0, 1, 2, 3, 4, 5, 6, 7)),
        (5, 8, (0, 0, 1, 1, 2, 2, 3, 4)),
        (2, 4, (0, 0, 0, 1)),
        (1, 8, (0,) * 8),
        (100, 1, (0,)),
        (100, 2, (0, 99)),
    ],
)
def test_frames_are_the_truncated_linspace(length: int, num_frames: int, frames: tuple[int, ...]) -> None:
    assert spread(range(length), num_frames=num_frames) == frames


@pytest.mark.parametrize("num_frames", [2, 4, 8, 16, 32])
def test_no_length_of_span_differs_from_numpys_linspace(num_frames: int) -> None:
    for length in range(1, 200):
        # numpy's last bits are not ours: a product that is whole must not fall below itself.
        expected = np.floor(np.linspace(0, length - 1, num_frames) + 1e-6).astype(int)
        assert spread(range(length), num_frames=num_frames) == tuple(expected)


@pytest.mark.parametrize(
    ("duration_s", "clip_s", "starts"),
    [
        (11.56, 2.56, (0, 1, 2, 3, 4, 5, 6, 7, 8, 9)),
        (10.0, 2.56, tuple(i * 7.44 / 9 for i in range(10))),
        (7.06, 2.56, (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5)),
        (2.56, 2.56, (0,) * 10),
        (0.5, 2.56, (0,) * 10),
    ],
)
def test_scored_clips_start_at_ninths_of_the_room(
    duration_s: float, clip_s: float, starts: tuple[float, ...]
) -> None:
    assert even_starts(clips=10, duration_s=duration_s, clip_s=clip_s) == pytest.approx(starts)


def test_two_scored_clips_are_the_first_and_the_last() -> None:
    assert even_starts(clips=2, duration_s=9.0, clip_s=4.0) == (0.0, 5.0)


def test_the_last_scored_clip_ends_with_the_video() -> None:
    last = even_starts(clips=10, duration_s=10.0, clip_s=2.56)[-1]
    assert clip_span(start_s=last, clip_s=2.56, fps=30.0, num_frames=300)[-1] == 299


@pytest.mark.parametrize(
    ("start_s", "clip_s", "fps", "num_frames", "span"),
    [
        (0.0, 2.56, 30.0, 300, range(77)),
        (0.0, 1.28, 30.0, 300, range(39)),
        (0.0, 2.56, 25.0, 250, range(64)),
        (1.0, 1.0, 30.0, 300, range(30, 60)),
        (0.01, 1.0, 30.0, 300, range(1, 31)),
        (0.0, 2.56, 30.0, 20, range(20)),
        (0.0, 0.001, 30.0, 300, range(1)),
        (9.99, 1.0, 30.0, 300, range(299, 300)),
        (50.0, 1.0, 30.0, 300, range(299, 300)),
    ],
)
def test_a_clip_holds_the_frames_from_its_start_to_before_its_end(
    start_s: float, clip_s: float, fps: float, num_frames: int, span: range
) -> None:
    assert clip_span(start_s=start_s, clip_s=clip_s, fps=fps, num_frames=num_frames) == span


def test_a_short_video_always_starts_at_its_beginning() -> None:
    starts = random_starts(np.random.default_rng(0), clips=50, duration_s=1.0, clip_s=2.56)
    assert set(starts) == {0.0}


@pytest.mark.parametrize(
    ("height", "width", "tops", "lefts"),
    [
        (256, 340, (0, 0, 0), (0, 42, 84)),
        (340, 256, (0, 42, 84), (0, 0, 0)),
        (256, 455, (0, 0, 0), (0, 100, 199)),
        (455, 256, (0, 100, 199), (0, 0, 0)),
        (256, 256, (0, 0, 0), (0, 0, 0)),
        (256, 257, (0, 0, 0), (0, 1, 1)),
    ],
)
def test_three_crops_lie_along_the_longer_side(
    height: int, width: int, tops: tuple[int, ...], lefts: tuple[int, ...]
) -> None:
    boxes = even_boxes(height=height, width=width, size=256, crops=3)
    assert tuple(box.top for box in boxes) == tops
    assert tuple(box.left for box in boxes) == lefts
    assert {(box.height, box.width) for box in boxes} == {(256, 256)}


@pytest.mark.parametrize(("height", "width"), [(256, 455), (455, 256), (256, 256)])
def test_the_only_crop_is_the_middle_one_of_three(height: int, width: int) -> None:
    (one,) = even_boxes(height=height, width=width, size=256, crops=1)
    assert one == even_boxes(height=height, width=width, size=256, crops=3)[1]


@pytest.mark.parametrize(
    ("height", "width", "sides"),
    [
        (240, 320, (256, 341)),
        (320, 240, (341, 256)),
        (720, 1280, (256, 455)),
        (1280, 720, (455, 256)),
        (100, 100, (256, 256)),
        (256, 256, (256, 256)),
        (1, 1000, (256, 256_000)),
    ],
)
def test_the_short_side_measures_exactly_what_is_asked(
    height: int, width: int, sides: tuple[int, int]
) -> None:
    assert scaled_sides(height=height, width=width, short=256) == sides


def test_every_crop_lies_inside_the_scaled_picture() -> None:
    for height, width in ((37, 91), (91, 37), (480, 641), (33, 33)):
        tall, wide = scaled_sides(height=height, width=width, short=64)
        for box in even_boxes(height=tall, width=wide, size=64, crops=3):
            assert 0 <= box.top <= tall - 64
            assert 0 <= box.left <= wide - 64


def test_a_picture_too_wide_for_any_box_is_cropped_at_its_centre() -> None:
    box = random_box(np.random.default_rng(0), height=20, width=1000, scale=(0.9, 1.0), ratio=(0.75, 4 / 3))
    assert box == Box(0, (1000 - 27) // 2, 20, 27)


def test_the_whole_picture_is_a_crop_where_nothing_smaller_is_allowed() -> None:
    box = random_box(np.random.default_rng(0), height=64, width=64, scale=(1.0, 1.0), ratio=(1.0, 1.0))
    assert box == Box(0, 0, 64, 64)


def test_a_picture_of_one_pixel_has_a_crop() -> None:
    box = random_box(np.random.default_rng(0), height=1, width=1, scale=(0.2, 0.766), ratio=(0.75, 4 / 3))
    assert box == Box(0, 0, 1, 1)


def test_crops_reach_every_corner() -> None:
    rng = np.random.default_rng(0)
    shape = {"height": 8, "width": 8, "scale": (0.2, 0.5), "ratio": (0.75, 4 / 3)}
    boxes = [random_box(rng, **shape) for _ in range(500)]  # type: ignore[arg-type]  # one dict of two types
    assert min(box.top for box in boxes) == min(box.left for box in boxes) == 0
    assert max(box.top + box.height for box in boxes) == max(box.left + box.width for box in boxes) == 8
