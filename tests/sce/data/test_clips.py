"""Where clips and crops lie: laws that hold for any video."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sce.data.clips import (
    clip_span,
    even_boxes,
    even_starts,
    random_box,
    random_starts,
    scaled_sides,
    spread,
)

durations = st.floats(0.1, 600)
sides = st.integers(8, 2000)
seeds = st.integers(0, 2**32 - 1)


@given(seeds, durations, durations)
def test_random_clips_lie_inside_the_video_or_start_at_its_beginning(seed, duration_s, clip_s):
    starts = random_starts(np.random.default_rng(seed), clips=2, duration_s=duration_s, clip_s=clip_s)
    assert all(0 <= start <= max(duration_s - clip_s, 0) for start in starts)


def test_random_starts_are_uniform_and_independent():
    rng = np.random.default_rng(0)
    pairs = np.array([random_starts(rng, clips=2, duration_s=12.56, clip_s=2.56) for _ in range(4000)])
    assert pairs.mean(axis=0) == pytest.approx([5, 5], abs=0.2)
    assert pairs.std(axis=0) == pytest.approx([10 / math.sqrt(12)] * 2, abs=0.1)
    assert abs(np.corrcoef(pairs.T)[0, 1]) < 0.05


def test_ten_even_clips_go_from_the_first_second_to_the_last():
    starts = even_starts(clips=10, duration_s=10.0, clip_s=1.0)
    assert starts == pytest.approx([i * 9 / 9 for i in range(10)])


def test_a_video_shorter_than_the_clip_gives_the_same_clip_ten_times():
    assert even_starts(clips=10, duration_s=1.0, clip_s=2.56) == (0.0,) * 10


def test_a_single_even_clip_is_the_middle_one():
    assert even_starts(clips=1, duration_s=10.0, clip_s=2.0) == (4.0,)


@given(durations, durations, st.floats(1, 120), st.integers(1, 5000))
def test_a_span_is_never_empty_and_never_leaves_the_video(start_s, clip_s, fps, num_frames):
    span = clip_span(start_s=start_s, clip_s=clip_s, fps=fps, num_frames=num_frames)
    assert 0 <= span[0] <= span[-1] < num_frames


def test_a_clip_of_the_papers_has_77_frames():
    assert len(clip_span(start_s=0.0, clip_s=2.56, fps=30.0, num_frames=300)) == 77


def test_the_end_of_a_clip_is_not_in_it():
    assert clip_span(start_s=0.4, clip_s=1.0, fps=25.0, num_frames=100) == range(10, 35)


def test_eight_of_77_frames_are_the_truncated_linspace():
    expected = np.linspace(0, 76, 8).astype(int)
    assert spread(range(100, 177), num_frames=8) == tuple(100 + expected)


def test_frames_repeat_when_the_span_is_shorter_than_the_clip():
    assert spread(range(3), num_frames=6) == (0, 0, 0, 1, 1, 2)


@given(st.integers(1, 500), st.integers(1, 64))
def test_frames_rise_from_the_spans_first_to_its_last(length, num_frames):
    frames = spread(range(7, 7 + length), num_frames=num_frames)
    assert list(frames) == sorted(frames)
    assert len(frames) == num_frames
    assert frames[0] == 7
    assert num_frames == 1 or frames[-1] == 6 + length


@given(seeds, sides, sides)
def test_a_random_box_lies_inside_the_picture(seed, height, width):
    box = random_box(
        np.random.default_rng(seed), height=height, width=width, scale=(0.05, 1.0), ratio=(0.75, 1.3333)
    )
    assert 0 <= box.top <= box.top + box.height <= height
    assert 0 <= box.left <= box.left + box.width <= width
    assert min(box.height, box.width) > 0


def test_areas_are_uniform_and_aspects_log_uniform():
    rng = np.random.default_rng(0)
    shape = {"height": 1000, "width": 1000, "scale": (0.1, 0.4), "ratio": (0.75, 1.3333)}
    boxes = [random_box(rng, **shape) for _ in range(4000)]
    areas = np.array([box.height * box.width for box in boxes]) / 1e6
    logs = np.array([math.log(box.width / box.height) for box in boxes])
    assert np.quantile(areas, [0, 0.25, 0.5, 0.75, 1]) == pytest.approx(
        [0.1, 0.175, 0.25, 0.325, 0.4], abs=0.01
    )
    reach = math.log(4 / 3)
    assert np.quantile(logs, [0.25, 0.5, 0.75]) == pytest.approx([-reach / 2, 0, reach / 2], abs=0.02)


def test_a_picture_too_narrow_for_any_box_is_cropped_at_its_centre():
    box = random_box(np.random.default_rng(0), height=1000, width=20, scale=(0.9, 1.0), ratio=(0.75, 1.3333))
    assert box == ((1000 - 27) // 2, 0, 27, 20)


def test_the_short_side_is_scaled_and_the_long_one_follows():
    assert scaled_sides(height=240, width=320, short=128) == (128, 170)
    assert scaled_sides(height=320, width=240, short=128) == (170, 128)


def test_three_crops_lie_at_start_centre_and_end_of_the_long_side():
    assert [box.left for box in even_boxes(height=128, width=171, size=128, crops=3)] == [0, 22, 43]
    assert [box.top for box in even_boxes(height=171, width=128, size=128, crops=3)] == [0, 22, 43]


def test_one_crop_is_the_centre():
    assert even_boxes(height=128, width=170, size=128, crops=1) == ((0, 21, 128, 128),)
