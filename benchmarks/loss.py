"""The SCE loss forward and backward, ours beside the formula as it is written, each in a fresh process.

    python benchmarks/loss.py [--batch 256] [--queue 65536] [--width 256] [--rounds 3]

The other side makes both softmaxes whole, an explicit target matrix with a one-hot positive, and a copy of the queue,
as the papers' code does. Peak memory is that of the whole process, libraries and inputs included.
"""

import argparse
import resource
import subprocess
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks._paired import cpu_s, machine, summed
from sce.losses import relations, sce_loss

TAU, TAU_M, LAMBDA = 0.1, 0.05, 0.5


def plain(queries_BC: Tensor, keys_BC: Tensor, queue_KC: Tensor) -> Tensor:
    queue_CK = queue_KC.clone().T
    own_B1 = (queries_BC * keys_BC).sum(1, keepdim=True)
    prediction = torch.cat([own_B1, queries_BC @ queue_CK], 1) / TAU
    with torch.no_grad():
        target = torch.cat([torch.full_like(own_B1, -torch.inf), keys_BC @ queue_CK], 1) / TAU_M
        positive = F.one_hot(torch.zeros(len(keys_BC), dtype=torch.long), target.shape[1])
        wanted = LAMBDA * positive + (1 - LAMBDA) * target.softmax(1)
    return -(wanted * prediction.log_softmax(1)).sum(1).mean()


def ours(queries_BC: Tensor, keys_BC: Tensor, queue_KC: Tensor) -> Tensor:
    target = relations(keys_BC, queue_KC, target_temperature=TAU_M, positive_B=None)
    return sce_loss(queries_BC, target, queue_KC, temperature=TAU, contrast=LAMBDA, has_positive=False)


SIDES = {"plain": plain, "ours": ours}


def alone(side: str, batch: int, queue: int, width: int) -> None:
    """In a process of its own: prints seconds, bytes at most, loss."""
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    queries_BC, keys_BC, queue_KC = (
        F.normalize(torch.randn(rows, width, generator=generator), dim=1) for rows in (batch, batch, queue)
    )
    queries_BC.requires_grad_()
    losses = []

    def step() -> None:
        loss = SIDES[side](queries_BC, keys_BC, queue_KC)
        loss.backward()
        losses.append(float(loss.detach()))

    step()
    seconds = min(cpu_s(step) for _ in range(2))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(seconds, peak, losses[0])


def measure(side: str, asked: argparse.Namespace) -> tuple[float, float, float]:
    sizes = [str(number) for number in (asked.batch, asked.queue, asked.width)]
    command = [sys.executable, __file__, "--alone", side]
    for name, size in zip(("--batch", "--queue", "--width"), sizes, strict=True):
        command += [name, size]
    seconds, peak, loss = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(seconds), float(peak), float(loss)


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--batch", type=int, default=256)
    options.add_argument("--queue", type=int, default=65_536)
    options.add_argument("--width", type=int, default=256)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--alone", choices=SIDES, help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.alone:
        alone(asked.alone, asked.batch, asked.queue, asked.width)
        return
    rounds = [(measure("plain", asked), measure("ours", asked)) for _ in range(asked.rounds)]
    pair = summed([(theirs[0], own[0]) for theirs, own in rounds])
    theirs, own = rounds[-1]
    print(
        f"{machine()}, one thread; N {asked.batch}, K {asked.queue}, D {asked.width}, {asked.rounds} rounds"
    )
    print(f"{'forward and backward':24}{'plain formula':>14}{'ours':>10}{'ratio':>8}")
    print(f"{'seconds':24}{pair.theirs_s:14.3f}{pair.ours_s:10.3f}{pair.ratio:8.2f}")
    print(f"{'peak memory, MB':24}{theirs[1] / 1e6:14.0f}{own[1] / 1e6:10.0f}{theirs[1] / own[1]:8.2f}")
    print(f"{'loss':24}{theirs[2]:14.6f}{own[2]:10.6f}")


if __name__ == "__main__":
    main()
