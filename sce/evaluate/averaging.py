"""One probability a video from many views, summed as the views come: nothing is kept, no order is assumed.

N views of any videos - C classes - M videos that were seen
"""

from typing import NamedTuple

import torch
from torch import Tensor

from sce.evaluate.ranks import summed


class Averaged(NamedTuple):
    """Videos that were seen, in the order of their positions."""

    probability_MC: Tensor
    position_M: Tensor


class VideoMeans:
    """The mean class probability of each video over whatever views of it were added."""

    def __init__(self, num_videos: int, num_classes: int) -> None:
        self._sum_MC = torch.zeros(num_videos, num_classes)
        self._count_M = torch.zeros(num_videos)

    def add(self, position_N: Tensor, probability_NC: Tensor) -> None:
        """Add a view's probabilities to its video's, which ``position_N`` names."""
        self._sum_MC.index_add_(0, position_N, probability_NC.float().cpu())
        self._count_M.index_add_(0, position_N, torch.ones(len(position_N)))

    def join(self) -> None:
        """Take what other processes added to theirs."""
        summed(self._sum_MC)
        summed(self._count_M)

    def done(self) -> Averaged:
        """The means of the videos that were seen at all."""
        seen_M = self._count_M.nonzero().squeeze(1)
        return Averaged(self._sum_MC[seen_M] / self._count_M[seen_M, None], seen_M)
