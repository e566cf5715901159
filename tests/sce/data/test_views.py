"""Colour changes: equal to torchvision's on every single frame, drawn by the stated laws."""

import numpy as np
import pytest
import torch
import torchvision.transforms.functional as reference
from numpy.typing import NDArray
from torch import Tensor

from sce.data.clips import CHANCES
from sce.data.views import (
    Augment,
    Draws,
    Normalise,
    blur_,
    draw,
    flip_,
    grey_,
    jitter_,
    solarize_,
)
from sce.definition import Jitter, View

CALM = View(size=16, jitter=Jitter(p=0.0), grey_p=0.0, blur_p=0.0, solarize_p=0.0, flip_p=0.0)
FIRST = View(size=16)
ADJUST = (
    reference.adjust_brightness,
    reference.adjust_contrast,
    reference.adjust_saturation,
    reference.adjust_hue,
)


def chances(num_clips: int, *, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).random((num_clips, CHANCES), dtype=np.float32)


def clips(num_clips: int = 6, *, frames: int = 3, side: int = 16) -> Tensor:
    torch.manual_seed(0)
    return torch.rand(num_clips, 3, frames, side, side)


def bytes_of(num_clips: int = 6) -> Tensor:
    torch.manual_seed(0)
    return torch.randint(0, 256, (num_clips, 3, 2, 16, 16), dtype=torch.uint8)


def per_frame(clip_CTHW: Tensor, change) -> Tensor:
    return torch.stack([change(frame) for frame in clip_CTHW.unbind(1)], dim=1)


def slowly_jittered(clip_CTHW: Tensor, factors: Tensor, order: Tensor) -> Tensor:
    for kind in order.tolist():
        clip_CTHW = per_frame(clip_CTHW, lambda frame, k=kind: ADJUST[k](frame, factors[k].item()))
    return clip_CTHW


def test_jitter_is_torchvisions_on_each_frame_in_each_clips_own_order():
    x, draws = clips(), draw(View(size=16, jitter=Jitter(p=1.0)), chances(6, seed=1))
    expected = [
        slowly_jittered(*each) for each in zip(x.clone(), draws.factors_B4, draws.orders_B4, strict=True)
    ]
    jitter_(x, draws)
    # torchvision rounds luma's weights to 0.2989, ours are 0.299; a hue's sixth may flip at a tie.
    close = (x - torch.stack(expected)).abs() < 2e-3
    assert close.float().mean() > 0.999


@pytest.mark.parametrize("kind", range(4))
def test_each_jitter_alone_is_torchvisions(kind: int):
    factors = torch.tensor([[1.0, 1.0, 1.0, 0.0]])
    factors[0, kind] = (1.3, 0.6, 1.7, 0.15)[kind]
    order = torch.tensor([[2, 0, 3, 1]])
    x = clips(1)
    expected = slowly_jittered(x[0], factors[0], order[0])
    jitter_(x, Draws([0], factors, order, [], [], torch.ones(1), [], []))
    torch.testing.assert_close(x[0], expected, atol=5e-4, rtol=0)


def test_grey_is_luma_in_all_channels_of_the_chosen_clips_alone():
    x, before = clips(), clips()
    grey_(x, [1, 4])
    expected = per_frame(before[4], lambda frame: reference.rgb_to_grayscale(frame, 3))
    torch.testing.assert_close(x[4], expected, atol=1e-3, rtol=0)
    assert torch.equal(x[[0, 2, 3, 5]], before[[0, 2, 3, 5]])


@pytest.mark.parametrize(("side", "kernel"), [(12, 23), (32, 23), (224, 23), (32, 3), (8, 15)])
def test_blur_is_torchvisions_with_each_clips_own_sigma(side: int, kernel: int):
    x, before = clips(2, frames=2, side=side), clips(2, frames=2, side=side)
    sigma = torch.tensor([0.4, 1.9])
    blur_(x, [0, 1], sigma, kernel=kernel)
    for clip, original, s in zip(x, before, sigma.tolist(), strict=True):
        expected = per_frame(original, lambda frame, s=s: reference.gaussian_blur(frame, [kernel] * 2, s))
        torch.testing.assert_close(clip, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kernel", [3, 23])
def test_a_view_is_blurred_by_its_own_kernel_whatever_its_size(kernel: int):
    view = View(size=32, jitter=Jitter(p=0.0), grey_p=0.0, blur_p=1.0, blur_kernel=kernel, flip_p=0.0)
    drawn, raw = chances(1), (clips(1, side=32) * 255).to(torch.uint8)
    sigma = float(draw(view, drawn).sigma_B[0])
    expected = per_frame(
        raw[0].float() / 255, lambda frame: reference.gaussian_blur(frame, [kernel] * 2, sigma)
    )
    seen = Augment(view, (0.0,) * 3, (1.0,) * 3)(raw, drawn)
    torch.testing.assert_close(seen[0], expected, atol=1e-5, rtol=1e-4)


def test_solarize_inverts_from_one_half_on():
    x = torch.tensor([0.0, 0.49, 0.5, 1.0]).view(1, 1, 1, 1, 4).repeat(1, 3, 1, 1, 1)
    solarize_(x, [0])
    torch.testing.assert_close(x[0, 0, 0, 0], torch.tensor([0.0, 0.49, 0.5, 0.0]))


def test_flip_exchanges_left_and_right_of_all_frames():
    x, before = clips(2), clips(2)
    flip_(x, [1])
    assert torch.equal(x[1], before[1].flip(-1))
    assert torch.equal(x[0], before[0])


def test_normalise_takes_clips_and_stacks_of_views():
    one = bytes_of()
    normalise = Normalise((0.4, 0.5, 0.6), (0.1, 0.2, 0.3))
    expected = (one[:, 2].float() / 255 - 0.6) / 0.3
    torch.testing.assert_close(normalise(one)[:, 2], expected)
    torch.testing.assert_close(normalise(one[:, None].repeat(1, 4, 1, 1, 1, 1))[:, 3], normalise(one))


def test_a_view_without_changes_is_only_normalised():
    mean, std = (0.45,) * 3, (0.225,) * 3
    torch.testing.assert_close(
        Augment(CALM, mean, std)(bytes_of(), chances(6)), Normalise(mean, std)(bytes_of())
    )


def test_all_frames_of_a_clip_get_the_same_draw():
    still = bytes_of()[:, :, :1].repeat(1, 1, 5, 1, 1)
    seen = Augment(FIRST, (0.45,) * 3, (0.225,) * 3)(still, chances(6))
    assert torch.equal(seen, seen[:, :, :1].expand_as(seen))


def test_the_chances_alone_decide_and_the_input_is_left_alone():
    augment, given = Augment(FIRST, (0.45,) * 3, (0.225,) * 3), bytes_of()
    runs = [augment(given, chances(6, seed=seed)) for seed in (5, 5, 6)]
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])
    assert torch.equal(given, bytes_of())


def test_a_clip_looks_the_same_alone_as_in_a_batch():
    augment, given, drawn = Augment(FIRST, (0.45,) * 3, (0.225,) * 3), bytes_of(), chances(6)
    together = augment(given, drawn)
    for row in range(6):
        torch.testing.assert_close(augment(given[row : row + 1], drawn[row : row + 1])[0], together[row])


def test_draws_follow_their_probabilities_and_ranges():
    view = View(jitter=Jitter(), grey_p=0.2, blur_p=0.1, solarize_p=0.3)
    draws = draw(view, chances(8000))
    chosen = [draws.jittered, draws.greyed, draws.blurred, draws.solarized, draws.flipped]
    assert [len(rows) / 8000 for rows in chosen] == pytest.approx([0.8, 0.2, 0.1, 0.3, 0.5], abs=0.02)
    low, high = draws.factors_B4.amin(dim=0), draws.factors_B4.amax(dim=0)
    torch.testing.assert_close(low, torch.tensor([0.2, 0.2, 0.6, -0.2]), atol=0.01, rtol=0)
    torch.testing.assert_close(high, torch.tensor([1.8, 1.8, 1.4, 0.2]), atol=0.01, rtol=0)
    assert draws.sigma_B.aminmax() == pytest.approx((0.1, 2.0), abs=0.01)
    assert float(draws.sigma_B.mean()) == pytest.approx(1.05, abs=0.02)


def test_all_24_orders_of_jitter_are_equally_likely():
    orders = draw(FIRST, chances(24_000)).orders_B4
    kinds, counts = orders.unique(dim=0, return_counts=True)
    assert len(kinds) == 24
    assert (counts.float() / 1000 - 1).abs().max() < 0.15


def test_factors_never_fall_below_zero():
    draws = draw(View(jitter=Jitter(brightness=3.0)), chances(500))
    assert draws.factors_B4[:, 0].min() == 0


def test_grey_pixels_have_no_hue_to_turn():
    x = torch.full((1, 3, 1, 4, 4), 0.3)
    jitter_(
        x,
        Draws([0], torch.tensor([[1.0, 1, 1, 0.3]]), torch.tensor([[3] * 4]), [], [], torch.ones(1), [], []),
    )
    torch.testing.assert_close(x, torch.full_like(x, 0.3))


def test_how_a_clip_lies_in_memory_changes_no_bit_of_its_view() -> None:
    """Readers leave the colours last; sums run in the same order all the same."""
    plain, augment = bytes_of(), Augment(FIRST, (0.4, 0.5, 0.6), (0.2, 0.3, 0.25))
    turned = plain.movedim(1, -1).contiguous().movedim(-1, 1)
    assert turned.stride() != plain.stride()
    assert torch.equal(augment(turned, chances(6)), augment(plain, chances(6)))
    normalise = Normalise((0.4, 0.5, 0.6), (0.2, 0.3, 0.25))
    assert torch.equal(normalise(turned), normalise(plain))
    assert normalise(turned).is_contiguous()
