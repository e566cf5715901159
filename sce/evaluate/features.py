"""Features of a split: each video's views through the frozen trunk, and their mean."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sce.data.module import ScoredBatch, eval_loader
from sce.data.views import Normalise
from sce.definition import EvalClips
from sce.evaluate.bench import Bench, CannotEvaluate
from sce.evaluate.ranks import together, world_size
from sce.evaluate.results import Features, save_arrays
from sce.modules import any_rank, rank

# Clips per forward pass; 30 views of a few videos fill a GPU, and a CPU's caches are full long before.
CLIPS_PER_PASS = {"cuda": 64, "cpu": 16}
CLIPS_PER_BATCH = 64


def extract(bench: Bench, role: str, split: str, views: EvalClips) -> None:
    """One feature a video, the mean over its views, into a file; nothing when this run has it already.

    ``role`` names the file: train, val, or penalty for the split that a penalty is chosen on. Of several processes
    each has its share of the items, and the first joins them. Raises ``Stopped``.
    """
    file = bench.run.features / f"{role}.npz"
    if any_rank(file.exists()):
        return
    shares = [file.with_name(f"{role}.{n}-of-{world_size()}.npz") for n in range(world_size())]
    together(lambda: _extract(bench, split, views, shares[rank()]))
    bench.share_skipped()
    if rank() == 0:
        _join(split, file, shares)


def read_features(bench: Bench, role: str, split: str) -> Features:
    """What ``extract`` left."""
    with np.load(bench.run.features / f"{role}.npz", allow_pickle=False) as arrays:
        positions = arrays["position"]
        scored = bench.scored(split, positions.tolist())
        return Features(
            arrays["features"], arrays["label"], positions, scored, _several(bench, split, positions)
        )


def _several(bench: Bench, split: str, position_N: NDArray[np.int64]) -> NDArray[np.bool_] | None:
    if not bench.index.shows_several:
        return None
    items = bench.index.splits[split]
    shown_NC = np.zeros((len(position_N), len(bench.index.classes)), dtype=bool)
    for row, position in zip(shown_NC, position_N, strict=True):
        row[list(items[position].labels)] = True
    return shown_NC


def view_features(bench: Bench, split: str, views: EvalClips) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Batches of features (B, V, d), labels (B,) and positions (B,), on the CPU, in the index's order.

    Raises ``Stopped`` when the run is asked to leave.
    """
    normalise = Normalise(bench.pretrain.views.mean, bench.pretrain.views.std).to(bench.device)
    for batch in scored_batches(bench, split, views, f"features of {split}"):
        yield _through_trunk(bench, normalise, batch.clips_BVCTHW), batch.label_B, batch.position_B


def scored_batches(bench: Bench, split: str, views: EvalClips, phase: str) -> Iterator[ScoredBatch]:
    """The views of a split's items, each item opened once; ``phase`` says in the journal what is done.

    Raises ``Stopped`` when the run is asked to leave.
    """
    views_per_video = views.clips * views.crops
    total, done = len(bench.index.splits[split]), 0
    loader = eval_loader(
        bench.definition.data,
        split,
        views,
        batch_videos=max(CLIPS_PER_BATCH // views_per_video, 1),
        workers=bench.loader_workers(views_per_video * total // world_size()),
        rank=rank(),
        world_size=world_size(),
        pin=bench.device.type == "cuda",
    )
    for batch in loader:
        bench.report.leave_if_asked()
        yield batch
        done = int(batch.position_B[-1]) + 1
        bench.report.progress(phase, done, total)
    bench.skipped.update(loader.skipped)


@torch.inference_mode()
def _through_trunk(bench: Bench, normalise: Normalise, clips_BVCTHW: Tensor) -> Tensor:
    clips = clips_BVCTHW.flatten(0, 1)
    parts = clips.split(CLIPS_PER_PASS[bench.device.type])
    features = [
        bench.trunk(normalise(part.to(bench.device, non_blocking=True))).float().cpu() for part in parts
    ]
    return torch.cat(features).view(*clips_BVCTHW.shape[:2], -1)


def _extract(bench: Bench, split: str, views: EvalClips, file: Path) -> None:
    features, labels, positions = [], [], []
    for features_BVd, label_B, position_B in view_features(bench, split, views):
        features.append(features_BVd.mean(1))
        labels.append(label_B)
        positions.append(position_B)
    if not features:
        features, labels, positions = [torch.empty(0, 0)], [torch.empty(0)], [torch.empty(0)]
    save_arrays(
        file,
        features=torch.cat(features).numpy().astype(np.float32),
        label=torch.cat(labels).numpy().astype(np.int64),
        position=torch.cat(positions).numpy().astype(np.int64),
    )


def _join(split: str, file: Path, shares: list[Path]) -> None:
    """Every process's features as one file, in the order of the index. Raises ``CannotEvaluate`` for none at all."""
    parts: list[dict[str, NDArray[Any]]] = []
    for share in shares:
        with np.load(share, allow_pickle=False) as arrays:
            parts += [dict(arrays)] if len(arrays["position"]) else []
    if not parts:
        raise CannotEvaluate(f"No video of split {split!r} could be read")
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.argsort(whole["position"], kind="stable")
    save_arrays(file, **{name: values[order] for name, values in whole.items()})
    for share in file.parent.glob(f"{file.stem}.*-of-*.npz"):  # also those of an attempt on other devices
        share.unlink()
