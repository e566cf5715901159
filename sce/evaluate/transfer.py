"""Linear transfer: logistic regression on frozen features, its penalty chosen on items that are not scored.

The protocol is that of Ericsson et al. (arXiv 2011.13377). Minimised is the sum of the items' losses plus half the
penalty times the squared weights. Where a picture may show several classes, each class has a regression of its own
against the others, all with one penalty. N items - d features - C classes
"""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from sce.definition import TransferProtocol
from sce.evaluate.bench import CannotEvaluate, Reporter
from sce.evaluate.precision import at_eleven_points
from sce.evaluate.results import Features, Scores

Model = Any  # scikit-learn is not annotated


def transfer(
    protocol: TransferProtocol,
    bank: Features,
    queries: Features,
    validation: Features | None = None,
    *,
    num_classes: int,
    seed: int,
    report: Reporter,
) -> Scores:
    """``top1`` and ``mean_per_class``, or ``mAP``, of the fit to all training items with the chosen penalty.

    ``validation`` holds the items that the penalty is chosen on; without them a part of ``bank`` is held out.
    """
    if (bank.shown(num_classes).any(0)).sum() < 2:
        raise CannotEvaluate("The training split has one class only: there is nothing to tell apart")
    part, held, where = _sides(protocol, bank, validation, seed)
    tried = penalties(protocol)
    l2, found = choose_penalty(protocol, tried, part, held, num_classes=num_classes, report=report)
    model = _model(protocol, num_classes)
    if not model.fit(bank if validation is None else _joined(bank, validation), l2):
        report.warn(
            f"L-BFGS had not arrived after {protocol.max_iterations} steps: raise protocol.max_iterations"
        )
    remarks = {
        "bank": bank.scored,
        "queries": queries.scored,
        "l2": l2,
        "l2_is": f"chosen by {protocol.metric} on {where}, never on the scored one",
        "validation": {f"{one:g}": score for one, score in zip(tried, found, strict=True)},
    }
    return Scores(model.scores(queries), remarks)


def penalties(protocol: TransferProtocol) -> list[float]:
    """The penalties to try, the largest first: each fit begins where the one before ended."""
    spaced = np.geomspace(protocol.largest_l2, protocol.smallest_l2, protocol.num_l2)
    return [float(one) for one in spaced]


def _sides(
    protocol: TransferProtocol, bank: Features, validation: Features | None, seed: int
) -> tuple[Features, Features, str]:
    """The items to fit while the penalty is chosen, those that choose it, and what these are, in words."""
    if validation is not None:
        return bank, validation, f"the split {protocol.validation_split}"
    is_held_N = held_out(bank.label, protocol.validation_share, np.random.default_rng(seed))
    if not is_held_N.any():
        raise CannotEvaluate(
            "No class of the training split is large enough to hold a part of it out: raise "
            "protocol.validation_share"
        )
    return _part(bank, ~is_held_N), _part(bank, is_held_N), "a part of the training split"


def choose_penalty(
    protocol: TransferProtocol,
    tried: list[float],
    part: Features,
    held: Features,
    *,
    num_classes: int,
    report: Reporter,
) -> tuple[float, list[float]]:
    """The penalty of the highest score on ``held`` after a fit to ``part``, the larger of equals; and every score."""
    model, found = _model(protocol, num_classes), list[float]()
    for done, l2 in enumerate(tried):
        report.leave_if_asked()
        report.progress("penalties", done, len(tried) + 1)
        model.fit(part, l2)
        found.append(model.scores(held)[protocol.metric])
    return tried[int(np.argmax(found))], found


def held_out(label_N: NDArray[np.int64], share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """A random share of each class, rounded down, and never all of it."""
    is_held_N = np.zeros(len(label_N), dtype=bool)
    for one in np.unique(label_N):
        own = rng.permutation(np.flatnonzero(label_N == one))
        is_held_N[own[: min(int(share * len(own) + 1e-9), len(own) - 1)]] = True
    return is_held_N


def _part(whole: Features, is_in_N: NDArray[np.bool_]) -> Features:
    several = None if whole.several is None else whole.several[is_in_N]
    return Features(
        whole.features[is_in_N], whole.label[is_in_N], whole.position[is_in_N], whole.scored, several
    )


def _joined(one: Features, other: Features) -> Features:
    several = (
        None if one.several is None or other.several is None else np.concatenate([one.several, other.several])
    )
    return Features(
        np.concatenate([one.features, other.features]),
        np.concatenate([one.label, other.label]),
        np.concatenate([one.position, other.position]),
        one.scored,
        several,
    )


def _model(protocol: TransferProtocol, num_classes: int) -> "_OneClass | _SeveralClasses":
    return (_SeveralClasses if protocol.metric == "mAP" else _OneClass)(protocol, num_classes)


class _OneClass:
    """One regression over all classes, for items of one class each."""

    def __init__(self, protocol: TransferProtocol, _: int) -> None:
        self._model = _regression(protocol)

    def fit(self, items: Features, l2: float) -> bool:
        """False when it did not arrive. It begins where the fit before ended."""
        return _fit(self._model, items.features, items.label, l2)

    def scores(self, items: Features) -> dict[str, float]:
        """Share of items that are right, and the mean over classes of the share in each."""
        right_N = self._model.predict(items.features.astype(np.float64)) == items.label
        of_each = [right_N[items.label == one].mean() for one in np.unique(items.label)]
        return {"top1": float(right_N.mean()), "mean_per_class": float(np.mean(of_each))}


class _SeveralClasses:
    """A regression for each class against the others."""

    def __init__(self, protocol: TransferProtocol, num_classes: int) -> None:
        self._num_classes = num_classes
        self._models: dict[int, Model] = {one: _regression(protocol) for one in range(num_classes)}

    def fit(self, items: Features, l2: float) -> bool:
        shown_NC = items.shown(self._num_classes)
        absent = [one for one in self._models if not 0 < shown_NC[:, one].sum() < len(shown_NC)]
        for one in absent:  # nothing tells it apart
            del self._models[one]
        arrived = [_fit(model, items.features, shown_NC[:, one], l2) for one, model in self._models.items()]
        return all(arrived)

    def scores(self, items: Features) -> dict[str, float]:
        """Mean of the average precisions of the classes that are there on both sides."""
        shown_NC, features_Nd = items.shown(self._num_classes), items.features.astype(np.float64)
        precisions = [
            at_eleven_points(model.decision_function(features_Nd), shown_NC[:, one])
            for one, model in self._models.items()
            if shown_NC[:, one].any()
        ]
        if not precisions:
            raise CannotEvaluate("No class is on both sides: choose splits of the same classes")
        return {"mAP": float(np.mean(precisions))}


def _regression(protocol: TransferProtocol) -> Model:
    return LogisticRegression(  # type: ignore[no-untyped-call]  # scikit-learn is not annotated
        solver="lbfgs", warm_start=True, max_iter=protocol.max_iterations
    )


def _fit(
    model: Model, features_Nd: NDArray[np.float32], target_N: NDArray[np.int64 | np.bool_], l2: float
) -> bool:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", ConvergenceWarning)
        model.set_params(C=1 / l2).fit(features_Nd.astype(np.float64), target_N)
    return not any(issubclass(one.category, ConvergenceWarning) for one in said)
