"""Scores of classifiers: each view's softmax, the mean over a video's views, and the highest class of the mean.

B videos - V views - N views of any videos - M videos - C classes
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from sce.data.views import Normalise
from sce.definition import EvalClips
from sce.evaluate.averaging import VideoMeans
from sce.evaluate.bench import Bench, CannotEvaluate
from sce.evaluate.classifier import Classifier
from sce.evaluate.features import CLIPS_PER_PASS, scored_batches
from sce.evaluate.knn import in_top
from sce.evaluate.ranks import together


class Scored(NamedTuple):
    """``values`` of each classifier by its name, and which videos they are over."""

    values: dict[str, dict[str, float]]
    positions: list[int]


def score_classifiers(bench: Bench, models: Mapping[str, Classifier], views: EvalClips) -> Scored:
    """Score every classifier on the scored split; each video is read once for all of them."""
    logits = _logits(bench, models, views)
    return score_views(bench, logits, tuple(models))


def score_views(
    bench: Bench, logits: Iterator[tuple[Tensor, dict[str, Tensor]]], names: tuple[str, ...]
) -> Scored:
    """Scores from views of any videos in any order: their positions (N,), and each classifier's logits (N, C).

    ``logits`` are this process's; the scores are over those of all.
    """
    split = bench.definition.data.val_split
    items, num_classes = bench.index.splits[split], len(bench.index.classes)
    means = {name: VideoMeans(len(items), num_classes) for name in names}

    def add_own() -> None:
        for position_N, of_each in logits:
            for name, logits_NC in of_each.items():
                means[name].add(position_N, logits_NC.float().softmax(dim=1))

    together(add_own)
    bench.share_skipped()
    for one in means.values():
        one.join()
    averaged = {name: one.done() for name, one in means.items()}
    positions: list[int] = averaged[names[0]].position_M.tolist()
    if not positions:
        raise CannotEvaluate(f"No item of split {split!r} could be read")
    label_M = torch.tensor([items[position].label for position in positions])
    values = {name: score(one.probability_MC, label_M) for name, one in averaged.items()}
    return Scored(values, positions)


def score(probability_MC: Tensor, label_M: Tensor) -> dict[str, float]:
    """Top-1, top-5, and ``loss``: the negative log of the mean probability of the right class."""
    right_M = probability_MC.gather(1, label_M[:, None]).clamp_min(1e-12)
    scores = probability_MC.double().numpy()
    return {
        "top1": in_top(scores, label_M.numpy(), 1),
        "top5": in_top(scores, label_M.numpy(), 5),
        "loss": float(-right_M.log().mean()),
    }


@torch.inference_mode()
def _logits(
    bench: Bench, models: Mapping[str, Classifier], views: EvalClips
) -> Iterator[tuple[Tensor, dict[str, Tensor]]]:
    for model in models.values():
        model.eval()
    normalise = Normalise(bench.pretrain.views.mean, bench.pretrain.views.std).to(bench.device)
    size, split = CLIPS_PER_PASS[bench.device.type], bench.definition.data.val_split
    for batch in scored_batches(bench, split, views, f"scores of {split}"):
        clips, num_views = batch.clips_BVCTHW.flatten(0, 1), batch.clips_BVCTHW.shape[1]
        position_N = batch.position_B.repeat_interleave(num_views)
        for part, places in zip(clips.split(size), position_N.split(size), strict=True):
            x = normalise(part.to(bench.device, non_blocking=True))
            yield places, {name: model(x) for name, model in models.items()}
