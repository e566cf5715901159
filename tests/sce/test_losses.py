"""The losses against the papers' formulas written out, and against the laws they obey.

B clips - K queue columns - M candidates - C embedding width. All in float64 unless a test is about precision.
"""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from sce import losses
from sce.losses import Relations, attend, certain, info_nce, relations, sce_loss, simclr_loss

TAU, TAU_M = 0.1, 0.05


def unit_rows(rows: int, width: int = 8, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(rows, width, generator=generator, dtype=torch.float64), dim=1)


def slow_sce(queries: Tensor, keys: Tensor, queue: Tensor, contrast: float) -> Tensor:
    """Section 3.3 of arXiv 2111.14585 as it is written: two distributions over positive and queue."""
    losses = []
    for q, k in zip(queries, keys, strict=True):
        s = torch.exp(queue @ k / TAU_M)
        s = s / s.sum()
        w = torch.cat([torch.tensor([contrast], dtype=torch.float64), (1 - contrast) * s])
        p = torch.exp(torch.cat([(q @ k)[None], queue @ q]) / TAU)
        losses.append(-(w * torch.log(p / p.sum())).sum())
    return torch.stack(losses).mean()


def fast_sce(queries: Tensor, keys: Tensor, queue: Tensor, contrast: float) -> Tensor:
    target = relations(keys, queue, target_temperature=TAU_M, positive_B=None)
    return sce_loss(queries, target, queue, temperature=TAU, contrast=contrast, has_positive=False)


@pytest.mark.parametrize("contrast", [0.0, 0.3, 0.5, 1.0])
def test_sce_equals_the_papers_formula(contrast: float) -> None:
    queries, keys, queue = unit_rows(5), unit_rows(5, seed=1), unit_rows(33, seed=2)
    expected = slow_sce(queries, keys, queue, contrast)
    torch.testing.assert_close(fast_sce(queries, keys, queue, contrast), expected, rtol=1e-12, atol=1e-12)


def test_the_gradient_of_sce_equals_that_of_the_papers_formula() -> None:
    keys, queue = unit_rows(5, seed=1), unit_rows(33, seed=2)
    fast, slow = unit_rows(5).requires_grad_(), unit_rows(5).requires_grad_()
    fast_sce(fast, keys, queue, 0.5).backward()
    slow_sce(slow, keys, queue, 0.5).backward()
    torch.testing.assert_close(fast.grad, slow.grad, rtol=1e-10, atol=1e-12)


def test_the_gradient_of_sce_is_that_of_finite_differences() -> None:
    keys, queue = unit_rows(3, seed=1), unit_rows(9, seed=2)
    assert torch.autograd.gradcheck(lambda q: fast_sce(q, keys, queue, 0.5), unit_rows(3).requires_grad_())


def test_no_gradient_reaches_keys_or_queue() -> None:
    queries, keys, queue = unit_rows(4), unit_rows(4, seed=1), unit_rows(16, seed=2)
    keys.requires_grad_()
    target = relations(keys, queue.requires_grad_(), target_temperature=TAU_M, positive_B=None)
    loss = sce_loss(
        queries.requires_grad_(), target, queue, temperature=TAU, contrast=0.5, has_positive=False
    )
    loss.backward()
    assert queries.grad is not None
    assert keys.grad is None
    assert queue.grad is None


def test_with_full_contrast_sce_is_info_nce() -> None:
    queries, keys, queue = unit_rows(6), unit_rows(6, seed=1), unit_rows(40, seed=2)
    logits = torch.cat([(queries * keys).sum(1, keepdim=True), queries @ queue.T], 1) / TAU
    expected = F.cross_entropy(logits, torch.zeros(6, dtype=torch.long))
    torch.testing.assert_close(fast_sce(queries, keys, queue, 1.0), expected)
    torch.testing.assert_close(info_nce(queries, keys, queue, temperature=TAU), expected)


def test_sce_is_never_below_the_entropy_of_its_target() -> None:
    queries, keys, queue = unit_rows(16), unit_rows(16, seed=1), unit_rows(64, seed=2)
    target = relations(keys, queue, target_temperature=TAU_M, positive_B=None)
    entropy_of_w = math.log(2) + 0.5 * target.entropy_B.mean()  # lambda 0.5: one bit, and half of s's
    assert fast_sce(queries, keys, queue, 0.5) >= entropy_of_w


def test_a_query_that_equals_its_key_pays_the_entropy_and_the_mass_on_the_positive() -> None:
    keys, queue = unit_rows(4, seed=1), unit_rows(20, seed=2)
    target = relations(keys, queue, target_temperature=TAU, positive_B=None)
    loss = sce_loss(keys, target, queue, temperature=TAU, contrast=0.0, has_positive=False)
    p_0 = (torch.cat([torch.ones(4, 1, dtype=torch.float64), keys @ queue.T], 1) / TAU).softmax(1)[:, 0]
    torch.testing.assert_close(loss, (target.entropy_B - torch.log(1 - p_0)).mean())


def test_the_order_of_the_queue_changes_nothing() -> None:
    queries, keys, queue = unit_rows(4), unit_rows(4, seed=1), unit_rows(50, seed=2)
    shuffled = queue[torch.randperm(50, generator=torch.Generator().manual_seed(3))]
    torch.testing.assert_close(
        fast_sce(queries, keys, queue, 0.5), fast_sce(queries, keys, shuffled, 0.5), rtol=1e-12, atol=0
    )


def test_a_clips_own_key_has_no_part_in_what_it_sees() -> None:
    keys, queue = unit_rows(3, seed=1), unit_rows(10, seed=2)
    with_keys = relations(
        keys, torch.cat([keys, queue]), target_temperature=TAU_M, positive_B=torch.arange(3)
    )
    others = torch.cat([keys[1:], queue])
    alone = relations(keys[:1], others, target_temperature=TAU_M, positive_B=None)
    torch.testing.assert_close(with_keys.mixed_BC[:1], alone.mixed_BC)
    torch.testing.assert_close(with_keys.entropy_B[:1], alone.entropy_B)


def test_use_keys_with_an_empty_queue_is_the_papers_batch_form() -> None:
    queries, keys = unit_rows(7), unit_rows(7, seed=1)
    target = relations(keys, keys, target_temperature=TAU_M, positive_B=torch.arange(7))
    loss = sce_loss(queries, target, keys, temperature=TAU, contrast=0.5, has_positive=True)
    s = (keys @ keys.T / TAU_M).masked_fill(torch.eye(7, dtype=torch.bool), -torch.inf).softmax(1)
    w = 0.5 * torch.eye(7, dtype=torch.float64) + 0.5 * s
    expected = -(w * (queries @ keys.T / TAU).log_softmax(1)).sum(1).mean()
    torch.testing.assert_close(loss, expected, rtol=1e-12, atol=1e-12)


def test_what_a_target_sees_is_a_distribution() -> None:
    """With one-hot candidates the mixed embedding is the distribution itself."""
    seen = relations(
        unit_rows(6, 32), torch.eye(32, dtype=torch.float64), target_temperature=TAU_M, positive_B=None
    )
    torch.testing.assert_close(seen.mixed_BC.sum(1), torch.ones(6, dtype=torch.float64), rtol=0, atol=1e-12)
    assert (seen.mixed_BC >= 0).all()


def test_the_loss_is_in_float32_under_autocast() -> None:
    queries, keys, queue = unit_rows(4).float(), unit_rows(4, seed=1).float(), unit_rows(16, seed=2).float()
    exact = fast_sce(queries, keys, queue, 0.5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = fast_sce(queries, keys, queue, 0.5)
    assert cast.dtype is torch.float32
    assert torch.equal(cast, exact)


def test_half_precision_embeddings_are_lifted_to_float32() -> None:
    seen: Relations = relations(
        unit_rows(2).bfloat16(), unit_rows(5, seed=1).bfloat16(), target_temperature=TAU_M, positive_B=None
    )
    assert {part.dtype for part in seen} == {torch.float32}


def slow_simclr(views_VNC: Tensor) -> Tensor:
    """Equation 1 of arXiv 2002.05709, one anchor at a time; with more views the positives are summed."""
    num_views, clips, _ = views_VNC.shape
    everyone = [(v, n) for v in range(num_views) for n in range(clips)]
    losses = []
    for v, n in everyone:
        e = {o: torch.exp(views_VNC[v, n] @ views_VNC[o] / TAU) for o in everyone if o != (v, n)}
        positive = sum(value for (_, other), value in e.items() if other == n)
        losses.append(-torch.log(torch.as_tensor(positive) / torch.stack(list(e.values())).sum()))
    return torch.stack(losses).mean()


@pytest.mark.parametrize("num_views", [2, 3])
def test_simclr_equals_its_papers_formula(num_views: int) -> None:
    views = unit_rows(num_views * 5).view(num_views, 5, 8)
    loss = simclr_loss(views, views, 0, temperature=TAU)
    torch.testing.assert_close(loss, slow_simclr(views), rtol=1e-12, atol=1e-12)


def test_simclr_over_two_ranks_is_simclr_over_the_joined_batch() -> None:
    views = unit_rows(2 * 6).view(2, 6, 8)
    first = simclr_loss(views[:, :3], views, 0, temperature=TAU)
    second = simclr_loss(views[:, 3:], views, 3, temperature=TAU)
    torch.testing.assert_close((first + second) / 2, simclr_loss(views, views, 0, temperature=TAU))


def test_sce_over_two_ranks_is_sce_over_the_joined_batch() -> None:
    """A rank's own keys stand at rank * B among the gathered ones."""
    queries, keys, queue = unit_rows(6), unit_rows(6, seed=1), unit_rows(20, seed=2)
    candidates = torch.cat([keys, queue])

    def loss(own: slice) -> Tensor:
        positive = torch.arange(6)[own]
        seen = relations(keys[own], candidates, target_temperature=TAU_M, positive_B=positive)
        return sce_loss(queries[own], seen, candidates, temperature=TAU, contrast=0.5, has_positive=True)

    halves = (loss(slice(0, 3)) + loss(slice(3, 6))) / 2
    torch.testing.assert_close(halves, loss(slice(0, 6)), rtol=1e-12, atol=0)


# -- the family: what MoCo, ReSSL and SCE share


def test_a_certain_target_with_full_contrast_is_moco() -> None:
    queries, keys, queue = unit_rows(6), unit_rows(6, seed=1), unit_rows(40, seed=2)
    loss = sce_loss(queries, certain(keys), queue, temperature=TAU, contrast=1.0, has_positive=False)
    torch.testing.assert_close(loss, info_nce(queries, keys, queue, temperature=TAU), rtol=1e-12, atol=0)


def test_no_contrast_and_no_positive_is_ressl() -> None:
    """Equation 3 of arXiv 2107.09282: the cross-entropy of two distributions over the queue alone."""
    queries, keys, queue = unit_rows(6), unit_rows(6, seed=1), unit_rows(40, seed=2)
    seen = relations(keys, queue, target_temperature=0.04, positive_B=None)
    loss = sce_loss(queries, seen, queue, temperature=TAU, contrast=0.0, has_positive=True)
    target = (keys @ queue.T / 0.04).softmax(1)
    expected = -(target * (queries @ queue.T / TAU).log_softmax(1)).sum(1).mean()
    torch.testing.assert_close(loss, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("places", [1, 12])
def test_a_leaking_positive_keeps_the_mass_of_similarity_zero(places: int) -> None:
    queries, keys, queue = unit_rows(5), unit_rows(5, seed=1), unit_rows(places, seed=2)
    seen = relations(keys, queue, target_temperature=TAU_M, positive_B=None, leak=True)
    loss = sce_loss(queries, seen, queue, temperature=TAU, contrast=0.5, has_positive=False)
    zero = torch.zeros(5, 1, dtype=torch.float64)
    w = 0.5 * torch.cat([zero, keys @ queue.T / TAU_M], 1).softmax(1)
    w[:, 0] += 0.5
    own = (queries * keys).sum(1, keepdim=True)
    expected = -(w * (torch.cat([own, queries @ queue.T], 1) / TAU).log_softmax(1)).sum(1).mean()
    torch.testing.assert_close(loss, expected, rtol=1e-12, atol=1e-12)


def test_the_leak_is_as_small_as_is_said_beside_a_long_queue() -> None:
    keys, queue = unit_rows(4, 256, seed=1), unit_rows(65_536, 256, seed=2)
    leaking = relations(keys, queue, target_temperature=TAU_M, positive_B=None, leak=True)
    exact = relations(keys, queue, target_temperature=TAU_M, positive_B=None)
    leaked = (leaking.mixed_BC * keys).sum(1) - (exact.mixed_BC * keys).sum(1)
    assert 0 < leaked.max() < 3e-5


@pytest.mark.parametrize("temperature", [1.0, 0.05, 0.002])
def test_a_pass_in_parts_equals_the_whole_softmax(
    temperature: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the parts, and with logits that would overflow: the sums are kept relative to the largest."""
    queries, candidates = unit_rows(6).float(), unit_rows(50, seed=1).float()
    hidden = torch.tensor([0, 7, 8, 20, 48, 49])
    logits = (queries.double() @ candidates.double().T) / temperature
    logits[torch.arange(6), hidden] = -torch.inf
    for held in (6 * 1, 6 * 7, 6 * 49, 6 * 50, 10**6):
        monkeypatch.setitem(losses._HELD_LOGITS, "cpu", held)
        spread, mean = attend(queries, candidates, temperature=temperature, hidden_B=hidden)
        torch.testing.assert_close(spread.double(), logits.logsumexp(1), rtol=1e-5, atol=1e-4)
        expected = logits.softmax(1) @ candidates.double()
        torch.testing.assert_close(mean.double(), expected, rtol=1e-3, atol=1e-4)
