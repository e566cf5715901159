"""Layers of trunks and heads, block by block as the papers' tables list them."""

import pytest
import torch
from torch import nn

from sce.definition import R18, Predictor, Projector, R3d18, R3d50
from sce.modules import predictor, projector
from sce.trunks import build_trunk


@pytest.fixture(scope="module")
def r3d18() -> nn.Module:
    return build_trunk(R3d18())


@pytest.fixture(scope="module")
def r3d50() -> nn.Module:
    return build_trunk(R3d50())


def conv(trunk: nn.Module, name: str) -> nn.Conv3d:
    found = trunk.get_submodule(f"model.blocks.{name}")
    assert isinstance(found, nn.Conv3d)
    return found


@pytest.mark.parametrize("name", ["r3d18", "r3d50"])
def test_the_stem_looks_at_one_frame_at_a_time(name: str, request: pytest.FixtureRequest) -> None:
    stem = conv(request.getfixturevalue(name), "0.conv")
    assert (stem.kernel_size, stem.stride, stem.padding) == ((1, 7, 7), (1, 2, 2), (0, 3, 3))
    assert (stem.in_channels, stem.out_channels, stem.bias) == (3, 64, None)


@pytest.mark.parametrize(
    ("stage", "width", "kernel", "stride"),
    [
        (1, 64, (1, 3, 3), (1, 1, 1)),
        (2, 128, (1, 3, 3), (1, 2, 2)),
        (3, 256, (3, 3, 3), (1, 2, 2)),
        (4, 512, (3, 3, 3), (1, 2, 2)),
    ],
)
def test_r3d18_looks_over_time_from_its_third_stage_on(
    r3d18: nn.Module, stage: int, width: int, kernel: tuple[int, ...], stride: tuple[int, ...]
) -> None:
    first = conv(r3d18, f"{stage}.res_blocks.0.branch2.conv_a")
    assert (first.out_channels, first.kernel_size, first.stride) == (width, kernel, stride)
    second = conv(r3d18, f"{stage}.res_blocks.0.branch2.conv_b")
    assert (second.kernel_size, second.stride) == ((1, 3, 3), (1, 1, 1))


@pytest.mark.parametrize(
    ("stage", "depth", "width", "kernel", "stride"),
    [
        (1, 3, 256, (1, 1, 1), (1, 1, 1)),
        (2, 4, 512, (1, 1, 1), (1, 2, 2)),
        (3, 6, 1024, (3, 1, 1), (1, 2, 2)),
        (4, 3, 2048, (3, 1, 1), (1, 2, 2)),
    ],
)
def test_r3d50_is_the_slow_path_alone(
    r3d50: nn.Module, stage: int, depth: int, width: int, kernel: tuple[int, ...], stride: tuple[int, ...]
) -> None:
    assert len(list(r3d50.get_submodule(f"model.blocks.{stage}.res_blocks").children())) == depth
    assert conv(r3d50, f"{stage}.res_blocks.0.branch2.conv_a").kernel_size == kernel
    assert conv(r3d50, f"{stage}.res_blocks.0.branch2.conv_b").stride == stride
    assert conv(r3d50, f"{stage}.res_blocks.0.branch2.conv_c").out_channels == width


def test_a_shortcut_changes_shape_only_where_it_must(r3d18: nn.Module) -> None:
    changed = {name for name, _ in r3d18.named_modules() if name.endswith("branch1_conv")}
    assert changed == {f"model.blocks.{stage}.res_blocks.0.branch1_conv" for stage in (2, 3, 4)}


@pytest.mark.parametrize("name", ["r3d18", "r3d50"])
def test_no_convolution_has_a_bias_and_every_norm_the_printed_constants(
    name: str, request: pytest.FixtureRequest
) -> None:
    for part in request.getfixturevalue(name).modules():
        if isinstance(part, nn.Conv3d):
            assert part.bias is None
        if isinstance(part, nn.BatchNorm3d):
            assert (part.eps, part.momentum) == (1e-5, 0.1)


def test_convolutions_start_with_the_deviation_of_their_fan_out(r3d18: nn.Module) -> None:
    weight = conv(r3d18, "4.res_blocks.1.branch2.conv_a").weight
    assert float(weight.detach().std()) == pytest.approx((2 / (512 * 27)) ** 0.5, rel=0.02)


def test_an_untrained_residual_block_passes_its_input_on(r3d18: nn.Module) -> None:
    block = r3d18.get_submodule("model.blocks.1.res_blocks.1").eval()
    x = torch.rand(1, 64, 2, 4, 4)
    torch.testing.assert_close(block(x), x)


def test_the_small_image_trunk_keeps_every_pixel_through_its_stem() -> None:
    trunk = build_trunk(R18(small_images=True))
    assert trunk.conv1(torch.zeros(1, 3, 32, 32)).shape == (1, 64, 32, 32)
    assert isinstance(trunk.maxpool, nn.Identity)


# -- heads


def kinds(head: nn.Sequential) -> list[str]:
    return [type(part).__name__ for part in head]


BLOCK = ["Linear", "BatchNorm1d", "ReLU"]


@pytest.mark.parametrize(
    ("width_in", "shape", "layers", "norms"),
    [
        (2048, Projector(hidden_width=4096), [*BLOCK, *BLOCK, "Linear", "BatchNorm1d"], [True, True, False]),
        (512, Projector(), [*BLOCK, *BLOCK, "Linear", "BatchNorm1d"], [True, True, False]),
        (
            512,
            Projector(hidden_width=512, num_layers=2, width=128, norm_last=False),
            [*BLOCK, "Linear"],
            [True],
        ),
        (512, Projector(num_layers=1, norm_last=False), ["Linear"], []),
    ],
)
def test_a_projectors_layers_are_the_printed_ones(
    width_in: int, shape: Projector, layers: list[str], norms: list[bool]
) -> None:
    head = projector(width_in, shape)
    assert kinds(head) == layers
    assert [part.affine for part in head if isinstance(part, nn.BatchNorm1d)] == norms
    assert head.eval()(torch.zeros(2, width_in)).shape == (2, shape.width)


def test_a_predictor_keeps_the_width_and_has_no_bias() -> None:
    head = predictor(256, Predictor(hidden_width=64))
    assert kinds(head) == [*BLOCK, "Linear"]
    assert [part.bias for part in head if isinstance(part, nn.Linear)] == [None, None]
    assert head.eval()(torch.zeros(2, 256)).shape == (2, 256)
