"""Linear probe: a classifier trained on the frozen trunk's features of augmented clips.

The trunk stays in evaluation mode at every step, the classifier starts at N(0, 0.01) and bias 0, and a scored
video's class probabilities are averaged over its views (the SCE papers' linear protocol). The training can be
stopped and resumed between epochs.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from sce.checkpoints import write_atomically
from sce.data.module import ClipBatch, Loader, train_loader
from sce.data.sampler import SeededSampler
from sce.data.views import Augment
from sce.definition import LinearProtocol
from sce.definition.derived import derive
from sce.evaluate.bench import Bench, CannotEvaluate
from sce.evaluate.features import view_features
from sce.evaluate.knn import in_top
from sce.evaluate.results import Scores
from sce.optim import build_optimizer
from sce.schedules import learning_rate

STATE = "results/linear-state.pt"
LAST, BEST = "results/classifier-last.pt", "results/classifier-best.pt"
# The trunk is frozen, so a scored view's features never change: they are kept when they fit, else made again.
MAX_KEPT_BYTES = 512 * 2**20


@dataclass
class Probe:
    """The classifier in training, and how far it has come."""

    bench: Bench
    protocol: LinearProtocol
    loader: Loader[ClipBatch]
    classifier: nn.Linear
    optimizer: torch.optim.Optimizer
    steps_per_epoch: int
    epoch: int = 0
    scores: dict[str, float] = field(default_factory=dict)
    best: dict[str, float] = field(default_factory=dict)
    best_epoch: int = 0
    scored: str = ""
    kept: list[tuple[Tensor, Tensor]] | None = None

    @property
    def epochs(self) -> int:
        return self.protocol.optimisation.epochs

    @property
    def is_due(self) -> bool:
        """Whether the epoch just done is validated."""
        return self.epoch % self.protocol.validate_every_epochs == 0 or self.epoch == self.epochs


def linear(bench: Bench, protocol: LinearProtocol) -> Scores:
    """Train the classifier and score it: ``top1`` of the last epoch, ``best_top1`` of the best validation."""
    probe = _probe(bench, protocol)
    resumed = _resume(probe)
    total = probe.epochs * probe.steps_per_epoch
    bench.report.start(
        step=probe.epoch * probe.steps_per_epoch,
        steps=total,
        epochs=probe.epochs,
        device=bench.device,
        resumed=resumed,
    )
    while probe.epoch < probe.epochs:
        _train_epoch(probe)
        probe.epoch += 1
        if probe.is_due:
            _validate(probe)
        _save(probe)
    return _scores(probe)


def _probe(bench: Bench, protocol: LinearProtocol) -> Probe:
    items = len(bench.index.splits[bench.definition.data.train_split])
    derived = derive(bench.definition, train_items=items)
    if not derived.steps_per_epoch:
        raise CannotEvaluate(
            f"protocol.optimisation.batch_size {protocol.optimisation.batch_size} is more than the {items} "
            f"items of the training split: choose {items} or fewer"
        )
    torch.manual_seed(bench.definition.seed)
    classifier = nn.Linear(_width(bench), len(bench.index.classes))
    nn.init.normal_(classifier.weight, std=0.01)
    nn.init.zeros_(classifier.bias)
    classifier = classifier.to(bench.device)
    optimizer = build_optimizer(protocol.optimisation, classifier)
    loader = _training_loader(bench, protocol)
    return Probe(bench, protocol, loader, classifier, optimizer, derived.steps_per_epoch)


def _width(bench: Bench) -> int:
    """Width of the trunk's features, by one forward pass of a black clip."""
    side = 64
    clip = torch.zeros(1, 3, bench.definition.data.num_frames, side, side, device=bench.device)
    with torch.inference_mode():
        return int(bench.trunk(clip).shape[1])


def _train_epoch(probe: Probe) -> None:
    """One pass over the training split. Order, crops and colours follow from (seed, epoch) alone."""
    for step, (features_Bd, label_B) in enumerate(_batches(probe), probe.epoch * probe.steps_per_epoch):
        for group in probe.optimizer.param_groups:
            group["lr"] = _rate(probe, step)
        logits_BC = probe.classifier(features_Bd)
        loss = nn.functional.cross_entropy(logits_BC, label_B)
        probe.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if probe.protocol.optimisation.clip_norm is not None:
            nn.utils.clip_grad_norm_(probe.classifier.parameters(), probe.protocol.optimisation.clip_norm)
        probe.optimizer.step()
        _report(probe, step + 1, loss, logits_BC, label_B)


def _training_loader(bench: Bench, protocol: LinearProtocol) -> Loader[ClipBatch]:
    """One loader for all epochs: its processes take seconds to start."""
    return train_loader(
        bench.definition.data,
        protocol.train_view,
        batch_size=protocol.optimisation.batch_size,
        seed=bench.definition.seed,
        workers=bench.loader_workers(len(bench.index.splits[bench.definition.data.train_split])),
        pin=bench.device.type == "cuda",
    )


def _batches(probe: Probe) -> Iterator[tuple[Tensor, Tensor]]:
    """Trunk features (B, d) of augmented clips, and labels (B,), on the device."""
    bench, shape = probe.bench, probe.bench.pretrain.views
    assert isinstance(probe.loader.sampler, SeededSampler)
    probe.loader.sampler.epoch = probe.epoch
    augment = Augment(probe.protocol.train_view, shape.mean, shape.std).to(bench.device)
    torch.manual_seed(bench.definition.seed + probe.epoch)
    for batch in probe.loader:
        bench.report.leave_if_asked()
        with torch.no_grad():
            clips = augment(batch.views[0].to(bench.device, non_blocking=True))
            features_Bd = bench.trunk(clips).float()
        yield features_Bd, batch.label_B.to(bench.device)


def _rate(probe: Probe, step: int) -> float:
    return learning_rate(step, probe.protocol.optimisation, steps_per_epoch=probe.steps_per_epoch)


def _report(probe: Probe, step: int, loss: Tensor, logits_BC: Tensor, label_B: Tensor) -> None:
    if not math.isfinite(loss.item()):
        raise CannotEvaluate(
            f"The classifier's loss is {loss.item()} at step {step}: lower protocol.optimisation.optimizer.lr"
        )
    top1 = (logits_BC.argmax(1) == label_B).float().mean()
    values = {"train/loss": loss.item(), "train/top1": top1.item(), "train/lr": _rate(probe, step - 1)}
    probe.bench.report.metrics(step, step / probe.steps_per_epoch, values)
    probe.bench.report.progress("classifier", step, probe.epochs * probe.steps_per_epoch)


def _validate(probe: Probe) -> None:
    """Score every video of the scored split by the mean of its views' probabilities."""
    probability, labels = [], []
    for features_BVd, label_B in _scored_views(probe):
        probability.append(mean_probability(probe.classifier, features_BVd.to(probe.bench.device)).cpu())
        labels.append(label_B)
    probe.scores = score(torch.cat(probability), torch.cat(labels))
    values = {f"val/{name}": value for name, value in probe.scores.items()}
    probe.bench.report.metrics(probe.epoch * probe.steps_per_epoch, float(probe.epoch), values)
    if not probe.best or probe.scores["top1"] > probe.best["top1"]:
        probe.best, probe.best_epoch = probe.scores, probe.epoch
        save_whole(probe.bench.run.path / BEST, probe.classifier.state_dict())


def _scored_views(probe: Probe) -> Iterator[tuple[Tensor, Tensor]]:
    """Features (B, V, d) and labels (B,) of the scored split; read once if they can be kept."""
    if probe.kept is not None:
        yield from probe.kept
        return
    split = probe.bench.definition.data.val_split
    kept: list[tuple[Tensor, Tensor]] = []
    num_bytes, positions = 0, []
    for features_BVd, label_B, position_B in view_features(probe.bench, split, probe.protocol.views):
        num_bytes += features_BVd.nbytes
        positions += position_B.tolist()
        if num_bytes <= MAX_KEPT_BYTES:
            kept.append((features_BVd, label_B))
        yield features_BVd, label_B
    if num_bytes <= MAX_KEPT_BYTES:
        probe.kept = kept
    if not positions:
        raise CannotEvaluate(f"No item of split {split!r} could be read")
    if not probe.scored:
        probe.scored = probe.bench.scored(split, positions)


@torch.inference_mode()
def mean_probability(classifier: nn.Module, features_BVd: Tensor) -> Tensor:
    """Class probabilities (B, C): the mean over views of each view's softmax."""
    logits_BVC: Tensor = classifier(features_BVd)
    return logits_BVC.softmax(dim=-1).mean(dim=1)


def score(probability_NC: Tensor, label_N: Tensor) -> dict[str, float]:
    """Top-1, top-5, and ``loss``: the negative log of the mean probability of the right class."""
    right = probability_NC.gather(1, label_N[:, None]).clamp_min(1e-12)
    scores = probability_NC.double().numpy()
    return {
        "top1": in_top(scores, label_N.numpy(), 1),
        "top5": in_top(scores, label_N.numpy(), 5),
        "loss": float(-right.log().mean()),
    }


def _scores(probe: Probe) -> Scores:
    save_whole(probe.bench.run.path / LAST, probe.classifier.state_dict())
    values = {"top1": probe.scores["top1"], "top5": probe.scores["top5"], "best_top1": probe.best["top1"]}
    remarks = {
        "queries": probe.scored,
        "best_epoch": probe.best_epoch,
        "best_top1_is": "the best validation, chosen on the scored split itself; top1 is the last epoch's",
    }
    return Scores(values, remarks, [LAST, BEST])


def _save(probe: Probe) -> None:
    state = {
        "classifier": probe.classifier.state_dict(),
        "optimizer": probe.optimizer.state_dict(),
        "epoch": probe.epoch,
        "scores": probe.scores,
        "best": probe.best,
        "best_epoch": probe.best_epoch,
        "scored": probe.scored,
    }
    save_whole(probe.bench.run.path / STATE, state)


def _resume(probe: Probe) -> str | None:
    """Take up the state after the last whole epoch, if there is one; give its path in the run folder."""
    file = probe.bench.run.path / STATE
    if not file.exists():
        return None
    state = torch.load(file, map_location=probe.bench.device, weights_only=True)
    probe.classifier.load_state_dict(state["classifier"])
    probe.optimizer.load_state_dict(state["optimizer"])
    probe.epoch, probe.scored = state["epoch"], state["scored"]
    probe.scores, probe.best, probe.best_epoch = state["scores"], state["best"], state["best_epoch"]
    return STATE


def save_whole(file: Path, state: object) -> None:
    """``torch.save`` that a reader sees whole or not at all."""
    write_atomically(file, lambda temporary: torch.save(state, temporary))
