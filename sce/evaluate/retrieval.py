"""Retrieval: the training videos nearest to each scored one, and whether one of its class is among them."""

import numpy as np
from numpy.typing import NDArray

from sce.definition import RetrievalProtocol
from sce.evaluate.nearest import Side, nearest
from sce.evaluate.results import Features, Scores, save_arrays
from sce.rundir import RunDir

SHOWN_NEIGHBOURS = 25


def retrieval(protocol: RetrievalProtocol, bank: Features, queries: Features, run: RunDir) -> Scores:
    """R@k for each rank; every query's neighbours are kept in ``results/retrieval.npz``.

    The published protocol subtracts each side's own mean; the queries' mean makes it transductive.
    """
    k = min(max(*protocol.ranks, SHOWN_NEIGHBOURS), len(bank.label))
    sides = centred(queries.features, bank.features, protocol.centre, normalise=protocol.normalise)
    neighbour_Qk, similarity_Qk = nearest(*sides, k)
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
    query_QD: NDArray[np.float32], bank_MD: NDArray[np.float32], centre: str, *, normalise: bool
) -> tuple[Side, Side]:
    """Both sides less each side's ``own`` mean, less the ``bank``'s mean, or as they are (``none``)."""
    if centre == "none":
        return Side(query_QD, is_unit=normalise), Side(bank_MD, is_unit=normalise)
    bank_mean = bank_MD.mean(axis=0)
    query_mean = query_QD.mean(axis=0) if centre == "own" else bank_mean
    return Side(query_QD, query_mean, normalise), Side(bank_MD, bank_mean, normalise)
