"""Signs of a method's health, from embeddings that a step has made anyway; ``sce.definition.health`` judges them.

N gathered clips - Q queue places - C embedding width - B clips of a rank. Measured at one step in ``EVERY``.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from sce.losses import full

EVERY = 20


class Seen(NamedTuple):
    """What a step looked at. Embeddings are unit vectors."""

    keys_NC: Tensor
    """Embeddings of one view of every rank's clips."""
    pairs: tuple[Tensor, Tensor]
    """Embeddings of two views of the same clips, (B, C) each."""
    queue_QC: Tensor | None = None
    entropy_B: Tensor | None = None
    """Entropy of what each target sees among the others, in nats."""


def wants_health(method: Any) -> bool:
    """Whether the step at hand is one that is measured."""
    return bool(method.global_step % EVERY == 0)


@torch.no_grad()
def measure(seen: Seen) -> dict[str, Tensor]:
    """The signs, by the names they are journaled under. Only RankMe's eigenvalues wait for the device."""
    keys_NC = full(seen.keys_NC)
    one_BC, other_BC = (full(part) for part in seen.pairs)
    similarity = (one_BC * other_BC).sum(dim=1).mean()
    signs = {
        "health/embedding_std": keys_NC.std(dim=0).mean(),
        "health/rank_me": rank_me(keys_NC),
        "health/positive_similarity": similarity,
        # Of unit vectors: the mean squared distance is 2 less twice the mean similarity.
        "health/alignment": 2 - 2 * similarity,
        "health/uniformity": uniformity(keys_NC),
    }
    if seen.queue_QC is not None and len(seen.queue_QC):
        # The mean over all pairs of key and queue place is the product of the means.
        signs["health/queue_similarity"] = keys_NC.mean(dim=0) @ seen.queue_QC.mean(dim=0)
    if seen.entropy_B is not None:
        signs["health/target_entropy"] = seen.entropy_B.mean()
        signs["health/effective_positives"] = seen.entropy_B.exp().mean()
    return signs


def rank_me(rows_NC: Tensor) -> Tensor:
    """Effective number of dimensions: exp of the entropy of the singular values' shares (arXiv 2210.02885).

    From the smaller of the two Gram matrices: its eigenvalues are the squared singular values.
    """
    gram = rows_NC @ rows_NC.T if len(rows_NC) < rows_NC.shape[1] else rows_NC.T @ rows_NC
    values = torch.linalg.eigvalsh(gram).clamp(min=0).sqrt()
    shares = values / values.sum().clamp(min=1e-12)
    entropy: Tensor = torch.special.entr(shares).sum()
    return entropy.exp()


def uniformity(rows_NC: Tensor) -> Tensor:
    """log of the mean of exp(-2 |x - y|^2) over pairs of different rows (arXiv 2005.10242); 0 is a collapse."""
    distances = 2 - 2 * rows_NC @ rows_NC.T
    others = ~torch.eye(len(rows_NC), dtype=torch.bool, device=rows_NC.device)
    count = max(len(rows_NC) * (len(rows_NC) - 1), 1)
    closeness: Tensor = (-2 * distances).exp() * others
    mean: Tensor = closeness.sum() / count
    return mean.log()


@torch.no_grad()
def lag(method: Any) -> Tensor:
    """How far the momentum branch trails the online one: |online - momentum| / |online| over all weights."""
    onlines = [*method.trunk.parameters(), *method.projector.parameters()]
    targets = [*method.momentum_trunk.parameters(), *method.momentum_projector.parameters()]
    gaps = torch.stack(torch._foreach_norm(torch._foreach_sub(onlines, targets)))
    sizes = torch.stack(torch._foreach_norm(onlines))
    share: Tensor = gaps.norm() / sizes.norm().clamp(min=1e-12)
    return share
