"""Fine-tuning: trunk and classifier trained together from a checkpoint on, as the papers do on UCF101 and HMDB51."""

import copy

import torch
from torch import nn

from sce.definition import FinetuneProtocol
from sce.definition.sizes import trunk_width
from sce.evaluate.bench import Bench
from sce.evaluate.classifier import Classifier, freeze_norms, fresh_head
from sce.evaluate.ranks import sharing_norms
from sce.evaluate.results import Scores
from sce.evaluate.scoring import score_classifiers
from sce.evaluate.training import Training, train_classifier
from sce.optim import build_optimizer


def finetune(bench: Bench, protocol: FinetuneProtocol) -> Scores:
    """Train everything and score it: ``top1`` of the last epoch, ``best_top1`` of the best validation."""
    model = model_of(bench, protocol)
    optimizer = optimizer_of(protocol, model)
    return train_classifier(
        bench,
        protocol,
        model,
        optimizer,
        score=lambda models, views: score_classifiers(bench, models, views),
        begin_epoch=lambda training: thaw(training, protocol),
    )


def model_of(bench: Bench, protocol: FinetuneProtocol) -> Classifier:
    """The checkpoint's trunk, every weight of it learning, and a fresh classifier."""
    trunk = copy.deepcopy(bench.trunk).requires_grad_(True)
    if protocol.freeze_norms:
        freeze_norms(trunk)
    width = trunk_width(bench.pretrain.trunk)
    trunk = trunk if protocol.freeze_norms else sharing_norms(trunk, bench.device)
    head = fresh_head(width, len(bench.index.classes), seed=bench.definition.seed)
    model = Classifier(trunk, head, dropout=protocol.dropout).to(bench.device)
    model.keeps_norms = protocol.freeze_norms
    return model


def optimizer_of(protocol: FinetuneProtocol, model: Classifier) -> torch.optim.Optimizer:
    """One rule for all; the classifier's own rate, if it has one, is a factor of the trunk's."""
    optimizer = build_optimizer(protocol.optimisation, model)
    if protocol.head_lr is not None:
        set_apart(optimizer, model.head, factor=protocol.head_lr / protocol.optimisation.optimizer.lr)
    return optimizer


def set_apart(optimizer: torch.optim.Optimizer, part: nn.Module, *, factor: float) -> None:
    """Move the weights of ``part`` into groups of their own, whose rate is ``factor`` times the others'."""
    own = {id(weight) for weight in part.parameters()}
    for group in list(optimizer.param_groups):
        moved = [weight for weight in group["params"] if id(weight) in own]
        group["params"] = [weight for weight in group["params"] if id(weight) not in own]
        if moved:
            optimizer.add_param_group({**group, "params": moved, "factor": factor})


def thaw(training: Training, protocol: FinetuneProtocol) -> None:
    """Let the trunk learn once its frozen epochs are over."""
    training.model.learns_trunk = training.epoch >= protocol.freeze_trunk_epochs
