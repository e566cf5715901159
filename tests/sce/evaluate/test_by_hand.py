"""Scores of data sets so small that they are worked out by hand."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from sce.definition import KnnProtocol, RetrievalProtocol
from sce.evaluate.knn import in_top, knn, votes
from sce.evaluate.nearest import Side, nearest, unit
from sce.evaluate.results import Features, Scores, save_arrays
from sce.evaluate.retrieval import centred, recalls, retrieval
from sce.evaluate.scoring import score
from sce.rundir import RunDir


def features(rows: list[list[float]], labels: list[int], *, first: int = 0) -> Features:
    position = np.arange(first, first + len(rows))
    return Features(np.array(rows, np.float32), np.array(labels), position, f"{len(rows)} of {len(rows)}")


def kept(run: RunDir) -> dict[str, NDArray[np.generic]]:
    with np.load(run.results / "retrieval.npz", allow_pickle=False) as arrays:
        return dict(arrays)


def asked(run: RunDir, bank: Features, queries: Features, **protocol: object) -> Scores:
    plain = {"centre": "none", "ranks": (1, 2, 3)} | protocol
    return retrieval(RetrievalProtocol.model_validate(plain), bank, queries, run)


# Degrees on a circle, so that a cosine is read off: 0, 10 and 90.
CIRCLE = [[math.cos(math.radians(a)), math.sin(math.radians(a))] for a in (0, 10, 90)]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([1, 0, 0], {"R@1": 1.0, "R@2": 1.0, "R@3": 1.0}),
        ([0, 1, 0], {"R@1": 0.0, "R@2": 1.0, "R@3": 1.0}),
        ([0, 0, 1], {"R@1": 0.0, "R@2": 0.0, "R@3": 1.0}),
        ([0, 0, 0], {"R@1": 0.0, "R@2": 0.0, "R@3": 0.0}),
    ],
)
def test_recall_says_by_which_rank_a_friend_was_found(
    labels: list[int], expected: dict[str, float], tmp_path: Path
) -> None:
    query = features([[1.0, 0.0]], [1])
    assert asked(RunDir(tmp_path), features(CIRCLE, labels), query).values == expected


def test_neighbours_are_named_by_their_position_in_the_index(tmp_path: Path) -> None:
    bank, query = features(CIRCLE, [0, 1, 2], first=40), features([[1.0, 0.01]], [0], first=7)
    asked(RunDir(tmp_path), bank, query)
    assert kept(RunDir(tmp_path))["neighbour_position"].tolist() == [[40, 41, 42]]
    assert kept(RunDir(tmp_path))["query_position"].tolist() == [7]


def test_a_similarity_is_the_cosine_of_the_angle(tmp_path: Path) -> None:
    asked(RunDir(tmp_path), features(CIRCLE, [0, 1, 2]), features([[5.0, 0.0]], [0]))
    expected = [[1.0, math.cos(math.radians(10)), 0.0]]
    np.testing.assert_allclose(kept(RunDir(tmp_path))["similarity"], expected, atol=1e-6)


def test_without_normalising_the_longer_feature_is_nearer(tmp_path: Path) -> None:
    bank, query = features([[1.0, 0.0], [3.0, 3.0]], [0, 1]), features([[1.0, 0.0]], [0])
    assert asked(RunDir(tmp_path), bank, query).values["R@1"] == 1.0
    assert asked(RunDir(tmp_path), bank, query, normalise=False).values["R@1"] == 0.0


@pytest.mark.parametrize(
    ("centre", "query", "bank"),
    [
        ("none", [[2.0, 0.0], [4.0, 2.0]], [[1.0, 1.0], [3.0, 5.0]]),
        ("bank", [[0.0, -3.0], [2.0, -1.0]], [[-1.0, -2.0], [1.0, 2.0]]),
        ("own", [[-1.0, -1.0], [1.0, 1.0]], [[-1.0, -2.0], [1.0, 2.0]]),
    ],
)
def test_each_way_of_centring_subtracts_its_own_mean(
    centre: str, query: list[list[float]], bank: list[list[float]]
) -> None:
    given = (np.array([[2, 0], [4, 2]], np.float32), np.array([[1, 1], [3, 5]], np.float32))
    found = centred(*given, centre, normalise=False)
    np.testing.assert_array_equal(found[0].rows(0, 2), query)
    np.testing.assert_array_equal(found[1].rows(0, 2), bank)


def test_recall_never_falls_and_ranks_are_reported_once_in_order() -> None:
    rng = np.random.default_rng(0)
    found = recalls(rng.integers(0, 9, (50, 25)), rng.integers(0, 9, 50), (25, 1, 5, 5, 10))
    assert list(found) == ["R@1", "R@5", "R@10", "R@25"]
    assert list(found.values()) == sorted(found.values())


def test_the_nearest_come_best_first_with_their_products() -> None:
    places, products = nearest(
        Side(np.array([[1, 0]], np.float32)), Side(np.array([[2, 0], [5, 0], [3, 9]], np.float32)), 2
    )
    assert places.tolist() == [[1, 2]]
    assert products.tolist() == [[5.0, 3.0]]


def test_unit_rows_have_length_one_and_their_direction() -> None:
    np.testing.assert_allclose(unit(np.array([[3, 4], [0, -2]], np.float32)), [[0.6, 0.8], [0, -1]])


@pytest.mark.parametrize(
    ("similarity", "labels", "temperature", "expected"),
    [
        ([1.0, 1.0, 1.0], [0, 1, 1], 1.0, [1.0, 2.0, 0.0]),
        ([1.0, 0.5, 0.5], [0, 1, 1], 1.0, [1.0, 2 * math.exp(-0.5), 0.0]),
        ([1.0, 0.5, 0.5], [0, 1, 1], 0.1, [1.0, 2 * math.exp(-5), 0.0]),
        ([0.9, 0.8, 0.7], [2, 2, 2], 0.5, [0.0, 0.0, 1 + math.exp(-0.2) + math.exp(-0.4)]),
    ],
)
def test_a_vote_is_the_sum_of_its_neighbours_weights(
    similarity: list[float], labels: list[int], temperature: float, expected: list[float]
) -> None:
    found = votes(np.array([labels]), np.array([similarity], np.float32), temperature, 3)
    np.testing.assert_allclose(found, [expected], rtol=1e-5)


@pytest.mark.parametrize(("temperature", "top1"), [(0.01, 1.0), (10.0, 0.0)])
def test_a_low_temperature_listens_to_the_nearest_and_a_high_one_to_the_many(
    temperature: float, top1: float
) -> None:
    bank = features([CIRCLE[0], CIRCLE[1], CIRCLE[1]], [0, 1, 1])
    found = knn(KnnProtocol(k=3, temperature=temperature), bank, features([[1.0, 0.0]], [0]), num_classes=2)
    assert found.values["top1"] == top1


def test_more_neighbours_than_the_bank_holds_are_all_of_it() -> None:
    found = knn(KnnProtocol(k=200), features(CIRCLE, [0, 1, 1]), features([[1.0, 0.0]], [0]), num_classes=2)
    assert found.remarks == {"bank": "3 of 3", "queries": "1 of 1", "k": 3}


@pytest.mark.parametrize(("k", "share"), [(1, 1 / 3), (2, 2 / 3), (3, 1.0), (5, 1.0)])
def test_a_label_in_each_place_counts_from_that_place_on(k: int, share: float) -> None:
    scores = np.array([[0.5, 0.3, 0.2]] * 3)
    assert in_top(scores, np.array([0, 1, 2]), k) == pytest.approx(share)


def test_a_class_that_was_sure_and_wrong_costs_a_finite_loss() -> None:
    found = score(torch.tensor([[1.0, 0.0]]), torch.tensor([1]))
    assert found["top1"] == 0.0
    assert found["loss"] == pytest.approx(-math.log(1e-12))


def test_arrays_are_kept_whole_and_nothing_beside_them(tmp_path: Path) -> None:
    save_arrays(tmp_path / "new" / "a.npz", label=np.arange(3))
    save_arrays(tmp_path / "new" / "a.npz", label=np.arange(4))
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["a.npz"]
    assert np.load(tmp_path / "new" / "a.npz")["label"].tolist() == [0, 1, 2, 3]
