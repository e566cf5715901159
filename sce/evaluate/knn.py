"""k-NN: the nearest training videos vote for a class. SCE Lab's own protocol: no paper quotes it for SCE."""

import numpy as np
from numpy.typing import NDArray

from sce.definition import KnnProtocol
from sce.evaluate.results import Features, Scores
from sce.evaluate.retrieval import nearest, unit


def knn(protocol: KnnProtocol, bank: Features, queries: Features, *, num_classes: int) -> Scores:
    """Top-1 and top-5 of a vote where each of the k nearest weighs exp(cosine similarity / temperature)."""
    k = min(protocol.k, len(bank.label))
    neighbour_Qk, similarity_Qk = nearest(unit(queries.features), unit(bank.features), k)
    votes_QC = votes(bank.label[neighbour_Qk], similarity_Qk, protocol.temperature, num_classes)
    return Scores(
        values={"top1": in_top(votes_QC, queries.label, 1), "top5": in_top(votes_QC, queries.label, 5)},
        remarks={"bank": bank.scored, "queries": queries.scored, "k": k},
    )


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
