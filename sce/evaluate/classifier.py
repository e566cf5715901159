"""A trunk and a linear classifier of its features, and the files they are kept in.

B clips - C classes - d features
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor, nn

from sce.checkpoints import DEFINITION, UnusableCheckpoint, digest, read_state
from sce.definition import Evaluation, Pretrain, TrainedProtocol, definition_adapter
from sce.evaluate.results import save_whole
from sce.rundir import CheckpointEvent, RunDir
from sce.trunks import build_trunk

TRUNK_DEFINITION, CLASSES = "scelab_trunk", "scelab_classes"
BEST, LAST = "checkpoints/classifier-best.ckpt", "checkpoints/classifier-last.ckpt"
FILES = {"best": BEST, "last": LAST}
KINDS = {BEST: "best", LAST: "final"}
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


class Classifier(nn.Module):
    """Clips (B, 3, T, S, S) to logits (B, C). A trunk that does not learn stays in evaluation mode."""

    def __init__(self, trunk: nn.Module, head: nn.Linear, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.trunk, self.head, self.dropout = trunk, head, nn.Dropout(dropout)
        self.learns_trunk = False
        self.keeps_norms = False

    def forward(self, clips_BCTHW: Tensor) -> Tensor:
        with torch.set_grad_enabled(self.learns_trunk and torch.is_grad_enabled()):
            features_Bd = self.trunk(clips_BCTHW)
        logits_BC: Tensor = self.head(self.dropout(features_Bd))
        return logits_BC

    def train(self, mode: bool = True) -> "Classifier":
        super().train(mode)
        if not self.learns_trunk:
            self.trunk.eval()
        elif self.keeps_norms:
            for module in self.trunk.modules():
                if isinstance(module, NORMS):
                    module.eval()
        return self


def fresh_head(width: int, num_classes: int, *, seed: int) -> nn.Linear:
    """The papers' start: weights of N(0, 0.01), no bias."""
    torch.manual_seed(seed)
    head = nn.Linear(width, num_classes)
    nn.init.normal_(head.weight, std=0.01)
    nn.init.zeros_(head.bias)
    return head


def freeze_norms(trunk: nn.Module) -> None:
    """No gradient reaches the weights of the trunk's batch norms."""
    for module in trunk.modules():
        if isinstance(module, NORMS):
            module.requires_grad_(False)


def save_classifier(
    run: RunDir,
    path: str,
    model: Classifier,
    *,
    definition: Evaluation,
    pretrain: Pretrain,
    classes: tuple[str, ...],
) -> None:
    """Write trunk and classifier with all that is needed to score them again, whole or not at all."""
    state = {
        "state_dict": model.state_dict(),
        DEFINITION: definition.model_dump_json(),
        TRUNK_DEFINITION: pretrain.model_dump_json(),
        CLASSES: list(classes),
    }
    save_whole(run.path / path, state)


def journal_classifier(run: RunDir, path: str, *, step: int, epoch: int, attempt: int) -> None:
    file = run.path / path
    event: CheckpointEvent = {
        "event": "checkpoint",
        "step": step,
        "epoch": float(epoch),
        "path": path,
        "bytes": file.stat().st_size,
        "sha256": digest(file),
        "kind": KINDS[path],  # type: ignore[typeddict-item]  # a table of the literals
    }
    run.append(event, attempt=attempt)


def load_classifier(
    path: Path, sha256: str | None
) -> tuple[Classifier, Evaluation, Pretrain, tuple[str, ...]]:
    """A classifier that ``save_classifier`` wrote, how it was trained, its trunk's training, and its classes.

    Raises UnusableCheckpoint.
    """
    state = read_state(path, sha256)
    try:
        definition = definition_adapter.validate_json(state[DEFINITION])
        pretrain = definition_adapter.validate_json(state[TRUNK_DEFINITION])
        classes = tuple(state[CLASSES])
    except (KeyError, ValidationError) as error:
        raise UnusableCheckpoint(
            f"{path.name} holds no classifier: choose the checkpoint of a linear probe or a fine-tuning"
        ) from error
    if not (
        isinstance(definition, Evaluation)
        and isinstance(definition.protocol, TrainedProtocol)
        and isinstance(pretrain, Pretrain)
    ):
        raise UnusableCheckpoint(f"{path.name} is no classifier that a linear probe or a fine-tuning trained")
    return _built(state["state_dict"], pretrain, path), definition, pretrain, classes


def _built(weights: Mapping[str, Any], pretrain: Pretrain, path: Path) -> Classifier:
    num_classes, width = weights["head.weight"].shape
    with torch.random.fork_rng(devices=[]):  # fresh weights are all replaced
        model = Classifier(build_trunk(pretrain.trunk), nn.Linear(width, num_classes))
    try:
        model.load_state_dict(dict(weights), strict=True)
    except RuntimeError as error:
        raise UnusableCheckpoint(
            f"{path.name} holds other weights than a classifier on {pretrain.trunk.kind} has"
        ) from error
    return model
