"""What the measured signs of a pretraining mean: a verdict in words, with its reason and the numbers behind it.

Pure: the signs are the journaled ``health/*`` and ``train/*`` values, the rest follows from the definition.
"""

import math
from typing import Literal

from sce.definition.base import Frozen
from sce.definition.methods import Ressl, Sce, Supervised
from sce.definition.runs import Pretrain

Verdict = Literal[
    "not measured",
    "too early",
    "healthy",
    "collapsed",
    "collapsing",
    "few dimensions",
    "temperature too sharp",
    "temperature too blunt",
    "not learning",
]
WELL: tuple[Verdict, ...] = ("not measured", "too early", "healthy")
Binding = Literal["input-bound", "partly input-bound", "compute-bound"]

# A unit vector of C even dimensions deviates by 1 / sqrt(C) in each: the spread is the share of it that is there.
COLLAPSED_SPREAD, COLLAPSING_SPREAD = 0.1, 0.35
FEWEST_DIMENSIONS, LEAST_TO_JUDGE = 0.1, 16
FEWEST_POSITIVES, MOST_POSITIVES = 1.5, 0.8
NEAREST_GAP, LEARNED_BY = 0.05, 0.25
EARLY = 0.02
BOUND, PARTLY_BOUND = 0.5, 0.2


class Health(Frozen):
    """How a pretraining is doing, by its own signs."""

    verdict: Verdict
    """healthy, or what is wrong."""
    reason: str
    """Why, with the numbers, and what helps."""
    binding: Binding | None
    """What a step waits for; none before it was measured."""
    pace: str | None
    """The same as a sentence."""


def judge(definition: Pretrain, values: dict[str, float], *, progress: float) -> Health:
    """The verdict on the latest values of a run that has come to ``progress`` of its length."""
    verdict, reason = _verdict(definition, values, progress)
    wait = values.get("train/data_wait")
    if wait is None:
        return Health(verdict=verdict, reason=reason, binding=None, pace=None)
    binding, pace = _pace(wait, definition.data.kind)
    return Health(verdict=verdict, reason=reason, binding=binding, pace=pace)


def _verdict(definition: Pretrain, values: dict[str, float], progress: float) -> tuple[Verdict, str]:
    if isinstance(definition.method, Supervised):
        return "not measured", "A supervised training has no embeddings to judge: watch train/top1."
    if "health/embedding_std" not in values:
        return "not measured", "The signs are measured at the first step and then at one in twenty."
    if progress < EARLY:
        return "too early", f"After {progress:.1%} of the training the signs are those of fresh weights."
    found = (
        _collapse(definition, values)
        or _dimensions(definition, values)
        or _sharpness(definition, values)
        or _learning(values, progress)
    )
    return found or ("healthy", _all_well(definition, values))


def _spread(definition: Pretrain, values: dict[str, float]) -> float:
    assert not isinstance(definition.method, Supervised)
    return values["health/embedding_std"] * math.sqrt(definition.method.projector.width)


def _collapse(definition: Pretrain, values: dict[str, float]) -> tuple[Verdict, str] | None:
    spread = _spread(definition, values)
    if spread >= COLLAPSING_SPREAD:
        return None
    verdict: Verdict = "collapsed" if spread < COLLAPSED_SPREAD else "collapsing"
    return verdict, (
        f"Embeddings deviate by {spread:.0%} of what evenly spread ones would: all clips look alike to the network. "
        "Lower optimisation.optimizer.lr or lengthen the warm-up; give views stronger colours; raise method.contrast."
    )


def _dimensions(definition: Pretrain, values: dict[str, float]) -> tuple[Verdict, str] | None:
    assert not isinstance(definition.method, Supervised)
    learning = definition.optimisation
    room = min(definition.method.projector.width, learning.batch_size // learning.accumulate)
    used = values.get("health/rank_me")
    if used is None or room < LEAST_TO_JUDGE or used / room >= FEWEST_DIMENSIONS:
        return None
    return "few dimensions", (
        f"Embeddings use {used:.1f} of the {room} dimensions that a batch can show (RankMe). "
        "Raise optimisation.batch_size, or normalise the projector's last layer."
    )


def _sharpness(definition: Pretrain, values: dict[str, float]) -> tuple[Verdict, str] | None:
    method, positives = definition.method, values.get("health/effective_positives")
    if positives is None or not isinstance(method, Sce | Ressl):
        return None
    others = method.queue_size + (definition.optimisation.batch_size if method.use_keys else 0)
    where = f"method.target_temperature (now {method.target_temperature:g})"
    if positives < FEWEST_POSITIVES:
        return "temperature too sharp", (
            f"Targets see {positives:.2f} effective positives among {others} others: their relations are one clip's "
            f"name. Raise {where}."
        )
    if positives > MOST_POSITIVES * others:
        return "temperature too blunt", (
            f"Targets see {positives:.0f} effective positives among {others} others: nearly all alike, which teaches "
            f"nothing. Lower {where}."
        )
    return None


def _learning(values: dict[str, float], progress: float) -> tuple[Verdict, str] | None:
    positive, queue = values.get("health/positive_similarity"), values.get("health/queue_similarity")
    if positive is None or queue is None or progress < LEARNED_BY or positive - queue >= NEAREST_GAP:
        return None
    return "not learning", (
        f"Two views of a clip are as alike ({positive:z.2f}) as two clips are ({queue:z.2f}) after {progress:.0%} of "
        "the training. Raise optimisation.optimizer.lr, or weaken the views."
    )


def _all_well(definition: Pretrain, values: dict[str, float]) -> str:
    said = [f"embeddings are {_spread(definition, values):.0%} as spread as they can be"]
    if (used := values.get("health/rank_me")) is not None:
        said.append(f"in {used:.0f} dimensions")
    if (positives := values.get("health/effective_positives")) is not None:
        said.append(f"targets see {positives:.1f} effective positives")
    if (similarity := values.get("health/positive_similarity")) is not None:
        said.append(f"two views of a clip are {similarity:z.2f} alike")
    text = ", ".join(said)
    return f"{text[0].upper()}{text[1:]}."


def _pace(wait: float, kind: str) -> tuple[Binding, str]:
    share = f"{wait:.0%} of a step waits for {kind}"
    if wait >= BOUND:
        return "input-bound", f"Input-bound: {share}. Raise compute.loader_workers, or prepare smaller files."
    if wait >= PARTLY_BOUND:
        return "partly input-bound", f"Partly input-bound: {share}. More compute.loader_workers would help."
    return "compute-bound", f"Compute-bound: {share}."
