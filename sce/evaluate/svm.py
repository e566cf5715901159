"""Low-shot linear SVMs: one for each class against the others, on frozen features scaled to unit length.

The protocol is that of PCL (arXiv 2005.04966) on VOC2007, whose pictures show several classes each; an item of one
class is a picture that shows one. N items - d features - C classes
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import LinearSVC

from sce.definition import SvmProtocol
from sce.evaluate.bench import CannotEvaluate, Reporter
from sce.evaluate.nearest import unit
from sce.evaluate.precision import area_under
from sce.evaluate.results import Features, Scores

# As in the protocol: an item of the class weighs twice one of the others.
WEIGHTS = {1: 2.0, -1: 1.0}
MAX_ITERATIONS = 2000


def svm(
    protocol: SvmProtocol, bank: Features, queries: Features, *, num_classes: int, seed: int, report: Reporter
) -> Scores:
    """``mAP@k``, the mean over draws of k items a class, and ``mAP@full`` of the whole training split."""
    shown_NC, shown_MC = bank.shown(num_classes), queries.shown(num_classes)
    refuse_small_classes(shown_NC, max(protocol.shots, default=0))
    train_Nd, test_Md = unit(bank.features), unit(queries.features)
    work = [(shots, draw) for shots in protocol.shots for draw in range(protocol.draws)]
    precisions: dict[str, list[float]] = {}
    for done, (shots, draw) in enumerate(work):
        report.leave_if_asked()
        report.progress("support vectors", done, len(work) + protocol.full)
        chosen = draw_of_each_class(shown_NC, shots, np.random.default_rng((seed, shots, draw)))
        found = mean_precision(train_Nd[chosen], shown_NC[chosen], test_Md, shown_MC, protocol.cost)
        precisions.setdefault(f"mAP@{shots}", []).append(found)
    if protocol.full:
        precisions["mAP@full"] = [mean_precision(train_Nd, shown_NC, test_Md, shown_MC, protocol.cost)]
    remarks = {"bank": bank.scored, "queries": queries.scored, "each_draw": precisions}
    return Scores({name: float(np.mean(all_)) for name, all_ in precisions.items()}, remarks)


def refuse_small_classes(shown_NC: NDArray[np.bool_], shots: int) -> None:
    """Raises ``CannotEvaluate`` when a class has fewer items than are to be drawn of it."""
    counts = shown_NC.sum(0)
    counts = counts[counts > 0]
    if len(counts) < 2:
        raise CannotEvaluate("The training split has one class only: there is nothing to tell apart")
    if counts.min() < shots:
        raise CannotEvaluate(
            f"{int((counts < shots).sum())} classes of the training split have fewer than {shots} items, the "
            f"smallest {counts.min()}: lower protocol.shots"
        )


def draw_of_each_class(
    shown_NC: NDArray[np.bool_], shots: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Positions of ``shots`` items that show each class, in order; one that is drawn for two classes counts twice."""
    drawn = [rng.choice(np.flatnonzero(of_N), shots, replace=False) for of_N in shown_NC.T if of_N.any()]
    return np.sort(np.concatenate(drawn)).astype(np.int64)


def mean_precision(
    train_Nd: NDArray[np.float32],
    shown_NC: NDArray[np.bool_],
    test_Md: NDArray[np.float32],
    shown_MC: NDArray[np.bool_],
    cost: float,
) -> float:
    """Mean of the average precisions of the classes that are there on both sides.

    A class that every training item shows is left out: nothing tells it apart. Raises ``CannotEvaluate`` when no
    other is there.
    """
    both = np.flatnonzero(shown_NC.any(0) & ~shown_NC.all(0) & shown_MC.any(0))
    if not len(both):
        raise CannotEvaluate(
            "No class of the training items can be told apart on the scored ones: raise protocol.shots, or choose "
            "splits of the same classes"
        )
    return float(
        np.mean([_precision(train_Nd, shown_NC[:, one], test_Md, shown_MC[:, one], cost) for one in both])
    )


def _precision(
    train_Nd: NDArray[np.float32],
    is_one_N: NDArray[np.bool_],
    test_Md: NDArray[np.float32],
    is_one_M: NDArray[np.bool_],
    cost: float,
) -> float:
    """Average precision of one class against the others."""
    machine: Any = LinearSVC(  # type: ignore[no-untyped-call]  # scikit-learn is not annotated
        C=cost, class_weight=WEIGHTS, max_iter=MAX_ITERATIONS, random_state=0
    )
    machine.fit(train_Nd, np.where(is_one_N, 1, -1))
    return area_under(machine.decision_function(test_Md), is_one_M)
