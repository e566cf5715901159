"""Each verdict on a collapse made on purpose, and the signs against their formulas.

N clips - C embedding width - Q queue places
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from sce.definition.health import judge
from sce.health import Seen, measure, rank_me, uniformity
from sce.losses import relations
from tests.sce.tiny import tiny

N, C, Q = 128, 32, 512
HEAD = {"hidden_width": 8, "width": C}
SCE = {"kind": "sce", "queue_size": Q, "projector": HEAD}


def rows(count: int, seed: int = 0) -> Tensor:
    return F.normalize(torch.randn(count, C, generator=torch.Generator().manual_seed(seed)), dim=1)


def towards_one(spread: float) -> Tensor:
    """Embeddings that are nearly one and the same."""
    return F.normalize(torch.eye(C)[:1] + spread * rows(N), dim=1)


def signs(
    keys: Tensor, queue: Tensor, *, target_temperature: float = 0.05, noise: float = 0.3
) -> dict[str, float]:
    """What a step would journal whose two views differ by some noise."""
    queries = F.normalize(keys + noise * rows(N, seed=5), dim=1)
    seen = relations(keys, queue, target_temperature=target_temperature, positive_B=None)
    found = measure(Seen(keys, (queries, keys), queue, seen.entropy_B))
    return {name: float(value) for name, value in found.items()}


def verdict(
    values: Mapping[str, float], progress: float = 0.5, method: dict[str, Any] = SCE
) -> tuple[str, str]:
    asked = tiny(Path("nowhere"), method=method, optimisation={"batch_size": N, "epochs": 10})
    health = judge(asked, values, progress=progress)
    return health.verdict, health.reason


def test_spread_embeddings_are_healthy_and_the_reason_says_how_spread() -> None:
    found, reason = verdict(signs(rows(N), rows(Q, seed=1)))
    assert found == "healthy"
    assert "99% as spread" in reason or "100% as spread" in reason
    assert "effective positives" in reason


@pytest.mark.parametrize(("spread", "expected"), [(0.05, "collapsed"), (0.25, "collapsing")])
def test_embeddings_that_become_one_are_a_collapse(spread: float, expected: str) -> None:
    found, reason = verdict(signs(towards_one(spread), towards_one(spread)))
    assert found == expected
    assert "all clips look alike" in reason


def test_embeddings_on_a_line_use_few_dimensions() -> None:
    along = torch.zeros(N, C)
    along[:, 0] = torch.where(torch.arange(N) % 2 == 0, 1.0, -1.0)
    keys = F.normalize(along + 0.001 * rows(N), dim=1)
    # Spread enough in each dimension by the mean: the rank alone tells.
    values = signs(keys, keys) | {"health/embedding_std": 1 / math.sqrt(C)}
    found, reason = verdict(values)
    assert found == "few dimensions"
    assert "of the 32 dimensions" in reason


def test_a_target_that_sees_a_single_clip_is_too_sharp() -> None:
    found, reason = verdict(signs(rows(N), rows(Q, seed=1), target_temperature=0.001))
    assert found == "temperature too sharp"
    assert "Raise method.target_temperature" in reason


def test_a_target_that_sees_all_clips_alike_is_too_blunt() -> None:
    found, reason = verdict(signs(rows(N), rows(Q, seed=1), target_temperature=5.0))
    assert found == "temperature too blunt"
    assert "among 512 others" in reason


def test_views_as_different_as_clips_are_not_learned() -> None:
    values = signs(rows(N), rows(Q, seed=1), noise=100.0)
    assert verdict(values)[0] == "not learning"
    assert verdict(values, progress=0.1)[0] == "healthy", "a tenth of the way is no time to say so"


def test_fresh_weights_and_unmeasured_runs_are_not_judged() -> None:
    values = signs(towards_one(0.01), towards_one(0.01))
    assert verdict(values, progress=0.001)[0] == "too early"
    assert verdict({"train/loss": 1.0})[0] == "not measured"


def test_moco_is_judged_without_relations_and_labels_not_at_all() -> None:
    values = {key: value for key, value in signs(rows(N), rows(Q)).items() if "positives" not in key}
    moco = {"kind": "moco", "queue_size": Q, "projector": HEAD}
    assert verdict(values, method=moco)[0] == "healthy"
    asked = tiny(Path("nowhere"), method={"kind": "supervised"}, views={"views": [{}]})
    assert judge(asked, {"train/top1": 0.5}, progress=0.5).verdict == "not measured"


@pytest.mark.parametrize(
    ("wait", "binding", "words"),
    [
        (0.71, "input-bound", "Input-bound: 71% of a step waits for video."),
        (0.3, "partly input-bound", "Partly input-bound: 30% of a step waits for video."),
        (0.02, "compute-bound", "Compute-bound: 2% of a step waits for video."),
    ],
)
def test_what_a_step_waits_for_is_a_sentence(wait: float, binding: str, words: str) -> None:
    health = judge(tiny(Path("nowhere")), {"train/data_wait": wait}, progress=0.5)
    assert health.binding == binding
    assert health.pace is not None
    assert health.pace.startswith(words)


# -- the signs themselves


def test_rank_me_counts_even_dimensions() -> None:
    assert float(rank_me(torch.eye(C))) == pytest.approx(C)
    assert float(rank_me(torch.eye(C)[:5].repeat(9, 1))) == pytest.approx(5, rel=1e-3)
    assert float(rank_me(torch.ones(N, C))) == pytest.approx(1, abs=0.05)


def test_rank_me_is_its_papers_formula() -> None:
    keys = rows(N)
    values = torch.linalg.svdvals(keys)
    shares = values / values.sum()
    expected = torch.exp(-(shares * shares.log()).sum())
    torch.testing.assert_close(rank_me(keys), expected, rtol=1e-3, atol=0)
    torch.testing.assert_close(rank_me(keys[:10]), rank_me(keys[:10].double()).float(), rtol=1e-3, atol=0)


def test_uniformity_is_its_papers_formula() -> None:
    keys = rows(9)
    pairs = [(a - b).square().sum() for i, a in enumerate(keys) for j, b in enumerate(keys) if i != j]
    expected = torch.stack(pairs).mul(-2).exp().mean().log()
    torch.testing.assert_close(uniformity(keys), expected)
    assert float(uniformity(torch.ones(4, C) / math.sqrt(C))) == pytest.approx(0, abs=1e-5)


def test_the_other_signs_are_their_formulas() -> None:
    keys, queue = rows(N), rows(Q, seed=1)
    found = signs(keys, queue)
    queries = F.normalize(keys + 0.3 * rows(N, seed=5), dim=1)
    assert found["health/positive_similarity"] == pytest.approx(float((queries * keys).sum(1).mean()))
    assert found["health/alignment"] == pytest.approx(
        float((queries - keys).square().sum(1).mean()), abs=1e-5
    )
    assert found["health/queue_similarity"] == pytest.approx(float((keys @ queue.T).mean()), abs=1e-6)
    s = (keys @ queue.T / 0.05).softmax(1)
    assert found["health/target_entropy"] == pytest.approx(
        float(torch.special.entr(s).sum(1).mean()), rel=1e-4
    )
