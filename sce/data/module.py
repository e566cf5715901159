"""Loaders: from an index to batches of clips, the same ones whatever the number of loader processes.

B clips or videos in a rank's batch - V views of a scored video - C = 3 colours - T frames - S side in pixels.
Every item draws from a generator seeded by (seed, epoch, position, view): who reads it, and when, is nothing to it.
"""

from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate

from sce.data.index import load_index
from sce.data.layout import UnusableFolder
from sce.data.readers import Read, ScoredReader, Skipped, Source, TooManyUnreadable, TrainReader
from sce.data.sampler import BatchTooLarge, Draw, EveryItem, SeededSampler
from sce.data.staying import stay
from sce.definition import Data, EvalClips, Pretrain, Supervised, View

# A training goes on while no more than this share of its split turns out unreadable.
_MOST_SKIPPED = 0.01
_LEAST_ALLOWED = 10


class ClipBatch(NamedTuple):
    """Clips to learn from. ``skipped`` names items that could not be read and whose neighbours stand in."""

    views: tuple[Tensor, ...]
    """One tensor a view, uint8 (B, 3, T, S, S)."""
    chances: tuple[NDArray[np.float32], ...]
    """What decides the colours of each view, (B, U). No tensors: they never travel to a GPU, nor wait for one."""
    label_B: Tensor
    position_B: Tensor
    skipped: tuple[Skipped, ...] = ()


class ScoredBatch(NamedTuple):
    """Videos to score. ``skipped`` names those that could not be read: nothing stands in for them."""

    clips_BVCTHW: Tensor
    """uint8, clip by clip, and crop by crop within a clip."""
    label_B: Tensor
    position_B: Tensor
    skipped: tuple[Skipped, ...] = ()


Batch = TypeVar("Batch", ClipBatch, ScoredBatch)


class Loader(DataLoader[Batch], Generic[Batch]):
    """A DataLoader that keeps account of what could not be read.

    ``skipped`` maps path to reason, over all epochs; more than ``max_skipped`` raise TooManyUnreadable.
    Batches in which nothing could be read are left out.
    """

    skipped: dict[str, str]
    max_skipped: int

    def allowing(self, max_skipped: int) -> "Loader[Batch]":
        """The same loader, with an empty account and a limit."""
        self.skipped, self.max_skipped = {}, max_skipped
        return self

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override]  # torch names its private iterator class
        for batch in super().__iter__():
            self.skipped.update(batch.skipped)
            if len(self.skipped) > self.max_skipped:
                path, reason = next(reversed(self.skipped.items()))
                raise TooManyUnreadable(
                    f"{len(self.skipped)} files that were readable when indexed are not any more, the last one "
                    f"{path}: {reason} Index the data set again."
                )
            if len(batch.position_B):
                yield batch


class _Items(Dataset[Any]):
    """What torch's loader asks for items, by draw."""

    def __init__(self, reader: TrainReader | ScoredReader) -> None:
        self._reader = reader

    def __getitem__(self, draw: Draw) -> Read:
        return self._reader.read(draw)


def pretrain_loader(definition: Pretrain, *, rank: int, world_size: int, pin: bool) -> Loader[ClipBatch]:
    """The views of ``definition``, shuffled anew each epoch; its ``sampler`` is a SeededSampler.

    A batch is one rank's part of one forward pass. Raises MissingIndex, UnusableFolder, BatchTooLarge.
    """
    views, learning = definition.views, definition.optimisation
    reader = TrainReader(
        _source(definition.data, definition.data.train_split),
        views.views,
        definition.seed,
        views.time_difference_p,
    )
    shape = _Shape(learning.batch_size, learning.accumulate, rank, world_size)
    return _training(reader, shape, workers=definition.compute.loader_workers, pin=pin)


def refuse_other_classes(definition: Pretrain) -> None:
    """Raises UnusableFolder when a supervised training asks for another number of classes than there are."""
    if not isinstance(definition.method, Supervised):
        return
    found = len(load_index(Path(definition.data.root)).classes)
    if found != definition.method.classes:
        raise UnusableFolder(
            f"{definition.data.root} has {found} classes and method.classes is {definition.method.classes}: set "
            f"method.classes={found}, or choose another data set."
        )


def train_loader(
    data: Data,
    view: View,
    *,
    batch_size: int,
    seed: int,
    workers: int,
    rank: int = 0,
    world_size: int = 1,
    pin: bool = False,
    accumulate: int = 1,
) -> Loader[ClipBatch]:
    """One random labelled view of each item of the training split. ``batch_size`` is over all ranks and parts."""
    reader = TrainReader(_source(data, data.train_split), (view,), seed)
    return _training(reader, _Shape(batch_size, accumulate, rank, world_size), workers=workers, pin=pin)


def eval_loader(
    data: Data,
    split: str,
    clips: EvalClips,
    *,
    batch_videos: int,
    workers: int,
    rank: int = 0,
    world_size: int = 1,
    pin: bool = False,
) -> Loader[ScoredBatch]:
    """Every item of a split once, in order of position. One that cannot be read is left out and counted."""
    source = _source(data, split)
    loader = Loader[ScoredBatch](
        _Items(ScoredReader(source, clips)),
        batch_size=batch_videos,
        sampler=EveryItem(len(source.items), rank, world_size),
        collate_fn=_scored_batch,
        **_processes(workers, pin),
    )
    # Nothing is substituted, so that any number may be left out: the count is shown beside the score.
    return loader.allowing(len(source.items))


class _Shape(NamedTuple):
    """How an optimizer step is shared: ``batch_size`` over all ranks and accumulated parts."""

    batch_size: int
    accumulate: int
    rank: int
    world_size: int


def _source(data: Data, split: str) -> Source:
    root = Path(data.root)
    index = load_index(root)
    if index.kind != data.kind:
        raise UnusableFolder(f"{root} was indexed as {index.kind}s: set data.kind to {index.kind!r}.")
    return Source(root, data, split, index.items(split))


def _training(reader: TrainReader, shape: _Shape, *, workers: int, pin: bool) -> Loader[ClipBatch]:
    num_items = len(reader.source.items)
    if num_items < shape.batch_size:
        raise BatchTooLarge(
            f"optimisation.batch_size {shape.batch_size} is more than the {num_items} readable items of split "
            f"{reader.source.split!r}: choose {num_items} or fewer."
        )
    batch = shape.batch_size // (shape.world_size * shape.accumulate)
    loader = Loader[ClipBatch](
        _Items(reader),
        batch_size=batch,
        sampler=SeededSampler(
            num_items,
            batch,
            reader.seed,
            rank=shape.rank,
            world_size=shape.world_size,
            accumulate=shape.accumulate,
        ),
        collate_fn=_clip_batch,
        drop_last=True,
        **_processes(workers, pin),
    )
    return loader.allowing(max(_LEAST_ALLOWED, int(_MOST_SKIPPED * num_items)))


def _processes(workers: int, pin: bool) -> dict[str, Any]:
    """Loader processes that live as long as the loader.

    They come from a server process that has imported everything and decoded nothing: a fork of a parent that
    has used torch's threads or a decoder inherits their locks, and was seen to wait for ever.
    """
    if not workers:
        return {"num_workers": 0, "pin_memory": pin}
    context = get_context("forkserver")
    context.set_forkserver_preload(["sce.data.served", "sce.data.module"])
    return {
        "num_workers": workers,
        "persistent_workers": True,
        "pin_memory": pin,
        "multiprocessing_context": context,
        "worker_init_fn": stay,
    }


def _clip_batch(items: list[Read]) -> ClipBatch:
    views = tuple(_stacked(same) for same in zip(*(item.views for item in items), strict=True))
    chances = tuple(np.stack(same) for same in zip(*(item.chances for item in items), strict=True))
    return ClipBatch(views, chances, *_names(items))


def _scored_batch(items: list[Read]) -> ScoredBatch:
    read = [item for item in items if item.views]
    clips = _stacked([item.views[0] for item in read]) if read else torch.empty(0, dtype=torch.uint8)
    label_B, position_B, _ = _names(read)
    return ScoredBatch(clips, label_B, position_B, tuple(one for item in items for one in item.skipped))


def _stacked(clips: Sequence[Tensor]) -> Tensor:
    """Clips (..., 3, T, S, S), colours last in memory, as a batch that lies alike.

    In a loader process torch stacks them straight into memory that the training shares; a single one is not copied.
    """
    if len(clips) == 1:
        return clips[0][None]
    batch: Tensor = default_collate([clip.movedim(-4, -1) for clip in clips])
    return batch.movedim(-1, -4)


def _names(items: list[Read]) -> tuple[Tensor, Tensor, tuple[Skipped, ...]]:
    label_B = torch.tensor([item.label for item in items], dtype=torch.long)
    position_B = torch.tensor([item.position for item in items], dtype=torch.long)
    return label_B, position_B, tuple(one for item in items for one in item.skipped)
