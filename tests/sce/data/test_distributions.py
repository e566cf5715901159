"""What is drawn for a view, against its stated law: Kolmogorov-Smirnov and chi-square tests at a fixed seed.

Drawn the whole way: by a reader of one item, over epochs. A p-value below ``UNLIKELY`` refutes a law; with a fixed
seed a test that passes once always does.
"""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from sce.data.index import Item
from sce.data.readers import Source, TrainReader, ViewPlan
from sce.data.sampler import Draw
from sce.data.views import Draws, draw
from sce.definition import Jitter, PaddedCrop, ShortSideCrop, VideoData, View

EPOCHS, UNLIKELY = 3000, 1e-3
DURATION_S, CLIP_S, TIME_DIFFERENCE_P = 10.0, 2.56, 0.2
# Shares of the area that always fit into a square picture: no crop is tried twice.
SCALE, RATIO = (0.2, 0.6), (3 / 4, 4 / 3)
VIEW = View(
    scale=SCALE,
    ratio=RATIO,
    jitter=Jitter(brightness=0.8, contrast=0.6, saturation=0.4, hue=0.2, p=0.8),
    grey_p=0.2,
    blur_p=0.1,
    solarize_p=0.3,
    flip_p=0.5,
)
EVENTS = {"jittered": 0.8, "greyed": 0.2, "blurred": 0.1, "solarized": 0.3, "flipped": 0.5}


def plans_of(*views: View, epochs: int = EPOCHS) -> list[tuple[ViewPlan, ...]]:
    """The views of one video in each of many epochs."""
    item = Item("a.mp4", 0, 300, 30.0, DURATION_S, 1000, 1000, "h264", 1)
    source = Source(Path(), VideoData(root="nowhere", clip_s=CLIP_S), "train", (item,))
    reader = TrainReader(source, views, seed=42, time_difference_p=TIME_DIFFERENCE_P)
    return [reader.plans(item, Draw(epoch, 0)) for epoch in range(epochs)]


@pytest.fixture(scope="module")
def plans() -> list[tuple[ViewPlan, ...]]:
    return plans_of(VIEW, VIEW)


@pytest.fixture(scope="module")
def first(plans: list[tuple[ViewPlan, ...]]) -> Draws:
    return draws_of(plans, 0)


def draws_of(plans: list[tuple[ViewPlan, ...]], place: int) -> Draws:
    return draw(VIEW, np.stack([both[place].chances for both in plans]))


def is_uniform(values: NDArray[np.float64], low: float, high: float) -> bool:
    """On a grid of whole pixels ``values`` have ties, which are far finer than what the test can see."""
    return bool(stats.kstest(values, stats.uniform(low, high - low).cdf).pvalue > UNLIKELY)


def chosen(draws: Draws, name: str) -> NDArray[np.bool_]:
    is_chosen = np.zeros(EPOCHS, bool)
    is_chosen[getattr(draws, name)] = True
    return is_chosen


def are_independent(one: NDArray[np.generic], other: NDArray[np.generic]) -> bool:
    table = stats.contingency.crosstab(one, other).count
    return bool(stats.chi2_contingency(table).pvalue > UNLIKELY)


def test_a_law_that_does_not_hold_is_refuted() -> None:
    """Sides drawn uniformly instead of areas, and factors one eighth too wide: the tests below see both."""
    rng = np.random.default_rng(0)
    areas = rng.uniform(SCALE[0] ** 0.5, SCALE[1] ** 0.5, EPOCHS) ** 2
    assert not is_uniform(areas, *SCALE)
    assert not is_uniform(rng.uniform(1 - 0.9, 1 + 0.9, EPOCHS), 0.2, 1.8)


@pytest.mark.parametrize("place", [0, 1])
def test_clips_start_uniformly_in_the_room_of_their_video(
    plans: list[tuple[ViewPlan, ...]], place: int
) -> None:
    starts = np.array([both[place].start_s for both in plans])
    assert is_uniform(starts, 0, DURATION_S - CLIP_S)


def test_the_two_views_of_a_video_are_drawn_apart(plans: list[tuple[ViewPlan, ...]], first: Draws) -> None:
    starts = np.array([[plan.start_s for plan in both] for both in plans])
    quarters = (starts / (DURATION_S - CLIP_S) * 4).astype(int)
    assert are_independent(quarters[:, 0], quarters[:, 1])
    second = draws_of(plans, 1)
    for name in EVENTS:
        assert are_independent(chosen(first, name), chosen(second, name))


def test_areas_are_uniform_aspects_log_uniform_and_places_uniform(plans: list[tuple[ViewPlan, ...]]) -> None:
    side = 20_000  # so large that whole pixels are no grid that the test could see
    boxes = np.array([both[0].box(height=side, width=side) for both in plans], float)
    top, left, height, width = boxes.T
    assert is_uniform(height * width / side**2, *SCALE)
    assert is_uniform(np.log(width / height), *np.log(RATIO))
    assert is_uniform(top / (side - height), 0, 1)
    assert is_uniform(left / (side - width), 0, 1)


def test_where_a_crop_must_be_tried_again_its_law_is_that_of_the_tries_that_fit() -> None:
    """The video recipes' scale in a picture of 4 : 3, against tries that are drawn here and thrown away."""
    height, width, scale = 15_000, 20_000, (0.2, 0.766)
    plans = plans_of(View(scale=scale, ratio=RATIO))
    boxes = np.array([one.box(height=height, width=width) for (one,) in plans], float)
    rng = np.random.default_rng(1)
    areas = rng.uniform(*scale, 40_000) * height * width
    aspects = np.exp(rng.uniform(*np.log(RATIO), 40_000))
    fits = (np.sqrt(areas * aspects) <= width) & (np.sqrt(areas / aspects) <= height)
    assert 0.5 < fits.mean() < 0.99
    for found, expected in (
        (boxes[:, 2] * boxes[:, 3], areas[fits]),
        (boxes[:, 3] / boxes[:, 2], aspects[fits]),
    ):
        assert stats.ks_2samp(found, expected).pvalue > UNLIKELY


def test_every_short_side_and_every_place_of_a_padded_crop_is_as_likely() -> None:
    short = plans_of(View(size=224, crop=ShortSideCrop(short_side=(256, 275))))
    # Told in pixels of the picture, 2000 wide: its side is 2000 x 224 / short.
    sides = [round(2000 * 224 / one.box(height=2000, width=2000).width) for (one,) in short]
    assert stats.chisquare(np.bincount(sides, minlength=276)[256:]).pvalue > UNLIKELY
    padded = plans_of(View(size=32, crop=PaddedCrop(padding=4)))
    tops = [one.box(height=32, width=32).top + 4 for (one,) in padded]
    assert stats.chisquare(np.bincount(tops, minlength=9)).pvalue > UNLIKELY


@pytest.mark.parametrize(
    ("kind", "low", "high"), [(0, 0.2, 1.8), (1, 0.4, 1.6), (2, 0.6, 1.4), (3, -0.2, 0.2)]
)
def test_factors_of_the_jitter_are_uniform(first: Draws, kind: int, low: float, high: float) -> None:
    assert is_uniform(first.factors_B4[:, kind].double().numpy(), low, high)


def test_factors_of_the_jitter_are_drawn_apart(first: Draws) -> None:
    thirds = np.stack([stats.rankdata(column) * 3 // (EPOCHS + 1) for column in first.factors_B4.T.numpy()])
    assert all(are_independent(one, other) for one, other in combinations(thirds, 2))


def test_each_order_of_the_jitters_is_as_likely(first: Draws) -> None:
    _, counts = first.orders_B4.unique(dim=0, return_counts=True)
    assert len(counts) == 24
    assert stats.chisquare(counts.numpy()).pvalue > UNLIKELY


def test_the_deviation_of_a_blur_is_uniform(first: Draws) -> None:
    assert is_uniform(first.sigma_B.double().numpy(), 0.1, 2.0)
    assert is_uniform(first.sigma_B.double().numpy()[first.blurred], 0.1, 2.0)


@pytest.mark.parametrize(("name", "probability"), EVENTS.items())
def test_a_change_is_made_as_often_as_asked(first: Draws, name: str, probability: float) -> None:
    made = len(getattr(first, name))
    assert stats.binomtest(made, EPOCHS, probability).pvalue > UNLIKELY


def test_no_change_depends_on_another(first: Draws) -> None:
    for one, other in combinations(EVENTS, 2):
        assert are_independent(chosen(first, one), chosen(first, other)), (one, other)


def test_a_time_difference_is_as_likely_as_asked_whatever_the_colours(
    plans: list[tuple[ViewPlan, ...]], first: Draws
) -> None:
    is_difference = np.array([both[0].is_difference for both in plans])
    assert stats.binomtest(int(is_difference.sum()), EPOCHS, TIME_DIFFERENCE_P).pvalue > UNLIKELY
    assert are_independent(is_difference, chosen(first, "greyed"))
