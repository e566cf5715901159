"""The three ways in which a square is taken from a picture, by their laws, on pictures that say where a pixel was.

H, W pixels - S side of the square
"""

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from sce.data.crops import part_of, random_crop
from sce.definition import PaddedCrop, ResizedCrop, ShortSideCrop, View

DRAWS = 400


def gradient(height: int, width: int) -> NDArray[np.uint8]:
    """Two frames; red says the column and green the row, from 1 on, so that black is nowhere."""
    picture = np.zeros((2, height, width, 3), np.uint8)
    picture[..., 0] = np.arange(1, width + 1)
    picture[..., 1] = np.arange(1, height + 1)[:, None]
    return picture


def crops(view: View, picture: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    rng = np.random.default_rng(0)
    return [random_crop(rng, picture, view, antialias=False).numpy() for _ in range(DRAWS)]


def test_a_view_without_a_word_about_its_crop_is_the_resized_one_of_old_definitions() -> None:
    assert View.model_validate({"size": 16, "scale": [0.5, 1.0]}).crop == ResizedCrop()


def test_a_padded_crop_moves_by_up_to_its_padding_and_shows_black_beyond_the_edge() -> None:
    view = View(size=32, crop=PaddedCrop(padding=4))
    taken = crops(view, gradient(32, 32))
    assert {crop.shape for crop in taken} == {(3, 2, 32, 32)}
    # The first column that is not black says how far the square hangs over on the left.
    shifts = {(int(crop[0, 0, 16, 16]) - 17, int(crop[1, 0, 16, 16]) - 17) for crop in taken}
    assert {shift for shift, _ in shifts} == set(range(-4, 5))
    assert {shift for _, shift in shifts} == set(range(-4, 5))
    assert any((crop[:, :, :, 0] == 0).all() for crop in taken)


def test_a_padded_crop_scales_a_larger_picture_to_its_size_first() -> None:
    view = View(size=32, crop=PaddedCrop(padding=1))
    assert all((crop[0] > 0).mean() > 0.9 for crop in crops(view, gradient(64, 64)))


def test_a_short_side_crop_covers_what_the_drawn_short_side_leaves() -> None:
    """The square spans size / short of the picture's short side: between 224 / 320 and 224 / 256 of it."""
    view = View(size=28, crop=ShortSideCrop(short_side=(32, 40)))
    spans = [int(crop[1, 0].max()) - int(crop[1, 0].min()) for crop in crops(view, gradient(160, 200))]
    assert min(spans) == pytest.approx(160 * 28 / 40, abs=7)
    assert max(spans) == pytest.approx(160 * 28 / 32, abs=7)
    assert {crop.shape for crop in crops(view, gradient(200, 160))} == {(3, 2, 28, 28)}


def test_every_short_side_of_the_range_is_drawn_alike_often() -> None:
    view = View(size=8, blur_p=0, crop=ShortSideCrop(short_side=(8, 11)))
    # At short side 8 a square picture is taken whole: one draw in four.
    whole = [crop for crop in crops(view, gradient(88, 88)) if crop[0, 0].max() > 82 and crop[0, 0].min() < 7]
    assert len(whole) / DRAWS == pytest.approx(0.25, abs=0.07)


def test_all_frames_of_a_clip_show_the_same_part() -> None:
    for crop in (ResizedCrop(), PaddedCrop(), ShortSideCrop(short_side=(16, 20))):
        for square in crops(View(size=16, crop=crop), gradient(24, 40))[:20]:
            assert (square[:, 0] == square[:, 1]).all()


@pytest.mark.parametrize("crop", [ResizedCrop(), PaddedCrop(), ShortSideCrop(short_side=(16, 20))])
def test_the_part_that_is_told_is_the_part_that_is_shown(
    crop: ResizedCrop | PaddedCrop | ShortSideCrop,
) -> None:
    view, picture = View(size=16, crop=crop), gradient(96, 120)
    for seed in range(50):
        shown = random_crop(np.random.default_rng(seed), picture, view, antialias=False).numpy()
        part = part_of(np.random.default_rng(seed), view, height=96, width=120)
        inside = shown[0, 0][shown[0, 0] > 0]
        assert inside.min() >= max(part.left, 0) - 8
        assert inside.max() <= min(part.left + part.width, 120) + 8


def test_a_short_side_below_the_size_is_refused() -> None:
    with pytest.raises(ValidationError, match="no square of that size fits"):
        View(size=224, crop=ShortSideCrop(short_side=(200, 320)))
    with pytest.raises(ValidationError, match="from its smaller to its larger"):
        ShortSideCrop(short_side=(320, 256))
