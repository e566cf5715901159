"""Linear transfer: logistic regression on frozen features, its penalty chosen on a part of the training split.

Minimised is the sum of the items' losses plus half the penalty times the squared weights. N items - d features
"""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from sce.definition import TransferProtocol
from sce.evaluate.bench import CannotEvaluate, Reporter
from sce.evaluate.results import Features, Scores


def transfer(
    protocol: TransferProtocol, bank: Features, queries: Features, *, seed: int, report: Reporter
) -> Scores:
    """``top1`` and ``mean_per_class`` of the fit to the whole training split with the chosen penalty."""
    if len(np.unique(bank.label)) < 2:
        raise CannotEvaluate("The training split has one class only: there is nothing to tell apart")
    tried = penalties(protocol)
    l2, found = choose_penalty(protocol, tried, bank, seed=seed, report=report)
    model, is_done = fitted(_regression(protocol), bank.features, bank.label, l2)
    if not is_done:
        report.warn(
            f"L-BFGS had not arrived after {protocol.max_iterations} steps: raise protocol.max_iterations"
        )
    values = scores_of(model, queries.features, queries.label)
    remarks = {
        "bank": bank.scored,
        "queries": queries.scored,
        "l2": l2,
        "l2_is": f"chosen by {protocol.metric} on a part of the training split, never on the scored one",
        "validation": {f"{one:g}": score for one, score in zip(tried, found, strict=True)},
    }
    return Scores(values, remarks)


def penalties(protocol: TransferProtocol) -> list[float]:
    """The penalties to try, the largest first: each fit begins where the one before ended."""
    spaced = np.geomspace(protocol.largest_l2, protocol.smallest_l2, protocol.num_l2)
    return [float(one) for one in spaced]


def choose_penalty(
    protocol: TransferProtocol, tried: list[float], bank: Features, *, seed: int, report: Reporter
) -> tuple[float, list[float]]:
    """The penalty of the highest score on the held-out part, the larger one of equals; and every score."""
    is_held_N = held_out(bank.label, protocol.validation_share, np.random.default_rng(seed))
    if not is_held_N.any():
        raise CannotEvaluate(
            "No class of the training split is large enough to hold a part of it out: raise "
            "protocol.validation_share"
        )
    model, found = _regression(protocol), list[float]()
    for done, l2 in enumerate(tried):
        report.leave_if_asked()
        report.progress("penalties", done, len(tried) + 1)
        fitted(model, bank.features[~is_held_N], bank.label[~is_held_N], l2)
        found.append(scores_of(model, bank.features[is_held_N], bank.label[is_held_N])[protocol.metric])
    return tried[int(np.argmax(found))], found


def held_out(label_N: NDArray[np.int64], share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """A random share of each class, rounded down, and never all of it."""
    is_held_N = np.zeros(len(label_N), dtype=bool)
    for one in np.unique(label_N):
        own = rng.permutation(np.flatnonzero(label_N == one))
        is_held_N[own[: min(int(share * len(own) + 1e-9), len(own) - 1)]] = True
    return is_held_N


def _regression(protocol: TransferProtocol) -> Any:
    return LogisticRegression(  # type: ignore[no-untyped-call]  # scikit-learn is not annotated
        solver="lbfgs", warm_start=True, max_iter=protocol.max_iterations
    )


def fitted(
    model: Any, features_Nd: NDArray[np.float32], label_N: NDArray[np.int64], l2: float
) -> tuple[Any, bool]:
    """The model fitted with a penalty, and whether it arrived."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", ConvergenceWarning)
        model.set_params(C=1 / l2).fit(features_Nd.astype(np.float64), label_N)
    return model, not any(issubclass(one.category, ConvergenceWarning) for one in said)


def scores_of(model: Any, features_Nd: NDArray[np.float32], label_N: NDArray[np.int64]) -> dict[str, float]:
    """Share of items that are right, and the mean over classes of the share in each."""
    right_N = model.predict(features_Nd.astype(np.float64)) == label_N
    of_each = [right_N[label_N == one].mean() for one in np.unique(label_N)]
    return {"top1": float(right_N.mean()), "mean_per_class": float(np.mean(of_each))}
