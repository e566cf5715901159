"""Training a classifier, on a frozen trunk or together with it: epochs, validations, and what is kept.

It can be stopped and resumed between epochs, and ends as one that was never stopped. B clips - C classes
"""

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from sce.data.module import ClipBatch, Loader, train_loader
from sce.data.sampler import SeededSampler
from sce.data.views import Augment
from sce.definition import EvalClips, TrainedProtocol
from sce.definition.derived import derive
from sce.devices import arithmetic
from sce.evaluate.bench import Bench, CannotEvaluate
from sce.evaluate.classifier import BEST, LAST, Classifier, journal_classifier, save_classifier
from sce.evaluate.ranks import average_gradients, leave_together, same_buffers, summed, together, world_size
from sce.evaluate.results import Scores, save_whole
from sce.evaluate.scoring import Scored
from sce.modules import rank
from sce.schedules import learning_rate

STATE = "results/training-state.pt"
RANKS_APART = 1_000_003
"""Between the seeds of two processes: more than there are epochs, so that no dropout is drawn twice."""
# torch.autocast's type of each precision but float32.
HALVES = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}

ScoreViews = Callable[[dict[str, Classifier], EvalClips], Scored]


@dataclass
class Training:
    """The classifier in training, and how far it has come."""

    bench: Bench
    protocol: TrainedProtocol
    model: Classifier
    optimizer: torch.optim.Optimizer
    loader: Loader[ClipBatch]
    steps_per_epoch: int
    score: ScoreViews
    """Scores some classifiers on the scored split."""
    begin_epoch: Callable[["Training"], None] = lambda training: None
    epoch: int = 0
    scores: dict[str, float] = field(default_factory=dict)
    best: dict[str, float] = field(default_factory=dict)
    best_epoch: int = 0
    scored: str = ""

    @property
    def epochs(self) -> int:
        return self.protocol.optimisation.epochs

    @property
    def step(self) -> int:
        return self.epoch * self.steps_per_epoch

    @property
    def is_due(self) -> bool:
        """Whether the epoch just done is validated."""
        if self.protocol.validation == "none":
            return False
        return self.epoch % self.protocol.validate_every_epochs == 0 or self.epoch == self.epochs

    @property
    def validation_views(self) -> EvalClips:
        if self.protocol.validation == "one_view":
            return self.protocol.views.model_copy(update={"clips": 1, "crops": 1})
        return self.protocol.views


def train_classifier(
    bench: Bench, protocol: TrainedProtocol, model: Classifier, optimizer: torch.optim.Optimizer, **how: Any
) -> Scores:
    """Train, validate and score: ``top1`` of the last epoch, ``best_top1`` of the best validation's classifier."""
    training = _training(bench, protocol, model, optimizer, **how)
    resumed = _resume(training)
    total = training.epochs * training.steps_per_epoch
    bench.report.start(
        step=training.step, steps=total, epochs=training.epochs, device=bench.device, resumed=resumed
    )
    while training.epoch < training.epochs:
        training.begin_epoch(training)
        _train_epoch(training)
        training.epoch += 1
        same_buffers(training.model)
        if training.is_due:
            _validate(training)
        save_state(training)
    _keep(training, LAST)
    return _final(training)


def _training(
    bench: Bench, protocol: TrainedProtocol, model: Classifier, optimizer: torch.optim.Optimizer, **how: Any
) -> Training:
    items = len(bench.index.splits[bench.definition.data.train_split])
    per_epoch = derive(bench.definition, train_items=items).steps_per_epoch
    if not per_epoch:
        raise CannotEvaluate(
            f"protocol.optimisation.batch_size {protocol.optimisation.batch_size} is more than the {items} "
            f"items of the training split: choose {items} or fewer"
        )
    loader = train_loader(
        bench.definition.data,
        protocol.train_view,
        batch_size=protocol.optimisation.batch_size,
        seed=bench.definition.seed,
        workers=bench.loader_workers(items // world_size()),
        rank=rank(),
        world_size=world_size(),
        pin=bench.device.type == "cuda",
        accumulate=protocol.optimisation.accumulate,
    )
    return Training(bench, protocol, model, optimizer, loader, per_epoch, **how)


def _train_epoch(training: Training) -> None:
    """One pass over the training split. Order, crops, colours and dropout follow from (seed, epoch) alone."""
    torch.manual_seed(training.bench.definition.seed + training.epoch + RANKS_APART * rank())
    training.model.train()
    parts: list[tuple[Tensor, Tensor]] = []
    step, scaler = training.step, _scaler(training)
    for batch in _batches(training):
        parts.append(_backward(training, batch, scaler))
        if len(parts) < training.protocol.optimisation.accumulate:
            continue
        _move(training, step, scaler)
        step += 1
        _report(training, step, *map(torch.cat, zip(*parts, strict=True)))
        parts = []


def _scaler(training: Training) -> torch.amp.GradScaler:
    """Keeps small gradients from vanishing in float16; does nothing in other precisions."""
    is_half = _precision(training) == "16-mixed"
    return torch.amp.GradScaler(training.bench.device.type, enabled=is_half)


def _precision(training: Training) -> str:
    return arithmetic(training.bench.definition.compute, training.bench.device)


def _batches(training: Training) -> Iterator[tuple[Tensor, Tensor]]:
    """Augmented clips and labels (B,), on the device."""
    bench, shape, sampler = training.bench, training.bench.pretrain.views, training.loader.sampler
    assert isinstance(sampler, SeededSampler)
    sampler.epoch = training.epoch
    augment = Augment(training.protocol.train_view, shape.mean, shape.std).to(bench.device)
    for batch in training.loader:
        leave_together(bench.report)
        clips = augment(batch.views[0].to(bench.device, non_blocking=True), batch.chances[0])
        yield clips, batch.label_B.to(bench.device, non_blocking=True)


def _backward(
    training: Training, batch: tuple[Tensor, Tensor], scaler: torch.amp.GradScaler
) -> tuple[Tensor, Tensor]:
    """Add a part's gradient; give each clip's loss (B,) and whether it was right (B,)."""
    clips, label_B = batch
    precision = _precision(training)
    half = HALVES.get(precision, torch.bfloat16)
    with torch.autocast(training.bench.device.type, half, enabled=precision in HALVES):
        logits_BC = training.model(clips)
    loss_B = nn.functional.cross_entropy(logits_BC.float(), label_B, reduction="none")
    scaler.scale(loss_B.mean() / training.protocol.optimisation.accumulate).backward()
    return loss_B.detach(), (logits_BC.detach().argmax(1) == label_B).float()


def _move(training: Training, step: int, scaler: torch.amp.GradScaler) -> None:
    """One optimizer step at the schedule's rate; a group's ``factor`` sets its rate apart."""
    learning, optimizer = training.protocol.optimisation, training.optimizer
    for group in optimizer.param_groups:
        group["lr"] = _rate(training, step) * group.get("factor", 1.0)
    average_gradients(training.model)
    if learning.clip_norm is not None:
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(training.model.parameters(), learning.clip_norm)
    scaler.step(optimizer)
    scaler.update()
    optimizer.zero_grad(set_to_none=True)


def _rate(training: Training, step: int) -> float:
    return learning_rate(step, training.protocol.optimisation, steps_per_epoch=training.steps_per_epoch)


def _report(training: Training, step: int, loss_B: Tensor, is_right_B: Tensor) -> None:
    means = summed(torch.stack([loss_B.mean(), is_right_B.mean()]).double()) / world_size()
    loss, right = means.tolist()
    if not math.isfinite(loss):
        raise CannotEvaluate(
            f"The classifier's loss is {loss} at step {step}: lower protocol.optimisation.optimizer.lr"
        )
    values = {
        "train/loss": loss,
        "train/top1": right,
        "train/lr": _rate(training, step - 1),
    }
    training.bench.report.metrics(step, step / training.steps_per_epoch, values)
    training.bench.report.progress("classifier", step, training.epochs * training.steps_per_epoch)


def _validate(training: Training) -> None:
    """Score the scored split as the protocol's ``validation`` says, and keep the best classifier so far."""
    training.scores = _score(training, {"last": training.model}, training.validation_views)["last"]
    values = {f"val/{name}": value for name, value in training.scores.items()}
    training.bench.report.metrics(training.step, float(training.epoch), values)
    if not training.best or training.scores["top1"] > training.best["top1"]:
        training.best, training.best_epoch = training.scores, training.epoch
        _keep(training, BEST)


def _score(
    training: Training, models: dict[str, Classifier], views: EvalClips
) -> dict[str, dict[str, float]]:
    found = training.score(models, views)
    if not training.scored:
        training.scored = training.bench.scored(training.bench.definition.data.val_split, found.positions)
    return found.values


def _keep(training: Training, path: str) -> None:
    """Write the classifier as it is now, and journal the file."""
    bench = training.bench
    if not bench.report.is_writer:
        return
    save_classifier(
        bench.run,
        path,
        training.model,
        definition=bench.definition,
        pretrain=bench.pretrain,
        classes=bench.index.classes,
    )
    journal_classifier(
        bench.run, path, step=training.step, epoch=training.epoch, attempt=bench.report.attempt
    )


def _final(training: Training) -> Scores:
    """The scores that are quoted, and under which views."""
    protocol, views = training.protocol, training.validation_views
    last, best = training.scores, training.best
    if protocol.final_test and protocol.validation != "all_views":
        views = protocol.views
        last, best = _tested(training)
    values = {name: last[name] for name in ("top1", "top5") if last}
    files = [LAST]
    if best:
        values["best_top1"] = best["top1"]
        files.append(BEST)
    return Scores(values, _remarks(training, views if last else None), files)


def _tested(training: Training) -> tuple[dict[str, float], dict[str, float]]:
    """Scores over all views of the last classifier, and of the best one if any validation chose it."""
    models = {"last": training.model}
    if training.best:
        models["best"] = _best_model(training)
    found = _score(training, models, training.protocol.views)
    return found["last"], found.get("best", {})


def _best_model(training: Training) -> Classifier:
    model = copy.deepcopy(training.model)
    # A process must not read it before the first one has written it.
    together(lambda: None)
    file = training.bench.run.path / BEST
    state = torch.load(file, map_location=training.bench.device, weights_only=True)
    model.load_state_dict(state["state_dict"])
    return model


def _remarks(training: Training, views: EvalClips | None) -> dict[str, Any]:
    """What completes the protocol; ``views`` are those that the scores are over, None when nothing was scored."""
    remarks: dict[str, Any] = {"queries": training.scored}
    if views is None:
        return {**remarks, "scores": "none were asked for: test the classifiers to have some"}
    if views != training.protocol.views:
        remarks["views"] = views.model_dump(mode="json")
    if training.best:
        remarks["best_epoch"] = training.best_epoch
        remarks["best_top1_is"] = (
            "the best validation, chosen on the scored split itself; top1 is the last epoch's"
        )
    return remarks


def save_state(training: Training) -> None:
    if not training.bench.report.is_writer:
        return
    state = {
        "model": training.model.state_dict(),
        "optimizer": training.optimizer.state_dict(),
        "epoch": training.epoch,
        "scores": training.scores,
        "best": training.best,
        "best_epoch": training.best_epoch,
        "scored": training.scored,
    }
    save_whole(training.bench.run.path / STATE, state)


def _resume(training: Training) -> str | None:
    """Take up the state after the last whole epoch, if there is one; give its path in the run folder."""
    file = training.bench.run.path / STATE
    if not file.exists():
        return None
    state = torch.load(file, map_location=training.bench.device, weights_only=True)
    training.model.load_state_dict(state["model"])
    training.optimizer.load_state_dict(state["optimizer"])
    training.epoch, training.scored = state["epoch"], state["scored"]
    training.scores, training.best, training.best_epoch = state["scores"], state["best"], state["best_epoch"]
    return STATE
