"""Few-shot SVMs and linear transfer, on features so plain that the answer is known."""

from typing import Any

import numpy as np
import pytest

from sce.definition import SvmProtocol, TransferProtocol
from sce.evaluate.bench import CannotEvaluate, Reporter
from sce.evaluate.precision import area_under, at_eleven_points
from sce.evaluate.results import Features
from sce.evaluate.svm import draw_of_each_class, svm
from sce.evaluate.transfer import held_out, transfer
from sce.rundir import RunDir
from tests.sce.evaluate.conftest import events


@pytest.fixture
def report(tmp_path: Any) -> Reporter:
    return Reporter(RunDir(tmp_path), 1)


def blobs(count: int, *, seed: int, noise: float, classes: int = 3) -> Features:
    """Items round the corners of a simplex, as many of each class as can be."""
    rng = np.random.default_rng(seed)
    label = np.arange(count) % classes
    rows = np.eye(8)[label] + noise * rng.normal(size=(count, 8))
    return Features(rows.astype(np.float32), label.astype(np.int64), np.arange(count), f"{count} of {count}")


def test_classes_that_lie_apart_are_told_apart_by_a_single_item(report: Reporter) -> None:
    protocol = SvmProtocol(shots=(1, 4), draws=3)
    found = svm(
        protocol,
        blobs(30, seed=0, noise=0.05),
        blobs(15, seed=1, noise=0.05),
        num_classes=3,
        seed=0,
        report=report,
    )
    assert found.values == {"mAP@1": 1.0, "mAP@4": 1.0, "mAP@full": 1.0}
    assert {name: len(all_) for name, all_ in found.remarks["each_draw"].items()} == {
        "mAP@1": 3,
        "mAP@4": 3,
        "mAP@full": 1,
    }


def test_more_items_tell_noisy_classes_apart_better(report: Reporter) -> None:
    protocol = SvmProtocol(shots=(1, 32), draws=5)
    found = svm(
        protocol,
        blobs(300, seed=0, noise=0.5),
        blobs(90, seed=1, noise=0.5),
        num_classes=3,
        seed=0,
        report=report,
    )
    assert found.values["mAP@1"] < found.values["mAP@32"] <= found.values["mAP@full"] + 0.05


def test_a_score_is_the_mean_of_its_draws_and_a_seed_gives_it_again(report: Reporter) -> None:
    asked = (
        SvmProtocol(shots=(2,), draws=4, full=False),
        blobs(30, seed=0, noise=1),
        blobs(30, seed=1, noise=1),
    )
    first = svm(*asked, num_classes=3, seed=7, report=report)
    again = svm(*asked, num_classes=3, seed=7, report=report)
    assert first.values == again.values == {"mAP@2": np.mean(first.remarks["each_draw"]["mAP@2"])}
    assert len(set(first.remarks["each_draw"]["mAP@2"])) > 1


def test_a_draw_takes_as_many_of_each_class() -> None:
    label = np.array([0] * 9 + [1] * 3 + [2] * 5)
    chosen = draw_of_each_class(label[:, None] == np.arange(3), 3, np.random.default_rng(0))
    assert np.bincount(label[chosen]).tolist() == [3, 3, 3]
    assert len(set(chosen.tolist())) == 9


def test_a_class_of_too_few_items_is_named_with_the_remedy(report: Reporter) -> None:
    bank = blobs(10, seed=0, noise=1)
    with pytest.raises(CannotEvaluate, match=r"2 classes .* fewer than 4 items, the smallest 3: lower"):
        svm(SvmProtocol(shots=(4,)), bank, bank, num_classes=3, seed=0, report=report)


def test_the_penalty_is_chosen_by_the_held_out_part_and_never_by_the_scored_split(report: Reporter) -> None:
    protocol = TransferProtocol(smallest_l2=1e-6, largest_l2=1e7, num_l2=14)
    bank, queries = blobs(150, seed=0, noise=0.6), blobs(90, seed=1, noise=0.6)
    scores = transfer(protocol, bank, queries, num_classes=3, seed=0, report=report)
    tried = scores.remarks["validation"]
    assert tried[f"{scores.remarks['l2']:g}"] == max(tried.values())
    turned = Features(queries.features, (queries.label + 1) % 3, queries.position, queries.scored)
    again = transfer(protocol, bank, turned, num_classes=3, seed=0, report=report)
    assert again.remarks["l2"] == scores.remarks["l2"]
    assert scores.values["top1"] > 0.6


def test_classes_of_unlike_size_count_alike_in_the_mean_per_class(report: Reporter) -> None:
    """Nine of one class and one of another: always guessing the first is right nine times in ten, or half."""
    bank = blobs(40, seed=0, noise=0.01, classes=2)
    rows = np.concatenate([bank.features[:1].repeat(9, 0), bank.features[:1]])
    queries = Features(rows, np.array([0] * 9 + [1]), np.arange(10), "10 of 10")
    protocol = TransferProtocol(metric="mean_per_class", num_l2=3)
    assert transfer(protocol, bank, queries, num_classes=2, seed=0, report=report).values == {
        "top1": 0.9,
        "mean_per_class": 0.5,
    }


def test_a_fit_that_does_not_arrive_is_remarked(report: Reporter) -> None:
    bank = blobs(60, seed=0, noise=0.6)
    protocol = TransferProtocol(max_iterations=1, num_l2=2)
    transfer(protocol, bank, bank, num_classes=3, seed=0, report=report)
    assert "raise protocol.max_iterations" in events(report.run, "note")[-1]["text"]


@pytest.mark.parametrize(("sizes", "expected"), [((10, 10), [2, 2]), ((1, 10), [0, 2]), ((4, 5), [0, 1])])
def test_a_share_of_each_class_is_held_out_and_never_all_of_it(sizes: Any, expected: list[int]) -> None:
    label = np.repeat([0, 1], sizes)
    held = held_out(label, 0.2, np.random.default_rng(0))
    assert np.bincount(label[held], minlength=2).tolist() == expected


def test_nothing_to_hold_out_is_said(report: Reporter) -> None:
    bank = blobs(3, seed=0, noise=0)
    with pytest.raises(CannotEvaluate, match=r"raise protocol\.validation_share"):
        transfer(TransferProtocol(), bank, bank, num_classes=3, seed=0, report=report)


def test_the_largest_penalty_must_not_be_the_smallest() -> None:
    with pytest.raises(ValueError, match="must not be above"):
        TransferProtocol(smallest_l2=10, largest_l2=1)


def pictures(count: int, *, seed: int, noise: float) -> Features:
    """Pictures that show one to three of four things: the sum of a corner for each."""
    rng = np.random.default_rng(seed)
    shown = rng.random((count, 4)) < 0.35
    shown[np.arange(count), np.arange(count) % 4] = True
    rows = shown @ np.eye(4, 8) + noise * rng.normal(size=(count, 8))
    label = shown.argmax(1).astype(np.int64)
    return Features(rows.astype(np.float32), label, np.arange(count), f"{count} of {count}", shown)


def test_pictures_that_show_several_things_are_scored_on_each_of_them(report: Reporter) -> None:
    bank, queries = pictures(200, seed=0, noise=0.02), pictures(80, seed=1, noise=0.02)
    few = svm(SvmProtocol(shots=(8,), draws=2), bank, queries, num_classes=4, seed=0, report=report)
    fit = transfer(
        TransferProtocol(metric="mAP", num_l2=4), bank, queries, num_classes=4, seed=0, report=report
    )
    assert few.values["mAP@full"] > 0.99
    assert fit.values == {"mAP": pytest.approx(1.0, abs=0.01)}
    # By the first class alone a picture of two things is half a mistake.
    by_first = Features(queries.features, queries.label, queries.position, queries.scored)
    worse = svm(SvmProtocol(shots=()), bank, by_first, num_classes=4, seed=0, report=report)
    assert worse.values["mAP@full"] < few.values["mAP@full"] - 0.05


def test_a_picture_may_be_drawn_for_each_thing_that_it_shows() -> None:
    shown = np.array([[True, True], [True, False]])
    assert draw_of_each_class(shown, 1, np.random.default_rng(1)).tolist() in ([0, 0], [0, 1])
    assert draw_of_each_class(shown[:1], 1, np.random.default_rng(0)).tolist() == [0, 0]


def test_the_penalty_is_chosen_on_the_split_that_is_named_and_both_are_fitted(report: Reporter) -> None:
    """The validation split alone knows the third class: only a fit that takes it can be right about it."""
    whole, queries = blobs(150, seed=0, noise=0.3), blobs(30, seed=1, noise=0.3)
    is_third = whole.label == 2
    bank, validation = (
        Features(whole.features[keep], whole.label[keep], whole.position[keep], "some")
        for keep in (~is_third, is_third | (whole.position < 30))
    )
    protocol = TransferProtocol(validation_split="val", largest_l2=1, num_l2=5)
    scores = transfer(protocol, bank, queries, validation, num_classes=3, seed=0, report=report)
    assert scores.values["mean_per_class"] > 0.8
    assert "on the split val" in scores.remarks["l2_is"]


def test_average_precision_is_what_it_is_by_hand() -> None:
    """Ranked shown, not, shown, not, not, shown: precision 1, 2/3 and 1/2 at recall 1/3, 2/3 and 1."""
    scores, shown = np.arange(6.0, 0, -1), np.array([1, 0, 1, 0, 0, 1], dtype=bool)
    assert area_under(scores, shown) == pytest.approx((1 + 2 / 3 + 1 / 2) / 3)
    # Recall 0 to 0.3 sees the best of all, 0.4 to 0.6 the second, 0.7 to 1 the last.
    assert at_eleven_points(scores, shown) == pytest.approx((4 * 1 + 3 * 2 / 3 + 4 * 1 / 2) / 11)


def test_a_lower_rank_may_raise_the_precision_of_those_above() -> None:
    scores, shown = np.array([3.0, 2.0, 1.0]), np.array([False, True, True])
    assert area_under(scores, shown) == pytest.approx(2 / 3)
    assert at_eleven_points(scores, shown) == pytest.approx(2 / 3)
