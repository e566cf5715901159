"""The 25 nearest of each query by cosine, ours beside faiss's flat index, each in a fresh process.

    python benchmarks/retrieval.py [--queries 1000] [--bank 24000] [--width 2048] [--threads 2] [--rounds 3] [--full]

``--full`` asks for 10,000 queries of a bank of 240,000. Both sides are timed from the features on: centred, scaled,
for faiss put into its index, and searched. Memory is the most that was resident beyond the features themselves:
faiss's index is a copy of them.
"""

import argparse
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks._paired import machine, summed

K = 25
FULL = (10_000, 240_000)


class Found(NamedTuple):
    """One side of one round."""

    cpu_s: float
    wall_s: float
    memory_mb: float
    check: str
    """A sum over the neighbours' places, and one over their similarities."""


def features(count: int, width: int, seed: int) -> np.ndarray:
    """Not around zero, so that centring matters."""
    rows = np.random.default_rng(seed).standard_normal((count, width), dtype=np.float32)
    rows += 0.3
    return rows


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def ours(query: np.ndarray, bank: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from sce.evaluate.nearest import nearest
    from sce.evaluate.retrieval import centred

    return nearest(*centred(query, bank, "own", normalise=True), K)


def theirs(query: np.ndarray, bank: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    import faiss

    for side in (query, bank):
        side -= side.mean(axis=0)
        faiss.normalize_L2(side)
    index = faiss.IndexFlatIP(bank.shape[1])
    index.add(bank)
    products, places = index.search(query, K)
    return places, products


SIDES = {"faiss": theirs, "ours": ours}


def alone(side: str, asked: argparse.Namespace) -> None:
    """In a process of its own."""
    SIDES[side](features(K, 8, 1), features(K, 8, 0))  # what is imported, and the threads, are there now
    query, bank = features(asked.queries, asked.width, 1), features(asked.bank, asked.width, 0)
    before, began, cpu = peak_mb(), time.perf_counter(), time.process_time()
    places, products = SIDES[side](query, bank)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - began
    print(cpu, wall, peak_mb() - before, f"{places.sum()}/{products.sum():.3f}")


def measure(side: str, asked: argparse.Namespace) -> Found:
    names = ("queries", "bank", "width", "threads")
    command = [sys.executable, __file__, "--alone", side]
    command += [word for name in names for word in (f"--{name}", str(getattr(asked, name)))]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(asked.threads))
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | threads)
    cpu, wall, memory, check = done.stdout.split()
    return Found(float(cpu), float(wall), float(memory), check)


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--queries", type=int, default=1000)
    options.add_argument("--bank", type=int, default=24_000)
    options.add_argument("--width", type=int, default=2048)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--full", action="store_true", help="10,000 queries of 240,000, some minutes a side")
    options.add_argument("--alone", choices=SIDES, help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.full:
        asked.queries, asked.bank = FULL
    if asked.alone:
        alone(asked.alone, asked)
        return
    report(asked, [(measure("faiss", asked), measure("ours", asked)) for _ in range(asked.rounds)])


def report(asked: argparse.Namespace, rounds: list[tuple[Found, Found]]) -> None:
    pair = summed([(their.cpu_s, own.cpu_s) for their, own in rounds])
    wall = summed([(their.wall_s, own.wall_s) for their, own in rounds])
    their, own = rounds[-1]
    shape = f"{asked.queries:,} x {asked.bank:,} x {asked.width:,}"
    print(f"{machine()}, {asked.threads} threads; {shape}, {asked.rounds} rounds")
    print(f"{'the 25 nearest':24}{'faiss flat':>14}{'ours':>10}{'ratio':>8}")
    print(f"{'processor seconds':24}{pair.theirs_s:14.2f}{pair.ours_s:10.2f}{pair.ratio:8.2f}")
    print(f"{'seconds':24}{wall.theirs_s:14.2f}{wall.ours_s:10.2f}{wall.ratio:8.2f}")
    print(f"{'beyond the features, MB':24}{their.memory_mb:14.0f}{own.memory_mb:10.0f}")
    print(f"{'places / similarities':24}{their.check:>30}{own.check:>30}")


if __name__ == "__main__":
    main()
