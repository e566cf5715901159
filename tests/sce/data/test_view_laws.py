"""What every colour change keeps and what it changes, whatever the clip."""

import pytest
import torch
from torch import Tensor

from sce.data.views import Augment, Draws, Normalise, blur_, draw, flip_, grey_, jitter_, solarize_
from sce.definition import Jitter, View
from tests.sce.data.test_views import chances

MEAN, STD = (0.45, 0.45, 0.45), (0.225, 0.225, 0.225)
NEUTRAL = (1.0, 1.0, 1.0, 0.0)


def clips(num_clips: int = 2, *, side: int = 16) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(num_clips, 3, 2, side, side, generator=generator)


def raw(num_clips: int = 2) -> Tensor:
    return (clips(num_clips, side=32) * 255).to(torch.uint8)


def point() -> Tensor:
    """One bright pixel in the middle of a dark picture."""
    x = torch.zeros(1, 3, 1, 64, 64)
    x[..., 32, 32] = 1
    return x


def jittered(x: Tensor, factors: tuple[float, ...], order: tuple[int, ...] = (0, 1, 2, 3)) -> Tensor:
    rows = list(range(len(x)))
    draws = Draws(
        rows,
        torch.tensor([factors] * len(x)),
        torch.tensor([order] * len(x)),
        [],
        [],
        torch.ones(len(x)),
        [],
        [],
    )
    jitter_(x, draws)
    return x


def test_neutral_factors_change_nothing() -> None:
    torch.testing.assert_close(jittered(clips(), NEUTRAL), clips(), atol=1e-6, rtol=0)


@pytest.mark.parametrize("turn", [-1.0, 1.0])
def test_a_whole_turn_of_hue_changes_nothing(turn: float) -> None:
    torch.testing.assert_close(jittered(clips(), (1, 1, 1, turn)), clips(), atol=1e-5, rtol=0)


def test_a_third_of_a_turn_makes_red_green_and_green_blue() -> None:
    colours = torch.eye(3).view(1, 3, 1, 1, 3).clone()
    expected = torch.eye(3)[:, [1, 2, 0]].view(1, 3, 1, 1, 3)
    torch.testing.assert_close(jittered(colours, (1, 1, 1, 1 / 3)), expected, atol=1e-5, rtol=0)


def test_a_turn_of_hue_keeps_the_brightest_and_the_darkest_channel() -> None:
    turned = jittered(clips(), (1, 1, 1, 0.17))
    torch.testing.assert_close(turned.amax(1), clips().amax(1), atol=1e-5, rtol=0)
    torch.testing.assert_close(turned.amin(1), clips().amin(1), atol=1e-5, rtol=0)


def test_no_saturation_is_grey() -> None:
    plain = jittered(clips(), (1, 1, 0, 0))
    assert torch.allclose(plain, plain[:, :1].expand_as(plain), atol=1e-6)


def test_no_contrast_is_one_grey_a_frame() -> None:
    flat = jittered(clips(), (1, 0, 1, 0))
    assert flat.flatten(3).std(dim=-1).max() < 1e-6


def test_no_brightness_is_black() -> None:
    assert not jittered(clips(), (0, 1, 1, 0)).any()


@pytest.mark.parametrize("factors", [(3, 1, 1, 0), (1, 5, 1, 0), (1, 1, 5, 0), (2, 2, 2, 0.5)])
def test_values_stay_colours(factors: tuple[float, ...]) -> None:
    low, high = jittered(clips(), factors).aminmax()
    assert 0 <= low <= high <= 1 + 1e-6


def test_the_order_of_changes_matters() -> None:
    forth = jittered(clips(), (1.6, 0.5, 1, 0), (0, 1, 2, 3))
    back = jittered(clips(), (1.6, 0.5, 1, 0), (1, 0, 2, 3))
    assert not torch.allclose(forth, back, atol=0.01)


def test_grey_has_equal_channels_and_keeps_its_luma() -> None:
    x = clips()
    luma = 0.299 * x[:, 0] + 0.587 * x[:, 1] + 0.114 * x[:, 2]
    grey_(x, [0, 1])
    for channel in range(3):
        torch.testing.assert_close(x[:, channel], luma)


def test_grey_twice_is_grey_once() -> None:
    once, twice = clips(), clips()
    grey_(once, [0])
    grey_(twice, [0])
    grey_(twice, [0])
    torch.testing.assert_close(once, twice)


def test_flip_twice_is_none_and_mirrors_a_row() -> None:
    x = torch.arange(4.0).view(1, 1, 1, 1, 4).repeat(1, 3, 1, 1, 1)
    flip_(x, [0])
    assert x[0, 0, 0, 0].tolist() == [3, 2, 1, 0]
    flip_(x, [0])
    assert x[0, 0, 0, 0].tolist() == [0, 1, 2, 3]


def test_solarize_twice_keeps_the_dark_and_never_leaves_brightness() -> None:
    x = clips()
    solarize_(x, [0, 1])
    assert x.max() <= 0.5
    dark = clips() < 0.5
    assert torch.equal(x[dark], clips()[dark])


@pytest.mark.parametrize("sigma", [0.1, 1.0, 2.0])
def test_blur_keeps_a_flat_picture(sigma: float) -> None:
    x = torch.full((1, 3, 2, 32, 32), 0.3)
    blur_(x, [0], torch.tensor([sigma]), kernel=23)
    torch.testing.assert_close(x, torch.full_like(x, 0.3))


def test_blur_spreads_a_point_and_keeps_its_sum() -> None:
    x = point()
    blur_(x, [0], torch.tensor([1.0]), kernel=23)
    torch.testing.assert_close(x.sum(dim=(-2, -1)), torch.ones(1, 3, 1))
    assert x.max() < 0.5
    torch.testing.assert_close(x[..., 32, 31], x[..., 31, 32])


@pytest.mark.parametrize("sigma", [0.9, 1.2, 1.6, 2.0])
def test_a_point_spreads_by_the_variance_of_its_gaussian(sigma: float) -> None:
    """23 pixels hold all of a Gaussian of up to 2: what is cut off is below a thousandth."""
    x, offsets = point(), torch.arange(64.0) - 32
    blur_(x, [0], torch.tensor([sigma]), kernel=23)
    down, across = (x[0, 0, 0].sum(dim=axis) @ offsets**2 for axis in (1, 0))
    assert [float(down), float(across)] == pytest.approx([sigma**2] * 2, rel=1e-3)


@pytest.mark.parametrize("kernel", [3, 11, 23])
def test_a_point_spreads_over_its_kernel_and_no_further(kernel: int) -> None:
    x = point()
    blur_(x, [0], torch.tensor([2.0]), kernel=kernel)
    touched = x[0, 0, 0].nonzero()
    assert touched.min(dim=0).values.tolist() == [32 - kernel // 2] * 2
    assert touched.max(dim=0).values.tolist() == [32 + kernel // 2] * 2


def test_the_frames_of_a_clip_share_one_sigma_and_clips_do_not() -> None:
    x = clips(1, side=64).repeat(3, 1, 1, 1, 1)
    x[:, :, 1] = x[:, :, 0]
    blur_(x, [0, 1, 2], torch.tensor([0.5, 2.0, 2.0]), kernel=23)
    assert torch.equal(x[:, :, 0], x[:, :, 1])
    assert not torch.allclose(x[0], x[1], atol=0.01)
    torch.testing.assert_close(x[1], x[2])


def test_the_more_blur_the_less_detail() -> None:
    spreads = []
    for sigma in (0.1, 0.5, 1.0, 2.0):
        x = clips(1, side=64)
        blur_(x, [0], torch.tensor([sigma]), kernel=23)
        spreads.append(float(x.std()))
    assert spreads == sorted(spreads, reverse=True)


def test_no_frame_is_blurred_into_another() -> None:
    x = clips(1)
    x[:, :, 1] = 0
    blur_(x, [0], torch.tensor([2.0]), kernel=23)
    assert not x[:, :, 1].any()


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
def test_views_are_the_same_whatever_the_precision(half: torch.dtype) -> None:
    """Mixed precision wraps the whole training step; colours are not its to round."""
    augment = Augment(View(size=32, blur_p=1.0), MEAN, STD)
    exact = augment(raw(), chances(2, seed=1))
    with torch.autocast("cpu", dtype=half):
        cast = augment(raw(), chances(2, seed=1))
    assert cast.dtype is torch.float32
    assert torch.equal(cast, exact)


def test_a_view_of_certain_changes_makes_every_clip_grey() -> None:
    view = View(size=32, jitter=Jitter(p=0), grey_p=1.0, blur_p=0, flip_p=0)
    seen = Augment(view, MEAN, STD)(raw(), chances(2))
    assert torch.equal(seen, seen[:, :1].expand_as(seen))


def test_a_certain_flip_is_the_mirrored_clip() -> None:
    view = View(size=32, jitter=Jitter(p=0), grey_p=0, blur_p=0, flip_p=1.0)
    torch.testing.assert_close(
        Augment(view, MEAN, STD)(raw(), chances(2)), Normalise(MEAN, STD)(raw().flip(-1))
    )


@pytest.mark.parametrize(("value", "expected"), [(0, -2.0), (255, (1 - 0.45) / 0.225)])
def test_black_and_white_normalise_to_the_printed_ends(value: int, expected: float) -> None:
    seen = Normalise(MEAN, STD)(torch.full((1, 3, 1, 2, 2), value, dtype=torch.uint8))
    torch.testing.assert_close(seen, torch.full_like(seen, expected))


def test_a_probability_of_zero_or_one_is_never_drawn_otherwise() -> None:
    view = View(jitter=Jitter(p=1.0), grey_p=0.0, blur_p=1.0, solarize_p=0.0, flip_p=1.0)
    draws = draw(view, chances(500))
    assert draws.jittered == draws.blurred == draws.flipped == list(range(500))
    assert draws.greyed == draws.solarized == []


def test_what_one_change_draws_does_not_depend_on_another() -> None:
    """Turning blur off leaves every other draw of the same seed as it was."""
    with_blur = draw(View(blur_p=1.0), chances(50))
    without = draw(View(blur_p=0.0), chances(50))
    assert with_blur.flipped == without.flipped
    assert torch.equal(with_blur.factors_B4, without.factors_B4)
