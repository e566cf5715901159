"""Cropping, scaling and differences, against written-out formulas."""

import numpy as np
import torch
import torch.nn.functional as F

from sce.data.clips import Box
from sce.data.pictures import crop_resized, cut, difference, padded, resized, squares
from sce.data.readers import consecutive


def pictures(num_frames: int = 3, height: int = 40, width: int = 60) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (num_frames, height, width, 3), dtype=np.uint8)


def test_a_crop_is_scaled_as_float_arithmetic_would_within_a_rounding():
    frames, box = pictures(), Box(5, 7, 20, 30)
    part = torch.from_numpy(frames[:, 5:25, 7:37]).permute(0, 3, 1, 2).float()
    expected = F.interpolate(part, (16, 16), mode="bilinear").transpose(0, 1)
    scaled = crop_resized(frames, box, 16, antialias=False)
    assert scaled.dtype is torch.uint8
    assert (scaled.float() - expected).abs().max() <= 1


def test_a_crop_of_the_right_size_is_copied():
    frames = pictures()
    scaled = crop_resized(frames, Box(0, 0, 16, 16), 16, antialias=True)
    assert torch.equal(scaled[1], torch.from_numpy(frames[:, :16, :16, 1]))


def test_cutting_takes_the_box_of_every_frame():
    frames = resized(pictures(), 40, 60, antialias=False)
    assert torch.equal(cut(frames, Box(2, 3, 10, 12)), frames[:, :, 2:12, 3:15])


def test_a_difference_is_half_the_grey_change_around_the_middle():
    frames, after = pictures(), pictures()[::-1]
    luma = np.array([0.299, 0.587, 0.114])
    expected = ((frames @ luma) - (after @ luma) + 255) / 2
    np.testing.assert_allclose(difference(frames, after)[..., 0], expected, atol=1e-3)


def test_a_difference_keeps_the_whole_range():
    black, white = np.zeros((1, 2, 2, 3), np.uint8), np.full((1, 2, 2, 3), 255, np.uint8)
    assert difference(white, black).max() == 255
    assert abs(difference(black, white).min()) < 1e-4


def test_a_float_picture_is_rounded_once_and_made_grey():
    scaled = resized(np.full((2, 8, 8, 1), 127.5, np.float32), 4, 4, antialias=False)
    assert scaled.shape == (3, 2, 4, 4)
    assert scaled.unique().tolist() == [128]


def test_consecutive_frames_end_with_the_difference_before():
    firsts, seconds = consecutive((10, 15, 19), range(10, 20))
    assert (firsts, seconds) == ((10, 15, 18), (11, 16, 19))


def test_a_span_of_one_frame_differs_from_itself():
    assert consecutive((4, 4), range(4, 5)) == ((4, 4), (4, 4))


def test_squares_are_the_cuts_of_every_clip_one_after_the_other():
    frames = resized(pictures(num_frames=5), 20, 30, antialias=False)
    clips, boxes = [[0, 2], [2, 2], [4, 1]], [Box(0, 0, 20, 20), Box(0, 10, 20, 20)]
    expected = torch.stack([cut(frames[:, clip], box) for clip in clips for box in boxes])
    assert torch.equal(squares(frames, clips, boxes), expected)


def test_clips_lie_in_memory_as_they_were_decoded():
    """A copy of whole rows: a clip turned on its way would cost more than all its scaling."""
    whole, scaled = (resized(pictures(), *size, antialias=False) for size in ((40, 60), (20, 30)))
    views = squares(scaled, [[0, 1]], [Box(0, 0, 20, 20)])
    framed = padded(scaled, 2)
    assert all(clip.movedim(-4, -1).is_contiguous() for clip in (whole, scaled, views, framed))


def test_a_padded_picture_is_itself_inside_a_black_frame():
    scaled = resized(pictures(), 20, 30, antialias=False)
    framed = padded(scaled, 2)
    assert torch.equal(framed[..., 2:-2, 2:-2], scaled)
    assert framed[..., :2, :].max() == framed[..., -2:].max() == 0
