"""What is done for a device changes how fast a step is, not what it computes."""

import pytest
import torch
from torch import nn

from sce.definition import R18, AdamW, Compute, Optimisation, R3d18, Sgd
from sce.devices import arithmetic, colours_last, may_fuse, prepare
from sce.modules import follow, momentum_copy
from sce.optim import build_optimizer
from sce.trunks import build_trunk

CPU, GPU = torch.device("cpu"), torch.device("cuda")


@pytest.fixture(params=[True, False])
def has_bf16(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: request.param)
    return bool(request.param)


def test_mixed_is_bfloat16_where_the_device_computes_in_it(has_bf16: bool) -> None:
    mixed = Compute(precision="mixed")
    assert arithmetic(mixed, GPU) == ("bf16-mixed" if has_bf16 else "16-mixed")
    assert arithmetic(mixed, CPU) == "bf16-mixed"


@pytest.mark.parametrize("precision", ["32", "bf16-mixed", "16-mixed"])
def test_a_precision_that_is_named_is_taken(precision: str, has_bf16: bool) -> None:
    named = Compute.model_validate({"precision": precision})
    assert arithmetic(named, GPU) == arithmetic(named, CPU) == precision


def test_weights_are_moved_in_one_kernel_on_a_gpu_but_under_a_scaler(has_bf16: bool) -> None:
    assert may_fuse(Compute(), GPU)
    assert not may_fuse(Compute(), CPU)
    assert not may_fuse(Compute(precision="16-mixed"), GPU)
    assert may_fuse(Compute(precision="mixed"), GPU) is has_bf16


@pytest.mark.parametrize("rule", [Sgd(lr=0.1), AdamW(lr=0.1)])
def test_a_fused_rule_moves_the_weights_as_the_plain_one(rule: Sgd | AdamW) -> None:
    def moved(*, fused: bool) -> torch.Tensor:
        torch.manual_seed(0)
        layer = nn.Linear(5, 3)
        optimizer = build_optimizer(Optimisation(batch_size=256, optimizer=rule), layer, fused=fused)
        assert bool(optimizer.defaults["fused"]) is fused
        for _ in range(3):
            layer(torch.ones(2, 5)).square().mean().backward()
            optimizer.step()
        return layer.weight.detach()

    torch.testing.assert_close(moved(fused=True), moved(fused=False))


@pytest.mark.parametrize(
    ("trunk", "clips", "layout"),
    [
        (R3d18(), (2, 3, 2, 32, 32), torch.channels_last_3d),
        (R18(), (2, 3, 1, 32, 32), torch.channels_last),
    ],
)
def test_colours_come_last_and_features_and_gradients_stay(
    trunk: R3d18 | R18, clips: tuple[int, ...], layout: torch.memory_format
) -> None:
    torch.manual_seed(0)
    network, x = build_trunk(trunk).eval(), torch.randn(clips)
    expected = network(x)
    expected.sum().backward()
    gradients = [weight.grad for weight in network.parameters()]
    network.zero_grad()
    colours_last(network)
    convolutions = [weight for weight in network.parameters() if weight.ndim > 2]
    assert all(weight.is_contiguous(memory_format=layout) for weight in convolutions)
    found = network(x)
    found.sum().backward()
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(
        [weight.grad for weight in network.parameters()], gradients, rtol=1e-3, atol=1e-3
    )


def test_weights_with_colours_last_are_moved_followed_and_loaded_as_others() -> None:
    def trained(*, last: bool) -> dict[str, torch.Tensor]:
        torch.manual_seed(0)
        online = nn.Conv3d(3, 4, 2)
        target = momentum_copy(online)
        if last:
            colours_last(online)
            colours_last(target)
        optimizer = build_optimizer(Optimisation(batch_size=256), online)
        for _ in range(2):
            online(torch.ones(1, 3, 2, 2, 2)).square().sum().backward()
            optimizer.step()
            follow(target, online, momentum=0.9)
        fresh = nn.Conv3d(3, 4, 2)
        fresh.load_state_dict(target.state_dict())
        return fresh.state_dict()

    torch.testing.assert_close(trained(last=True), trained(last=False))


class Branches(nn.Module):
    """As a method: a trunk, its momentum copy, a projector, and something else."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk, self.projector = nn.Conv3d(3, 4, 2), nn.Linear(4, 4)
        self.momentum_trunk = momentum_copy(self.trunk)
        self.augment = nn.Identity()


@pytest.mark.parametrize("compiles", [True, False])
def test_both_branches_and_the_heads_are_compiled_where_it_is_asked_for(
    compiles: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[nn.Module] = []
    monkeypatch.setattr(nn.Module, "compile", lambda part: compiled.append(part))
    method = Branches()
    prepare(method, Compute(compile=compiles), CPU)
    assert compiled == ([method.trunk, method.momentum_trunk, method.projector] if compiles else [])


@pytest.mark.parametrize("device", [CPU, GPU])
def test_only_a_gpu_gets_colours_last(device: torch.device) -> None:
    method = Branches()
    prepare(method, Compute(), device)
    is_last = method.trunk.weight.is_contiguous(memory_format=torch.channels_last_3d)
    assert is_last is (device == GPU)
