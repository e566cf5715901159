"""Schedules against tables written by hand."""

import math
from typing import Literal

import pytest

from sce.definition import Cosine, Lars, Optimisation, Ramp, Sgd, Steps
from sce.schedules import cosine_momentum, learning_rate, ramped, warmup_cosine


def test_the_warmup_rises_from_zero_and_the_peak_is_held_for_two_steps() -> None:
    rates = [warmup_cosine(t, peak=1.0, end=0.0, warmup=5, steps=9) for t in range(6)]
    assert rates == [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]


def test_after_the_warmup_the_rate_falls_by_half_a_cosine() -> None:
    rates = [warmup_cosine(t, peak=1.0, end=0.0, warmup=0, steps=4) for t in range(4)]
    assert rates == pytest.approx([1.0, 0.5 + math.sqrt(0.5) / 2, 0.5, 0.5 - math.sqrt(0.5) / 2])


def test_a_warmup_of_one_step_does_not_divide_by_zero() -> None:
    assert [warmup_cosine(t, peak=2.0, end=0.0, warmup=1, steps=3) for t in (0, 1)] == [0.0, 2.0]


def test_the_rate_ends_where_it_was_told_to() -> None:
    assert warmup_cosine(100, peak=1.0, end=0.1, warmup=10, steps=100) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("lr", "batch_size", "peak"),
    [(0.3, 4096, 4.8), (0.6, 4096, 9.6), (2.4, 512, 4.8), (0.06, 256, 0.06)],
)
def test_the_papers_recipes_reach_their_published_rates(lr: float, batch_size: int, peak: float) -> None:
    learning = Optimisation(
        epochs=20, batch_size=batch_size, optimizer=Lars(lr=lr), schedule=Cosine(warmup_epochs=2)
    )
    assert learning_rate(19, learning, steps_per_epoch=10) == pytest.approx(peak)


def test_the_end_rate_is_scaled_as_the_rate_is() -> None:
    learning = Optimisation(epochs=2, batch_size=1024, optimizer=Sgd(lr=0.4), schedule=Cosine(end_lr=0.01))
    assert learning_rate(2 * 5, learning, steps_per_epoch=5) == pytest.approx(0.04)


def test_milestones_drop_the_rate_at_the_start_of_their_epoch() -> None:
    learning = Optimisation(
        epochs=4, batch_size=256, optimizer=Sgd(lr=1.0), schedule=Steps(milestones=(1, 3), gamma=0.1)
    )
    rates = [learning_rate(step, learning, steps_per_epoch=2) for step in range(8)]
    assert rates == pytest.approx([1, 1, 0.1, 0.1, 0.1, 0.1, 0.01, 0.01])


def test_the_momentum_rises_to_exactly_one_at_the_last_step() -> None:
    values = [cosine_momentum(step, start=0.99, steps=5) for step in range(5)]
    assert values == pytest.approx(
        [0.99, 0.99 + 0.01 * (1 - math.sqrt(0.5)) / 2, 0.995, 0.995 + 0.01 * math.sqrt(0.5) / 2, 1]
    )
    assert values[-1] == 1.0


def test_a_training_of_one_step_has_a_momentum() -> None:
    assert cosine_momentum(0, start=0.9, steps=1) == pytest.approx(0.9)


@pytest.mark.parametrize(("start", "value"), [(1.0, 0.5), (0.04, 0.07)])
@pytest.mark.parametrize("shape", ["linear", "cosine"])
def test_a_ramp_goes_from_its_start_to_the_value_whichever_is_larger(
    start: float, value: float, shape: Literal["linear", "cosine"]
) -> None:
    """Two epochs of five steps: steps 0 to 9, then the value itself."""
    ramp = Ramp(start=start, epochs=2, shape=shape)
    way = [ramped(step, value=value, ramp=ramp, steps_per_epoch=5, steps=50) for step in range(50)]
    assert way[0] == pytest.approx(start)
    assert way[9:] == pytest.approx([value] * 41)
    assert way[:10] == sorted(way[:10], reverse=start > value)
    shares = [step / 9 for step in range(10)]
    if shape == "cosine":
        shares = [(1 - math.cos(math.pi * share)) / 2 for share in shares]
    assert way[:10] == pytest.approx([start + (value - start) * share for share in shares])


def test_a_final_value_is_reached_at_the_last_step_and_kept_beyond() -> None:
    ramp = Ramp(start=1.0, epochs=1, final=0.0)
    way = [ramped(step, value=0.5, ramp=ramp, steps_per_epoch=4, steps=12) for step in range(13)]
    assert way[3] == way[4] == 0.5
    assert way[11] == way[12] == 0.0
    assert way[4:12] == pytest.approx([0.5 * (1 - step / 7) for step in range(8)])


def test_a_value_without_a_ramp_is_itself() -> None:
    assert ramped(7, value=0.3, ramp=None, steps_per_epoch=4, steps=12) == 0.3
    single = Ramp(start=0.9, epochs=1)
    assert ramped(0, value=0.3, ramp=single, steps_per_epoch=1, steps=1) == 0.9
