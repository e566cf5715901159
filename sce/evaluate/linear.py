"""Linear probe: a classifier trained on the frozen trunk's features of augmented clips.

The trunk stays in evaluation mode at every step, the classifier starts at N(0, 0.01) and bias 0, and a scored
video's class probabilities are averaged over its views (the SCE papers' linear protocol).
B videos - V views - d features
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from sce.definition import EvalClips, LinearProtocol
from sce.definition.sizes import trunk_width
from sce.devices import may_fuse
from sce.evaluate.bench import Bench
from sce.evaluate.classifier import Classifier, fresh_head
from sce.evaluate.features import view_features
from sce.evaluate.results import Scores
from sce.evaluate.scoring import Scored, score_views
from sce.evaluate.training import train_classifier
from sce.optim import build_optimizer

# The trunk is frozen, so a scored view's features never change: they are kept when they fit, else made again.
MAX_KEPT_BYTES = 512 * 2**20


def linear(bench: Bench, protocol: LinearProtocol) -> Scores:
    """Train the classifier and score it: ``top1`` of the last epoch, ``best_top1`` of the best validation."""
    width = trunk_width(bench.pretrain.trunk)
    head = fresh_head(width, len(bench.index.classes), seed=bench.definition.seed)
    model = Classifier(bench.trunk, head).to(bench.device)
    optimizer = build_optimizer(
        protocol.optimisation, model.head, fused=may_fuse(bench.definition.compute, bench.device)
    )
    kept = KeptFeatures(bench)
    return train_classifier(bench, protocol, model, optimizer, score=kept.score)


@dataclass
class KeptFeatures:
    """The trunk's features of the scored views, read once for all validations if they can be kept."""

    bench: Bench
    kept: dict[EvalClips, list[tuple[Tensor, Tensor]]] = field(default_factory=dict)

    @torch.inference_mode()
    def score(self, models: dict[str, Classifier], views: EvalClips) -> Scored:
        """Scores of classifiers that share the frozen trunk."""
        return score_views(self.bench, self._logits(models, views), tuple(models))

    def _logits(
        self, models: dict[str, Classifier], views: EvalClips
    ) -> Iterator[tuple[Tensor, dict[str, Tensor]]]:
        for features_BVd, position_B in self._features(views):
            features_Nd = features_BVd.flatten(0, 1).to(self.bench.device)
            places = position_B.repeat_interleave(features_BVd.shape[1])
            yield places, {name: model.head(features_Nd) for name, model in models.items()}

    def _features(self, views: EvalClips) -> Iterator[tuple[Tensor, Tensor]]:
        """Features (B, V, d) and positions (B,) of the scored split."""
        if views in self.kept:
            yield from self.kept[views]
            return
        split, kept, num_bytes = self.bench.definition.data.val_split, list[tuple[Tensor, Tensor]](), 0
        for features_BVd, _, position_B in view_features(self.bench, split, views):
            num_bytes += features_BVd.nbytes
            if num_bytes <= MAX_KEPT_BYTES:
                kept.append((features_BVd, position_B))
            yield features_BVd, position_B
        if num_bytes <= MAX_KEPT_BYTES:
            self.kept[views] = kept
