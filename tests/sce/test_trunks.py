"""Trunks: sizes, shapes and names that other people's checkpoints rely on."""

import pytest
import torch

from sce.definition import R18, R50, R3d18, R3d50, Small3d, Trunk
from sce.definition.sizes import TRUNK_PARAMETERS, trunk_width
from sce.trunks import build_trunk


@pytest.mark.parametrize("trunk", [R3d18(), R3d50(), R18(), R50()], ids=lambda trunk: trunk.kind)
def test_a_trunk_has_its_published_number_of_parameters(trunk: Trunk) -> None:
    built = build_trunk(trunk)
    assert sum(weight.numel() for weight in built.parameters()) == TRUNK_PARAMETERS[trunk.kind]


@pytest.mark.parametrize(
    ("trunk", "shape"),
    [
        (R3d18(), (2, 3, 2, 32, 32)),
        (R3d50(), (2, 3, 2, 32, 32)),
        (Small3d(width=4), (2, 3, 4, 32, 32)),
        (R18(), (2, 3, 1, 32, 32)),
        (R50(small_images=True), (2, 3, 1, 16, 16)),
    ],
    ids=lambda value: getattr(value, "kind", "x".join(map(str, value)) if isinstance(value, tuple) else None),
)
def test_a_trunk_gives_features_of_its_width(trunk: Trunk, shape: tuple[int, ...]) -> None:
    assert build_trunk(trunk)(torch.randn(shape)).shape == (2, trunk_width(trunk))


def test_video_trunks_never_shrink_time() -> None:
    maps = build_trunk(R3d18()).model(torch.randn(1, 3, 8, 32, 32))
    assert maps.shape == (1, 512, 8, 1, 1)


@pytest.mark.parametrize("trunk", [R3d18(), R3d50()], ids=lambda trunk: trunk.kind)
def test_video_trunks_name_their_weights_as_pytorchvideo_does(trunk: Trunk) -> None:
    names = set(build_trunk(trunk).state_dict())
    assert {"model.blocks.0.conv.weight", "model.blocks.0.norm.bias"} <= names
    assert "model.blocks.3.res_blocks.1.branch2.conv_a.weight" in names
    assert "model.blocks.2.res_blocks.0.branch1_norm.running_var" in names


def test_image_trunks_name_their_weights_as_torchvision_does() -> None:
    assert {"conv1.weight", "layer1.0.bn1.bias"} <= set(build_trunk(R18()).state_dict())


@pytest.mark.parametrize(("trunk", "last"), [(R3d18(), "norm_b"), (R3d50(), "norm_c")])
def test_residual_branches_of_video_trunks_start_at_zero(trunk: Trunk, last: str) -> None:
    weights = build_trunk(trunk).state_dict()
    assert not any(value.any() for name, value in weights.items() if name.endswith(f"{last}.weight"))


def test_the_small_trunk_tells_a_motion_from_its_reverse() -> None:
    """A bright bar that moves right, and the same frames backwards: one picture alone could not tell them."""
    torch.manual_seed(0)
    clip = torch.zeros(1, 3, 8, 48, 48)
    for t in range(8):
        clip[:, :, t, :, 4 * t : 4 * t + 8] = 1
    trunk = build_trunk(Small3d()).eval()
    with torch.no_grad():
        forth, back, again = trunk(torch.cat([clip, clip.flip(2), clip]))
    torch.testing.assert_close(forth, again)
    assert (forth - back).norm() > 0.05 * forth.norm()


def test_small_images_keep_their_resolution_longer() -> None:
    stem = build_trunk(R18(small_images=True)).conv1
    assert (stem.kernel_size, stem.stride) == ((3, 3), (1, 1))
