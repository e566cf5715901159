"""Losses over embeddings: pure functions of tensors, no state and no process group.

B clips in the local batch - N gathered clips - K queue columns - M candidates - C embedding width

Embeddings are unit vectors. Everything is computed in float32 (or float64, if given) whatever autocast
says: logits reach 1 / temperature, and half precision would round them by 1e-2.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# Logits held at a time: on a CPU as many as its caches keep, on a GPU as many as fill it.
_HELD_LOGITS = {"cpu": 2**20, "cuda": 2**25}


class Relations(NamedTuple):
    """What a target view sees among the others; computed once per target, shared by its queries."""

    keys_BC: Tensor
    mixed_BC: Tensor
    """r = sum over others c of s_c times c."""
    entropy_B: Tensor
    """Entropy of s in nats: exp of it is the effective number of positives among the others."""


@torch.no_grad()
def relations(
    keys_BC: Tensor,
    candidates_MC: Tensor,
    *,
    target_temperature: float,
    positive_B: Tensor | None,
    leak: bool = False,
    compiled: bool = False,
) -> Relations:
    """The target's similarities s over the candidates (arXiv 2111.14585, eq. 4), as their mean embedding.

    ``positive_B`` names the column of each clip's own key among the candidates, which has no part in s;
    None when the candidates do not hold it (a queue). ``leak`` gives the positive a part in s after all, as one
    more candidate of similarity 0: what the papers' code does.
    """
    keys_BC, candidates_MC = full(keys_BC.detach()), full(candidates_MC)
    with torch.autocast(keys_BC.device.type, enabled=False):
        if leak:
            return _leaking(keys_BC, candidates_MC, target_temperature, positive_B)
        spread_B, mixed_BC = attend(
            keys_BC,
            candidates_MC,
            temperature=target_temperature,
            hidden_B=positive_B,
            compiled=compiled,
        )
        # The entropy of s is logsumexp(l) - sum of s l; and as l = k . c / tau, that sum is k . r / tau.
        entropy_B = spread_B - (keys_BC * mixed_BC).sum(dim=1) / target_temperature
        return Relations(keys_BC, mixed_BC, entropy_B.clamp_min(0))


def _leaking(
    keys_BC: Tensor, candidates_MC: Tensor, temperature: float, positive_B: Tensor | None
) -> Relations:
    logits_BM = keys_BC @ candidates_MC.T / temperature
    if positive_B is not None:
        logits_BM.scatter_(1, positive_B[:, None], -torch.inf)
    log_s = torch.cat([torch.zeros_like(logits_BM[:, :1]), logits_BM], dim=1).log_softmax(dim=1)
    s = log_s.exp()
    return Relations(keys_BC, s[:, :1] * keys_BC + s[:, 1:] @ candidates_MC, -(s * log_s).sum(dim=1))


def certain(keys_BC: Tensor) -> Relations:
    """A target that sees nothing but its positive (MoCo): with ``contrast`` 1 the loss is InfoNCE."""
    keys_BC = full(keys_BC.detach())
    return Relations(keys_BC, keys_BC, torch.zeros_like(keys_BC[:, 0]))


def sce_loss(
    queries_BC: Tensor,
    target: Relations,
    candidates_MC: Tensor,
    *,
    temperature: float,
    contrast: float,
    has_positive: bool,
    compiled: bool = False,
) -> Tensor:
    """Cross-entropy between what the target sees and what the query sees (arXiv 2111.14585, eq. 6).

    The target distribution w puts ``contrast`` (lambda) on the positive and the rest on s. As w sums
    to 1, the loss is logsumexp(prediction logits) - q . (lambda k + (1 - lambda) r) / tau: one matrix
    of logits, no target matrix, and a gradient for the queries alone. ``has_positive`` says that the
    candidates are all there is to predict: they hold the clips' own keys, or there is no positive (ReSSL,
    arXiv 2107.09282, with ``contrast`` 0).
    """
    with torch.autocast(queries_BC.device.type, enabled=False):
        queries_BC, keys_BC = full(queries_BC), target.keys_BC
        spread_B = _spread(queries_BC, candidates_MC, temperature, compiled)
        if not has_positive:
            own_B = (queries_BC * keys_BC).sum(dim=1) / temperature
            spread_B = torch.logaddexp(own_B, spread_B)
        wanted_BC = contrast * keys_BC + (1 - contrast) * target.mixed_BC
        return (spread_B - (queries_BC * wanted_BC).sum(dim=1) / temperature).mean()


def info_nce(queries_BC: Tensor, keys_BC: Tensor, candidates_KC: Tensor, *, temperature: float) -> Tensor:
    """One positive against the queue (MoCo, arXiv 1911.05722, eq. 1): cross-entropy with label 0."""
    with torch.autocast(queries_BC.device.type, enabled=False):
        queries_BC, keys_BC = full(queries_BC), full(keys_BC.detach())
        own_B = (queries_BC * keys_BC).sum(dim=1) / temperature
        spread_B = _spread(queries_BC, candidates_KC, temperature)
        return (torch.logaddexp(own_B, spread_B) - own_B).mean()


def simclr_loss(local_VBC: Tensor, all_VNC: Tensor, first: int, *, temperature: float) -> Tensor:
    """Each view against all views of all clips but itself (SimCLR, arXiv 2002.05709, eq. 1).

    ``local_VBC`` are this process's embeddings, ``all_VNC`` every process's, gathered with gradient, in
    which the local clips begin at ``first``. With more than two views the positives are summed.
    """
    num_views, batch, width = local_VBC.shape
    with torch.autocast(local_VBC.device.type, enabled=False):
        queries = full(local_VBC).reshape(-1, width)
        everyone = full(all_VNC).reshape(-1, width)
        logits = queries @ everyone.T / temperature
        clip = torch.arange(first, first + batch, device=logits.device).repeat(num_views)
        view = torch.arange(num_views, device=logits.device).repeat_interleave(batch)
        column = torch.arange(all_VNC.shape[1], device=logits.device).repeat(num_views)
        column_view = torch.arange(num_views, device=logits.device).repeat_interleave(all_VNC.shape[1])
        same_clip = clip[:, None] == column[None]
        itself = same_clip & (view[:, None] == column_view[None])
        logits = logits.masked_fill(itself, -torch.inf)
        positives = logits.masked_fill(~same_clip, -torch.inf)
        return (logits.logsumexp(dim=1) - positives.logsumexp(dim=1)).mean()


@torch.no_grad()
def attend(
    queries_BC: Tensor,
    candidates_MC: Tensor,
    *,
    temperature: float,
    hidden_B: Tensor | None = None,
    compiled: bool = False,
) -> tuple[Tensor, Tensor]:
    """Log-sum-exp of the logits q . c / temperature (B,), and the candidates' mean under their softmax (B, C).

    One pass over the candidates, a part of them at a time: no (B, M) matrix is ever held. ``hidden_B``
    names a candidate of each query that counts for nothing. ``compiled`` fuses what is done with a part's
    logits between its two matrix products: a GPU then reads them twice instead of five times.
    """
    weigh = _compiled_weigh() if compiled else _weigh
    top_B1 = queries_BC.new_full((len(queries_BC), 1), -torch.inf)
    mass_B1, sum_BC = torch.zeros_like(top_B1), torch.zeros_like(queries_BC)
    scaled_BC, first = queries_BC / temperature, 0
    held = _HELD_LOGITS.get(queries_BC.device.type, _HELD_LOGITS["cpu"])
    for part_PC in candidates_MC.split(max(held // max(len(queries_BC), 1), 1)):
        logits_BP = scaled_BC @ part_PC.T
        if hidden_B is not None:
            columns_P = torch.arange(first, first + len(part_PC), device=logits_BP.device)
            logits_BP.masked_fill_(columns_P == hidden_B[:, None], -torch.inf)
        top_B1, kept_B1, mass_B1, weights_BP = weigh(logits_BP, top_B1, mass_B1)
        sum_BC, first = torch.addmm(sum_BC * kept_B1, weights_BP, part_PC), first + len(part_PC)
    return (top_B1 + mass_B1.log()).squeeze(1), sum_BC / mass_B1


Weigh = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor, Tensor]]


def _weigh(logits_BP: Tensor, top_B1: Tensor, mass_B1: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The highest logit so far, what is kept of sums over the parts before, their mass, and this part's weights."""
    higher_B1 = torch.maximum(top_B1, logits_BP.amax(dim=1, keepdim=True))
    # A part that is hidden whole leaves -inf, and -inf less itself would be no number.
    shift_B1 = higher_B1.clamp_min(torch.finfo(higher_B1.dtype).min)
    weights_BP = logits_BP.sub_(shift_B1).exp_()
    kept_B1 = (top_B1 - shift_B1).exp()
    return higher_B1, kept_B1, mass_B1 * kept_B1 + weights_BP.sum(dim=1, keepdim=True), weights_BP


@cache
def _compiled_weigh() -> Weigh:
    """Compiled at its first use. The last part is shorter than the others: no number of columns is built in."""
    return torch.compile(_weigh, dynamic=True)


def _spread(queries_BC: Tensor, candidates_MC: Tensor, temperature: float, compiled: bool = False) -> Tensor:
    """Log-sum-exp over the candidates of q . c / temperature, (B,), with a gradient for the queries alone."""
    spread_B: Tensor = _LogSumExp.apply(queries_BC, full(candidates_MC.detach()), temperature, compiled)
    return spread_B


class _LogSumExp(torch.autograd.Function):
    """Its gradient is the candidates' mean under the softmax, which the same pass has at hand."""

    @staticmethod
    def forward(
        ctx: Any, queries_BC: Tensor, candidates_MC: Tensor, temperature: float, compiled: bool
    ) -> Tensor:
        spread_B, mean_BC = attend(queries_BC, candidates_MC, temperature=temperature, compiled=compiled)
        ctx.save_for_backward(mean_BC)
        ctx.temperature = temperature
        return spread_B

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient_B: Tensor) -> tuple[Tensor, None, None, None]:
        (mean_BC,) = ctx.saved_tensors
        return gradient_B[:, None] * mean_BC / ctx.temperature, None, None, None


def full(embeddings: Tensor) -> Tensor:
    """Half precision becomes float32; float64 is left to those who ask for it."""
    return embeddings if embeddings.dtype == torch.float64 else embeddings.float()
