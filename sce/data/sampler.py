"""In which order a training reads its split: a pure function of (seed, epoch, start)."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np


class Draw(NamedTuple):
    """One item asked of a data set. The epoch travels with it, so that loader processes need no message."""

    epoch: int
    position: int


class BatchTooLarge(ValueError):
    """Not even one batch fits into the split."""


class SeededSampler:
    """Positions of a split in an order reshuffled every epoch, shared between ranks without overlap.

    Step k of an epoch takes the same items over all ranks whatever the number of ranks; the rest that does
    not fill an optimizer step is dropped. ``start`` is how many batches of this rank the epoch has done
    already: iteration begins after them, while ``len`` stays that of the whole epoch.
    """

    def __init__(
        self,
        num_items: int,
        batch: int,
        seed: int,
        epoch: int = 0,
        start: int = 0,
        rank: int = 0,
        world_size: int = 1,
        accumulate: int = 1,
    ) -> None:
        """``batch`` is one rank's; ``accumulate`` batches make an optimizer step."""
        self.epoch, self.start = epoch, start
        self._num_items, self._batch, self._seed = num_items, batch, seed
        self._rank, self._world_size = rank, world_size
        self.num_batches = num_items // (batch * world_size * accumulate) * accumulate
        if not self.num_batches:
            raise BatchTooLarge(
                f"optimisation.batch_size {batch * world_size * accumulate} is more than the {num_items} "
                f"readable items of the training split: choose {num_items} or fewer."
            )

    def set_epoch(self, epoch: int) -> None:
        """Begin an epoch; a start inside it is kept only if it is the epoch that was being read."""
        if epoch != self.epoch:
            self.epoch, self.start = epoch, 0

    def __len__(self) -> int:
        return self.num_batches * self._batch

    def __iter__(self) -> Iterator[Draw]:
        epoch = self.epoch
        order = np.random.default_rng((self._seed, epoch)).permutation(self._num_items)
        whole = order[: len(self) * self._world_size]
        mine = whole.reshape(self.num_batches, self._world_size, self._batch)[self.start :, self._rank]
        for position in mine.ravel():
            yield Draw(epoch, int(position))


class EveryItem:
    """All positions of a split once, in order; a rank takes every ``world_size``-th."""

    def __init__(self, num_items: int, rank: int = 0, world_size: int = 1) -> None:
        self._positions = range(rank, num_items, world_size)

    def __len__(self) -> int:
        return len(self._positions)

    def __iter__(self) -> Iterator[Draw]:
        return (Draw(0, position) for position in self._positions)
