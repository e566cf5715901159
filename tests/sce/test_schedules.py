"""Schedules against tables written by hand."""

import math

import pytest

from sce.definition import Cosine, Lars, Optimisation, Sgd, Steps
from sce.schedules import cosine_momentum, learning_rate, warmup_cosine


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
