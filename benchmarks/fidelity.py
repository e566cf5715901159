"""How far what trains is from the formulas: float32 as it runs, against float64 written out term by term.

    python benchmarks/fidelity.py [--batch 64] [--queue 4096] [--width 128]

Each row is one part: the largest relative difference of its value, and of its gradient where it has one.
"""

import argparse
import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sce.losses import info_nce, relations, sce_loss, simclr_loss
from sce.modules import KeyQueue, follow
from sce.optim import LARS
from sce.schedules import cosine_momentum, warmup_cosine

TAU, TAU_M, CONTRAST = 0.1, 0.05, 0.5
STEPS = 50
Loss = Callable[[Tensor], Tensor]


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--batch", type=int, default=64)
    options.add_argument("--queue", type=int, default=4096)
    options.add_argument("--width", type=int, default=128)
    asked = options.parse_args()
    torch.manual_seed(0)
    print(f"B {asked.batch}, K {asked.queue}, C {asked.width}; float32 against float64, relative")
    print(f"{'part':44}{'value':>12}{'gradient':>12}")
    for name, value, gradient in [*losses(asked.batch, asked.queue, asked.width), *the_rest()]:
        print(f"{name:44}{value:12.1e}{'' if gradient is None else f'{gradient:12.1e}'}")


def losses(batch: int, queue: int, width: int) -> list[tuple[str, float, float | None]]:
    queries, keys, past = (unit_rows(rows, width) for rows in (batch, batch, queue))
    both = torch.cat([keys, past])
    views = torch.stack([queries, keys])
    rows: list[tuple[str, Loss, Loss]] = [
        (
            "SCE, queue (2111.14585, eq. 4-6)",
            lambda q: ours(q, keys.float(), past.float(), has_positive=False),
            lambda q: plain(q, keys, past, has_positive=False),
        ),
        (
            "SCE, batch and queue",
            lambda q: ours(q, keys.float(), both.float(), has_positive=True),
            lambda q: plain(q, keys, both, has_positive=True),
        ),
        (
            "InfoNCE (1911.05722, eq. 1)",
            lambda q: info_nce(q, keys.float(), past.float(), temperature=TAU),
            lambda q: contrast_alone(q, keys, past),
        ),
        (
            "SimCLR (2002.05709, eq. 1)",
            lambda q: simclr_loss(pair(q, keys.float()), pair(q, keys.float()), 0, temperature=TAU),
            lambda q: every_pair(torch.cat([q, keys]), len(views[0])),
        ),
    ]
    return [(name, *differences(queries, fast, slow)) for name, fast, slow in rows]


def unit_rows(rows: int, width: int) -> Tensor:
    return F.normalize(torch.randn(rows, width, dtype=torch.float64), dim=1)


def pair(first: Tensor, second: Tensor) -> Tensor:
    return torch.stack([first, second])


def ours(queries: Tensor, keys: Tensor, candidates: Tensor, *, has_positive: bool) -> Tensor:
    own = torch.arange(len(keys)) if has_positive else None
    target = relations(keys, candidates, target_temperature=TAU_M, positive_B=own)
    return sce_loss(
        queries, target, candidates, temperature=TAU, contrast=CONTRAST, has_positive=has_positive
    )


def plain(queries: Tensor, keys: Tensor, candidates: Tensor, *, has_positive: bool) -> Tensor:
    """Two softmaxes and the target written out, the positive in column 0."""
    others = torch.ones(len(keys), len(candidates), dtype=torch.bool)
    if has_positive:
        others[:, : len(keys)] = ~torch.eye(len(keys), dtype=torch.bool)
    seen = (keys @ candidates.T / TAU_M).masked_fill(~others, -torch.inf).softmax(dim=1)
    wanted = torch.cat([torch.full((len(keys), 1), CONTRAST), (1 - CONTRAST) * seen], dim=1)
    logits = (queries @ candidates.T / TAU).masked_fill(~others, -torch.inf)
    said = torch.cat([(queries * keys).sum(dim=1, keepdim=True) / TAU, logits], dim=1).log_softmax(dim=1)
    return -(wanted * said.masked_fill(wanted == 0, 0.0)).sum(dim=1).mean()


def contrast_alone(queries: Tensor, keys: Tensor, candidates: Tensor) -> Tensor:
    logits = torch.cat([(queries * keys).sum(dim=1, keepdim=True), queries @ candidates.T], dim=1) / TAU
    return F.cross_entropy(logits, torch.zeros(len(queries), dtype=torch.long))


def every_pair(rows: Tensor, batch: int) -> Tensor:
    itself = torch.eye(len(rows), dtype=torch.bool)
    logits = (rows @ rows.T / TAU).masked_fill(itself, -torch.inf)
    return F.cross_entropy(logits, torch.arange(len(rows)).roll(batch))


def differences(queries: Tensor, fast: Loss, slow: Loss) -> tuple[float, float]:
    quick, exact = queries.float().requires_grad_(), queries.clone().requires_grad_()
    ours_value, true_value = fast(quick), slow(exact)
    ours_value.backward()
    true_value.backward()
    assert quick.grad is not None
    assert exact.grad is not None
    return far(ours_value, true_value), far(quick.grad, exact.grad)


def the_rest() -> list[tuple[str, float, float | None]]:
    return [
        (f"LARS, {STEPS} steps", lars(), None),
        (f"momentum branch, {STEPS} steps", branch(), None),
        ("queue, 7 pushes of 4 into 10 places", queue_order(), None),
        ("warm-up and cosine, every step of 200", schedule(), None),
        ("momentum's cosine, every step of 200", momentum(), None),
    ]


def lars() -> float:
    weight = nn.Parameter(torch.randn(16, 8))
    exact, history = weight.detach().double(), torch.zeros(16, 8, dtype=torch.float64)
    optimizer = LARS([weight], lr=0.5, momentum=0.9, weight_decay=1e-3, trust=0.01)
    for _ in range(STEPS):
        weight.grad = torch.randn(16, 8)
        update = weight.grad.double() + 1e-3 * exact
        history = 0.9 * history + update * 0.01 * exact.norm() / update.norm()
        exact = exact - 0.5 * history
        optimizer.step()
    return far(weight.detach(), exact)


def branch() -> float:
    target, online = nn.Linear(8, 8), nn.Linear(8, 8)
    exact = target.weight.detach().double()
    for step in range(STEPS):
        keep = 0.99 + step * 1e-4
        exact = keep * exact + (1 - keep) * online.weight.detach().double()
        follow(target, online, momentum=keep)
    return far(target.weight.detach(), exact)


def queue_order() -> float:
    queue = KeyQueue(10, 3)
    exact, place = queue.keys_QC.double(), 0
    for _ in range(7):
        keys = torch.randn(4, 3)
        for key in keys:
            exact[place] = key.double()
            place = (place + 1) % 10
        queue.push(keys)
    return far(queue.keys_QC, exact)


def schedule() -> float:
    ours_values = [warmup_cosine(t, peak=4.8, end=0.1, warmup=20, steps=200) for t in range(200)]
    exact = [
        4.8 * t / 19 if t < 20 else 0.1 + 0.5 * (4.8 - 0.1) * (1 + math.cos(math.pi * (t - 20) / 180))
        for t in range(200)
    ]
    return far(torch.tensor(ours_values, dtype=torch.float64), torch.tensor(exact, dtype=torch.float64))


def momentum() -> float:
    ours_values = [cosine_momentum(t, start=0.99, steps=200) for t in range(200)]
    exact = [1 - 0.01 * (math.cos(math.pi * t / 199) + 1) / 2 for t in range(200)]
    return far(torch.tensor(ours_values, dtype=torch.float64), torch.tensor(exact, dtype=torch.float64))


def far(found: Tensor, exact: Tensor) -> float:
    """Largest difference, as a share of the largest exact value."""
    return float((found.detach().double() - exact.detach()).abs().max() / exact.detach().abs().max())


if __name__ == "__main__":
    main()
