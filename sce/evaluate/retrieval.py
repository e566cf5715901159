"""Retrieval: the training videos nearest to each scored one, and whether one of its class is among them."""

import numpy as np
import torch
from numpy.typing import NDArray

from sce.definition import RetrievalProtocol
from sce.evaluate.results import Features, Scores, save_arrays
from sce.rundir import RunDir

QUERIES_PER_PASS = 1024
SHOWN_NEIGHBOURS = 25


def retrieval(protocol: RetrievalProtocol, bank: Features, queries: Features, run: RunDir) -> Scores:
    """R@k for each rank; every query's neighbours are kept in ``results/retrieval.npz``.

    The published protocol subtracts each side's own mean; the queries' mean makes it transductive.
    """
    query_QD, bank_MD = centred(queries.features, bank.features, protocol.centre)
    if protocol.normalise:
        query_QD, bank_MD = unit(query_QD), unit(bank_MD)
    k = min(max(*protocol.ranks, SHOWN_NEIGHBOURS), len(bank.label))
    neighbour_Qk, similarity_Qk = nearest(query_QD, bank_MD, k)
    save_arrays(
        run.results / "retrieval.npz",
        query_position=queries.position,
        neighbour_position=bank.position[neighbour_Qk],
        similarity=similarity_Qk,
        query_label=queries.label,
        neighbour_label=bank.label[neighbour_Qk],
    )
    return Scores(
        values=recalls(bank.label[neighbour_Qk], queries.label, protocol.ranks),
        remarks={"bank": bank.scored, "queries": queries.scored},
        files=["results/retrieval.npz", "features/train.npz", "features/val.npz"],
    )


def recalls(
    neighbour_label_Qk: NDArray[np.int64], label_Q: NDArray[np.int64], ranks: tuple[int, ...]
) -> dict[str, float]:
    """R@k: share of queries with at least one item of their class among the k nearest."""
    same_Qk = neighbour_label_Qk == label_Q[:, None]
    return {f"R@{rank}": float(same_Qk[:, :rank].any(axis=1).mean()) for rank in sorted(set(ranks))}


def centred(
    query_QD: NDArray[np.float32], bank_MD: NDArray[np.float32], centre: str
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Both sides less each side's ``own`` mean, less the ``bank``'s mean, or as they are (``none``)."""
    if centre == "none":
        return query_QD, bank_MD
    bank_mean = bank_MD.mean(axis=0)
    return query_QD - (query_QD.mean(axis=0) if centre == "own" else bank_mean), bank_MD - bank_mean


def unit(features_ND: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows scaled to unit length; a zero row stays zero."""
    length_N1 = np.linalg.norm(features_ND, axis=1, keepdims=True).astype(np.float32)
    scaled: NDArray[np.float32] = features_ND / np.maximum(length_N1, np.float32(1e-12))
    return scaled


def nearest(
    query_QD: NDArray[np.float32], bank_MD: NDArray[np.float32], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The k bank rows of largest inner product, best first: places (Q, k) and products (Q, k).

    The (Q, M) matrix of products is never held whole, only ``QUERIES_PER_PASS`` rows of it.
    """
    bank = torch.from_numpy(bank_MD).T
    parts = [(part @ bank).topk(k, dim=1) for part in torch.from_numpy(query_QD).split(QUERIES_PER_PASS)]
    places = torch.cat([part.indices for part in parts])
    return places.numpy(), torch.cat([part.values for part in parts]).numpy()
