"""Optimizers, built from the definition. Norms are computed in float32, updates by fused foreach calls."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sce.definition import AdamW, Lars, Optimisation, Sgd
from sce.definition.derived import scaled_lr
from sce.losses import full


class LARS(torch.optim.Optimizer):
    """SGD with momentum whose step is scaled to each weight's norm (arXiv 1708.03888).

    For tensors of more than one dimension u = g + decay * w, scaled by trust * |w| / |u|; biases and
    norms take u = g as it is. v <- momentum * v + u, w <- w - lr * v.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        *,
        lr: float,
        momentum: float,
        weight_decay: float,
        trust: float,
    ) -> None:
        super().__init__(
            parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "trust": trust}
        )

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]  # torch's overloads
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            self._move(group)
        return loss

    def _move(self, group: dict[str, Any]) -> None:
        weights = [weight for weight in group["params"] if weight.grad is not None]
        if not weights:
            return
        updates = [weight.grad for weight in weights]
        adapted = [place for place, weight in enumerate(weights) if weight.ndim > 1]
        scaled = _adapted([weights[i] for i in adapted], [updates[i] for i in adapted], group)
        for place, update in zip(adapted, scaled, strict=True):
            updates[place] = update
        histories = [self._history(weight) for weight in weights]
        torch._foreach_mul_(histories, group["momentum"])
        torch._foreach_add_(histories, updates)
        torch._foreach_add_(weights, histories, alpha=-group["lr"])

    def _history(self, weight: Tensor) -> Tensor:
        state = self.state[weight]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(weight)
        history: Tensor = state["momentum_buffer"]
        return history


def _adapted(weights: list[Tensor], gradients: list[Tensor], group: dict[str, Any]) -> Sequence[Tensor]:
    """The gradients with the decay, each scaled; they themselves stay as they are."""
    if not weights:
        return []
    updates = torch._foreach_add(gradients, weights, alpha=group["weight_decay"])
    weight_norms = full(torch.stack(torch._foreach_norm(weights)))
    update_norms = full(torch.stack(torch._foreach_norm(updates)))
    is_usable = (weight_norms > 0) & (update_norms > 0)
    scales = torch.where(is_usable, group["trust"] * weight_norms / update_norms, 1.0)
    torch._foreach_mul_(updates, list(scales.unbind()))
    return updates


def build_optimizer(
    learning: Optimisation, module: nn.Module, *, fused: bool = False
) -> torch.optim.Optimizer:
    """The optimizer of every parameter that learns; its rate is set before each step from the schedule.

    ``fused`` moves all weights in one kernel, where torch has one for the rule.
    """
    chosen = learning.optimizer
    lr = scaled_lr(chosen.lr, chosen.lr_scaling, learning.batch_size)
    weights = [weight for weight in module.parameters() if weight.requires_grad]
    match chosen:
        case Lars():
            decay, trust = chosen.weight_decay, chosen.trust
            return LARS(weights, lr=lr, momentum=chosen.momentum, weight_decay=decay, trust=trust)
        case Sgd():
            return torch.optim.SGD(
                weights,
                lr=lr,
                momentum=chosen.momentum,
                weight_decay=chosen.weight_decay,
                fused=fused or None,
            )
        case AdamW():
            decayed = {"params": [weight for weight in weights if weight.ndim > 1]}
            plain: dict[str, Any] = {
                "params": [weight for weight in weights if weight.ndim <= 1],
                "weight_decay": 0.0,
            }
            return torch.optim.AdamW(
                [decayed, plain], lr=lr, weight_decay=chosen.weight_decay, fused=fused or None
            )
