"""k-NN: the nearest training videos vote for a class. SCE Lab's own protocol: no paper quotes it for SCE."""

from itertools import product

import numpy as np
from numpy.typing import NDArray

from sce.definition import KnnProtocol
from sce.evaluate.nearest import Side, nearest
from sce.evaluate.results import Features, Scores


def knn(protocol: KnnProtocol, bank: Features, queries: Features, *, num_classes: int) -> Scores:
    """Top-1 and top-5 of a vote where each of the k nearest weighs exp(cosine similarity / temperature).

    Neighbours are looked for once, for the largest k; ``top1_k10_t0.1`` is what ``more_k`` and
    ``more_temperatures`` ask for beside the protocol's own pair.
    """
    own = (min(protocol.k, len(bank.label)), protocol.temperature)
    ks = sorted({own[0], *(min(k, len(bank.label)) for k in protocol.more_k)})
    temperatures = sorted({protocol.temperature, *protocol.more_temperatures})
    sides = Side(queries.features, is_unit=True), Side(bank.features, is_unit=True)
    neighbour_Qk, similarity_Qk = nearest(*sides, ks[-1])
    label_Qk, values = bank.label[neighbour_Qk], dict[str, float]()
    for k, temperature in product(ks, temperatures):
        votes_QC = votes(label_Qk[:, :k], similarity_Qk[:, :k], temperature, num_classes)
        suffix = "" if (k, temperature) == own else f"_k{k}_t{temperature:g}"
        values |= {f"top{n}{suffix}": in_top(votes_QC, queries.label, n) for n in (1, 5)}
    best = max((name for name in values if name.startswith("top1")), key=lambda name: values[name])
    remarks = {"bank": bank.scored, "queries": queries.scored, "k": own[0]}
    return Scores(values, remarks if len(values) == 2 else {**remarks, "highest": best})


def votes(
    label_Qk: NDArray[np.int64], similarity_Qk: NDArray[np.float32], temperature: float, num_classes: int
) -> NDArray[np.float64]:
    """Weight of each class (Q, C), relative to the nearest neighbour's vote."""
    # Relative to the largest similarity: exp(1 / 0.001) is more than a float holds, and no order changes.
    weight_Qk = np.exp((similarity_Qk - similarity_Qk[:, :1]).astype(np.float64) / temperature)
    votes_QC = np.zeros((len(label_Qk), num_classes))
    np.add.at(votes_QC, (np.arange(len(label_Qk))[:, None], label_Qk), weight_Qk)
    return votes_QC


def in_top(scores_QC: NDArray[np.floating], label_Q: NDArray[np.int64], k: int) -> float:
    """Share of rows whose label is among the k highest scores; of equal ones the lower class comes first."""
    order = np.argsort(-scores_QC, axis=1, kind="stable")[:, :k]
    return float((order == label_Q[:, None]).any(axis=1).mean())
