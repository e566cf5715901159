"""Average precision of a ranking, in the two ways in which VOC2007 is scored. M ranked items."""

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve

ELEVEN = np.linspace(0, 1, 11)


def area_under(scores_M: NDArray[np.floating], is_shown_M: NDArray[np.bool_]) -> float:
    """Area under precision over recall, each precision raised to the best at no less recall.

    As the SVMs of PCL (arXiv 2005.04966) are scored.
    """
    best, recall = _envelope(scores_M, is_shown_M)
    return float(np.sum(np.diff(recall, prepend=0.0) * best))


def at_eleven_points(scores_M: NDArray[np.floating], is_shown_M: NDArray[np.bool_]) -> float:
    """Mean of the best precision at a recall of no less than 0, 0.1, ... 1: VOC2007's own score (Everingham 2010)."""
    best, recall = _envelope(scores_M, is_shown_M)
    # A recall of k of n is compared as it was divided: 0.1 itself must count as reached by 1 of 10.
    return float(np.mean([best[np.searchsorted(recall, point - 1e-12)] for point in ELEVEN]))


def _envelope(
    scores_M: NDArray[np.floating], is_shown_M: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Recall rising from the highest score on to 1, and the best precision at no less recall."""
    precision, recall, _ = precision_recall_curve(is_shown_M, scores_M)
    # The curve comes from the lowest score up, and ends in a point of no recall.
    precision, recall = precision[-2::-1], recall[-2::-1]
    return np.maximum.accumulate(precision[::-1])[::-1], recall
