"""LARS against its formula written out, and the groups that a definition asks for."""

import pytest
import torch
from torch import Tensor, nn

from sce.definition import AdamW, Optimisation, Sgd
from sce.optim import LARS, build_optimizer

LR, MOMENTUM, DECAY, TRUST = 0.5, 0.9, 0.01, 0.001


def lars_by_hand(weight: Tensor, gradients: list[Tensor], *, is_matrix: bool) -> Tensor:
    """Section 4.1 of the specification: adapted and decayed matrices, biases as they are."""
    velocity = torch.zeros_like(weight)
    for gradient in gradients:
        update = gradient + DECAY * weight if is_matrix else gradient
        if is_matrix and weight.norm() > 0 and update.norm() > 0:
            update = update * TRUST * weight.norm() / update.norm()
        velocity = MOMENTUM * velocity + update
        weight = weight - LR * velocity
    return weight


def stepped(weight: Tensor, gradients: list[Tensor]) -> Tensor:
    parameter = nn.Parameter(weight.clone())
    optimizer = LARS([parameter], lr=LR, momentum=MOMENTUM, weight_decay=DECAY, trust=TRUST)
    for gradient in gradients:
        parameter.grad = gradient.clone()
        optimizer.step()
    return parameter.detach()


@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 1, 3, 3), (7,)])
def test_three_steps_of_lars_equal_the_formula(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    weight, gradients = torch.randn(shape), [torch.randn(shape) for _ in range(3)]
    expected = lars_by_hand(weight, gradients, is_matrix=len(shape) > 1)
    torch.testing.assert_close(stepped(weight, gradients), expected)


def test_a_weight_of_zeros_moves_by_its_plain_gradient() -> None:
    gradient = torch.ones(2, 2)
    torch.testing.assert_close(stepped(torch.zeros(2, 2), [gradient]), -LR * gradient)


def test_a_matrix_without_gradient_and_decay_stays() -> None:
    parameter = nn.Parameter(torch.ones(2, 2))
    parameter.grad = torch.zeros(2, 2)
    LARS([parameter], lr=1.0, momentum=0.9, weight_decay=0.0, trust=0.001).step()
    assert torch.equal(parameter.detach(), torch.ones(2, 2))


def test_a_later_rate_rescales_the_whole_history() -> None:
    parameter = nn.Parameter(torch.tensor([1.0]))
    optimizer = LARS([parameter], lr=1.0, momentum=0.5, weight_decay=0.0, trust=0.001)
    parameter.grad = torch.tensor([1.0])
    optimizer.step()
    optimizer.param_groups[0]["lr"] = 0.1
    optimizer.step()
    torch.testing.assert_close(parameter.detach(), torch.tensor([1.0 - 1.0 - 0.1 * 1.5]))


def test_lars_resumes_from_its_state() -> None:
    torch.manual_seed(0)
    weight, gradients = torch.randn(3, 3), [torch.randn(3, 3) for _ in range(4)]
    first = nn.Parameter(weight.clone())
    before = LARS([first], lr=LR, momentum=MOMENTUM, weight_decay=DECAY, trust=TRUST)
    for gradient in gradients[:2]:
        first.grad = gradient.clone()
        before.step()
    second = nn.Parameter(first.detach().clone())
    after = LARS([second], lr=LR, momentum=MOMENTUM, weight_decay=DECAY, trust=TRUST)
    after.load_state_dict(before.state_dict())
    for gradient in gradients[2:]:
        second.grad = gradient.clone()
        after.step()
    assert torch.equal(second.detach(), stepped(weight, gradients))


def test_frozen_weights_are_not_optimised() -> None:
    module = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2).requires_grad_(False))
    optimizer = build_optimizer(Optimisation(batch_size=256), module)
    assert sum(len(group["params"]) for group in optimizer.param_groups) == 2


def test_adamw_decays_matrices_alone() -> None:
    module = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    optimizer = build_optimizer(Optimisation(batch_size=256, optimizer=AdamW(weight_decay=0.05)), module)
    decays = {
        weight.ndim: group["weight_decay"] for group in optimizer.param_groups for weight in group["params"]
    }
    assert decays == {2: 0.05, 1: 0.0}


def test_the_rate_is_scaled_with_the_whole_batch() -> None:
    learning = Optimisation(batch_size=512, accumulate=4, optimizer=Sgd(lr=2.0))
    assert build_optimizer(learning, nn.Linear(2, 2)).param_groups[0]["lr"] == pytest.approx(4.0)
