"""Low-shot linear SVMs: one for each class against the others, on frozen features scaled to unit length.

The papers' protocol is that of VOC2007, whose images have several labels; here an item has one. N items - d features
- C classes
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score
from sklearn.svm import LinearSVC

from sce.definition import SvmProtocol
from sce.evaluate.bench import CannotEvaluate, Reporter
from sce.evaluate.nearest import unit
from sce.evaluate.results import Features, Scores

# As in the protocol: an item of the class weighs twice one of the others.
WEIGHTS = {1: 2.0, -1: 1.0}
MAX_ITERATIONS = 2000


def svm(
    protocol: SvmProtocol, bank: Features, queries: Features, *, num_classes: int, seed: int, report: Reporter
) -> Scores:
    """``mAP@k``, the mean over draws of k items a class, and ``mAP@full`` of the whole training split."""
    refuse_small_classes(bank.label, max(protocol.shots, default=0))
    train_Nd, test_Md = unit(bank.features), unit(queries.features)
    work = [(shots, draw) for shots in protocol.shots for draw in range(protocol.draws)]
    precisions: dict[str, list[float]] = {}
    for done, (shots, draw) in enumerate(work):
        report.leave_if_asked()
        report.progress("support vectors", done, len(work) + protocol.full)
        chosen = draw_of_each_class(bank.label, shots, np.random.default_rng((seed, shots, draw)))
        found = mean_precision(
            train_Nd[chosen], bank.label[chosen], test_Md, queries.label, num_classes, protocol.cost
        )
        precisions.setdefault(f"mAP@{shots}", []).append(found)
    if protocol.full:
        whole = mean_precision(train_Nd, bank.label, test_Md, queries.label, num_classes, protocol.cost)
        precisions["mAP@full"] = [whole]
    remarks = {"bank": bank.scored, "queries": queries.scored, "each_draw": precisions}
    return Scores({name: float(np.mean(all_)) for name, all_ in precisions.items()}, remarks)


def refuse_small_classes(label_N: NDArray[np.int64], shots: int) -> None:
    """Raises ``CannotEvaluate`` when a class has fewer items than are to be drawn of it."""
    classes, counts = np.unique(label_N, return_counts=True)
    if len(classes) < 2:
        raise CannotEvaluate("The training split has one class only: there is nothing to tell apart")
    if counts.min() < shots:
        raise CannotEvaluate(
            f"{int((counts < shots).sum())} classes of the training split have fewer than {shots} items, the "
            f"smallest {counts.min()}: lower protocol.shots"
        )


def draw_of_each_class(label_N: NDArray[np.int64], shots: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Positions of ``shots`` items of each class, in order."""
    drawn = [rng.choice(np.flatnonzero(label_N == one), shots, replace=False) for one in np.unique(label_N)]
    return np.sort(np.concatenate(drawn)).astype(np.int64)


def mean_precision(
    train_Nd: NDArray[np.float32],
    label_N: NDArray[np.int64],
    test_Md: NDArray[np.float32],
    label_M: NDArray[np.int64],
    num_classes: int,
    cost: float,
) -> float:
    """Mean of the average precisions of the classes that are there on both sides."""
    both = [one for one in range(num_classes) if (label_N == one).any() and (label_M == one).any()]
    return float(
        np.mean([_precision(train_Nd, label_N == one, test_Md, label_M == one, cost) for one in both])
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
    return float(average_precision_score(is_one_M, machine.decision_function(test_Md)))
