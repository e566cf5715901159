"""Few-shot SVMs and linear transfer, on features so plain that the answer is known."""

from typing import Any

import numpy as np
import pytest

from sce.definition import SvmProtocol, TransferProtocol
from sce.evaluate.bench import CannotEvaluate, Reporter
from sce.evaluate.results import Features
from sce.evaluate.svm import draw_of_each_class, svm
from sce.evaluate.transfer import choose_penalty, held_out, penalties, transfer
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
    chosen = draw_of_each_class(label, 3, np.random.default_rng(0))
    assert np.bincount(label[chosen]).tolist() == [3, 3, 3]
    assert len(set(chosen.tolist())) == 9


def test_a_class_of_too_few_items_is_named_with_the_remedy(report: Reporter) -> None:
    bank = blobs(10, seed=0, noise=1)
    with pytest.raises(CannotEvaluate, match=r"2 classes .* fewer than 4 items, the smallest 3: lower"):
        svm(SvmProtocol(shots=(4,)), bank, bank, num_classes=3, seed=0, report=report)


def test_the_penalty_is_chosen_by_the_held_out_part_and_never_by_the_scored_split(report: Reporter) -> None:
    protocol = TransferProtocol(smallest_l2=1e-6, largest_l2=1e7, num_l2=14)
    bank, queries = blobs(150, seed=0, noise=0.6), blobs(90, seed=1, noise=0.6)
    l2, found = choose_penalty(protocol, penalties(protocol), bank, seed=0, report=report)
    assert penalties(protocol).index(l2) == found.index(max(found))
    scores = transfer(protocol, bank, queries, seed=0, report=report)
    turned = Features(queries.features, (queries.label + 1) % 3, queries.position, queries.scored)
    assert transfer(protocol, bank, turned, seed=0, report=report).remarks["l2"] == scores.remarks["l2"] == l2
    assert scores.values["top1"] > 0.6


def test_classes_of_unlike_size_count_alike_in_the_mean_per_class(report: Reporter) -> None:
    """Nine of one class and one of another: always guessing the first is right nine times in ten, or half."""
    bank = blobs(40, seed=0, noise=0.01, classes=2)
    rows = np.concatenate([bank.features[:1].repeat(9, 0), bank.features[:1]])
    queries = Features(rows, np.array([0] * 9 + [1]), np.arange(10), "10 of 10")
    protocol = TransferProtocol(metric="mean_per_class", num_l2=3)
    assert transfer(protocol, bank, queries, seed=0, report=report).values == {
        "top1": 0.9,
        "mean_per_class": 0.5,
    }


def test_a_fit_that_does_not_arrive_is_remarked(report: Reporter) -> None:
    bank = blobs(60, seed=0, noise=0.6)
    transfer(TransferProtocol(max_iterations=1, num_l2=2), bank, bank, seed=0, report=report)
    assert "raise protocol.max_iterations" in events(report.run, "note")[-1]["text"]


@pytest.mark.parametrize(("sizes", "expected"), [((10, 10), [2, 2]), ((1, 10), [0, 2]), ((4, 5), [0, 1])])
def test_a_share_of_each_class_is_held_out_and_never_all_of_it(sizes: Any, expected: list[int]) -> None:
    label = np.repeat([0, 1], sizes)
    held = held_out(label, 0.2, np.random.default_rng(0))
    assert np.bincount(label[held], minlength=2).tolist() == expected


def test_nothing_to_hold_out_is_said(report: Reporter) -> None:
    bank = blobs(3, seed=0, noise=0)
    with pytest.raises(CannotEvaluate, match=r"raise protocol\.validation_share"):
        transfer(TransferProtocol(), bank, bank, seed=0, report=report)


def test_the_largest_penalty_must_not_be_the_smallest() -> None:
    with pytest.raises(ValueError, match="must not be above"):
        TransferProtocol(smallest_l2=10, largest_l2=1)
