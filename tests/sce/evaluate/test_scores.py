"""The arithmetic of scores, held against slow and plain formulas."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sce.definition import KnnProtocol, RetrievalProtocol
from sce.evaluate.averaging import VideoMeans
from sce.evaluate.knn import in_top, knn, votes
from sce.evaluate.nearest import nearest
from sce.evaluate.results import Features
from sce.evaluate.retrieval import centred, recalls, retrieval
from sce.evaluate.scoring import score
from sce.rundir import RunDir


def some_features(count: int, *, seed: int, width: int = 6, num_classes: int = 3) -> Features:
    rng = np.random.default_rng(seed)
    label = np.arange(count) % num_classes
    features = rng.normal(size=(count, width)).astype(np.float32) + np.eye(width, dtype=np.float32)[label]
    return Features(features, label.astype(np.int64), np.arange(count), f"{count} of {count}")


def slow_recall(query: Features, bank: Features, rank: int) -> float:
    """R@k in plain numpy: own means off, cosine, is a friend among the first k?"""
    q = query.features - query.features.mean(0)
    b = bank.features - bank.features.mean(0)
    hits = 0
    for row, label in zip(q, query.label, strict=True):
        cosine = b @ row / (np.linalg.norm(b, axis=1) * np.linalg.norm(row))
        hits += label in bank.label[np.argsort(-cosine)[:rank]]
    return hits / len(q)


def slow_vote(query: np.ndarray, bank: Features, k: int, temperature: float) -> int:
    cosine = bank.features @ query / (np.linalg.norm(bank.features, axis=1) * np.linalg.norm(query))
    weight: dict[int, float] = {}
    for place in np.argsort(-cosine)[:k]:
        label = int(bank.label[place])
        weight[label] = weight.get(label, 0.0) + float(np.exp(cosine[place] / temperature))
    return max(weight, key=lambda label: weight[label])


@pytest.mark.parametrize("rank", [1, 5, 10])
def test_recall_equals_the_plain_formula(tmp_path: pytest.TempPathFactory, rank: int) -> None:
    bank, query = some_features(40, seed=0), some_features(23, seed=1)
    scores = retrieval(RetrievalProtocol(ranks=(rank,)), bank, query, RunDir(tmp_path))
    assert scores.values[f"R@{rank}"] == pytest.approx(slow_recall(query, bank, rank))


def test_recall_follows_from_the_neighbours_that_are_kept(tmp_path: pytest.TempPathFactory) -> None:
    bank, query = some_features(40, seed=0), some_features(23, seed=1)
    scores = retrieval(RetrievalProtocol(), bank, query, RunDir(tmp_path))
    kept = np.load(RunDir(tmp_path).results / "retrieval.npz", allow_pickle=False)
    assert kept["neighbour_position"].shape == (23, 25)
    assert (bank.label[kept["neighbour_position"]] == kept["neighbour_label"]).all()
    assert (np.diff(kept["similarity"], axis=1) <= 0).all()
    first = (kept["neighbour_label"][:, 0] == kept["query_label"]).mean()
    assert scores.values["R@1"] == pytest.approx(first)


def test_more_ranks_than_videos_ask_for_all_of_them(tmp_path: pytest.TempPathFactory) -> None:
    bank, query = some_features(6, seed=0), some_features(3, seed=1)
    scores = retrieval(RetrievalProtocol(ranks=(1, 50)), bank, query, RunDir(tmp_path))
    assert scores.values["R@50"] == 1.0
    assert np.load(RunDir(tmp_path).results / "retrieval.npz")["similarity"].shape == (3, 6)


@given(st.integers(1, 20), st.integers(0, 1000))
def test_recall_never_falls_with_the_rank(rank: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = recalls(rng.integers(0, 5, (30, 25)), rng.integers(0, 5, 30), (rank, rank + 5))
    assert found[f"R@{rank}"] <= found[f"R@{rank + 5}"]


def test_each_side_loses_its_own_mean_the_banks_or_none() -> None:
    query, bank = some_features(10, seed=0).features, some_features(20, seed=1).features
    own, of_bank, none = (
        [side.rows(0, len(side)) for side in centred(query, bank, centre, normalise=False)]
        for centre in ("own", "bank", "none")
    )
    assert np.abs(own[0].mean(0)).max() < 1e-6
    np.testing.assert_allclose(of_bank[0], query - bank.mean(0), rtol=1e-6)
    np.testing.assert_array_equal(of_bank[1], own[1])
    np.testing.assert_array_equal(none[0], query)
    np.testing.assert_array_equal(none[1], bank)


@pytest.mark.parametrize("k", [1, 7, 20])
def test_a_vote_equals_the_plain_formula(k: int) -> None:
    bank, query = some_features(40, seed=2), some_features(25, seed=3)
    slow = [slow_vote(row, bank, k, 0.07) for row in query.features]
    scores = knn(KnnProtocol(k=k), bank, query, num_classes=3)
    assert scores.values["top1"] == pytest.approx((np.array(slow) == query.label).mean())


def test_a_very_low_temperature_overflows_nothing() -> None:
    weight = votes(np.array([[0, 1, 1]]), np.array([[1.0, 0.9, 0.9]], np.float32), 1e-3, 2)
    assert np.isfinite(weight).all()
    assert weight.argmax() == 0


def test_a_top_five_of_three_classes_holds_every_label() -> None:
    assert in_top(np.random.default_rng(0).normal(size=(9, 3)), np.arange(9) % 3, 5) == 1.0


def test_equal_scores_are_told_apart_by_the_lower_class() -> None:
    assert in_top(np.zeros((2, 3)), np.array([0, 2]), 1) == 0.5


def test_probabilities_are_averaged_and_not_logits() -> None:
    classifier, features = torch.nn.Linear(4, 3), torch.randn(2, 5, 4)
    by_hand = torch.stack([classifier(features[:, view]).softmax(1) for view in range(5)]).mean(0)
    means = VideoMeans(2, 3)
    means.add(torch.tensor([0] * 5 + [1] * 5), classifier(features.flatten(0, 1)).softmax(1).detach())
    torch.testing.assert_close(means.done().probability_MC, by_hand.detach())


@given(st.integers(0, 1000), st.integers(1, 12))
def test_views_may_come_in_any_order_and_in_any_batches(seed: int, batch: int) -> None:
    """Videos of unlike numbers of views, shuffled together, one of them never seen."""
    torch.manual_seed(seed)
    views = torch.tensor([0, 0, 0, 1, 3, 3, 3, 3, 4, 4])
    probability = torch.rand(len(views), 6).softmax(1)
    means, order = VideoMeans(5, 6), torch.randperm(len(views))
    for part in order.split(batch):
        means.add(views[part], probability[part])
    found = means.done()
    assert found.position_M.tolist() == [0, 1, 3, 4]
    expected = torch.stack([probability[views == video].mean(0) for video in (0, 1, 3, 4)])
    torch.testing.assert_close(found.probability_MC, expected)


@pytest.mark.parametrize("k", [1, 7, 20])
def test_a_sweep_scores_each_pair_as_a_run_of_its_own_would(k: int) -> None:
    bank, query = some_features(40, seed=2), some_features(25, seed=3)
    swept = knn(KnnProtocol(k=5, more_k=(1, 7, 20), more_temperatures=(0.5,)), bank, query, num_classes=3)
    alone = knn(KnnProtocol(k=k, temperature=0.5), bank, query, num_classes=3)
    assert swept.values[f"top1_k{k}_t0.5"] == alone.values["top1"]
    assert len(swept.values) == 2 * 4 * 2
    assert swept.values[swept.remarks["highest"]] == max(
        value for name, value in swept.values.items() if name.startswith("top1")
    )


def test_a_sweep_looks_for_neighbours_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []
    look = nearest

    def counted(*given: Any) -> Any:
        looked.append(given[2])
        return look(*given)

    monkeypatch.setattr("sce.evaluate.knn.nearest", counted)
    knn(KnnProtocol(k=5, more_k=(10, 3)), some_features(40, seed=2), some_features(5, seed=3), num_classes=3)
    assert looked == [10]


def test_the_loss_is_that_of_the_mean_probability() -> None:
    probability = torch.tensor([[0.7, 0.3], [0.2, 0.8]])
    loss = score(probability, torch.tensor([0, 0]))["loss"]
    assert loss == pytest.approx(-(np.log(0.7) + np.log(0.2)) / 2)
