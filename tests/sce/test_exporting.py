"""A trunk given away: loaded by the real packages' models, it computes what it computed here."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from torch import Tensor, nn

from sce.checkpoints import DEFINITION, UnusableCheckpoint
from sce.definition import (
    R18,
    R50,
    CheckpointFile,
    ImageData,
    Pretrain,
    R3d18,
    R3d50,
    Small3d,
    Trunk,
    VideoData,
    definition_adapter,
)
from sce.definition.exports import LAYOUTS, SUFFIXES, Layout, layouts_of
from sce.exporting import give
from sce.foreign import read_foreign, renamed_weights, take
from sce.naming import names
from sce.trunks import build_trunk

VIDEO_TRUNKS = (R3d50(), R3d18(), Small3d(width=2))


def checkpoint(folder: Path, trunk: Trunk) -> tuple[Path, nn.Module]:
    """A checkpoint of ours with a trunk of random weights and statistics, and that trunk."""
    data: Any = VideoData(root="demo") if trunk in VIDEO_TRUNKS else ImageData(root="digits")
    network = build_trunk(trunk).eval()
    for value in network.state_dict().values():
        if value.is_floating_point() and value.ndim == 1:
            value.add_(0.1 * torch.rand(value.shape))
    state = {f"trunk.{key}": value for key, value in network.state_dict().items()}
    definition = definition_adapter.dump_json(Pretrain(data=data, trunk=trunk)).decode()
    torch.save({"state_dict": state, DEFINITION: definition}, folder / "a.ckpt")
    return folder / "a.ckpt", network


def given(path: Path, layout: Layout) -> Path:
    out = path.with_name(f"out{SUFFIXES[layout]}")
    give(path, None, "online", layout=layout, out=out)
    return out


@torch.no_grad()
def feature(network: nn.Module, clip: Tensor) -> Tensor:
    return network.eval()(clip)  # type: ignore[no-any-return]  # a module may return anything


@pytest.mark.parametrize("trunk", [R18(), R50()], ids=lambda trunk: trunk.kind)
def test_torchvisions_own_network_gives_the_same_feature(trunk: R18 | R50, tmp_path: Path) -> None:
    import torchvision

    path, ours = checkpoint(tmp_path, trunk)
    theirs = getattr(torchvision.models, f"resnet{trunk.kind[1:]}")(weights=None)
    theirs.fc = nn.Identity()
    theirs.load_state_dict(torch.load(given(path, "torchvision"), weights_only=True), strict=True)
    images = torch.randn(2, 3, 64, 64)
    torch.testing.assert_close(
        feature(theirs, images), feature(ours, images[:, :, None]), atol=1e-5, rtol=1e-5
    )


def test_pytorchvideos_own_network_gives_the_same_feature(tmp_path: Path) -> None:
    from pytorchvideo.models.resnet import create_resnet

    path, ours = checkpoint(tmp_path, R3d50())
    stem: Any = (1, 7, 7)
    theirs = create_resnet(model_depth=50, stem_conv_kernel_size=stem, head=None)  # type: ignore[arg-type]  # documented there as "no head"
    theirs.load_state_dict(torch.load(given(path, "pytorchvideo"), weights_only=True), strict=True)
    clips = torch.randn(1, 3, 2, 32, 32)
    pooled = feature(theirs, clips).mean(dim=(2, 3, 4))
    torch.testing.assert_close(pooled, feature(ours, clips), atol=1e-5, rtol=1e-5)


# The stem, and all of the first stage's first block, as SlowFast's ResNet of one pathway names them.
SLOWFAST_BLOCK = {
    "s1.pathway0_stem.conv.weight", "s1.pathway0_stem.bn.running_mean", "s2.pathway0_res0.branch1.weight",
    "s2.pathway0_res0.branch1_bn.bias", "s2.pathway0_res0.branch2.a.weight",
    "s2.pathway0_res0.branch2.a_bn.running_var", "s2.pathway0_res0.branch2.b.weight",
    "s2.pathway0_res0.branch2.b_bn.weight", "s2.pathway0_res0.branch2.c.weight",
    "s2.pathway0_res0.branch2.c_bn.weight", "s5.pathway0_res2.branch2.c_bn.num_batches_tracked",
}  # fmt: skip


def test_slowfast_finds_its_names_under_model_state_and_they_come_back_whole(tmp_path: Path) -> None:
    path, ours = checkpoint(tmp_path, R3d50())
    out = given(path, "slowfast")
    state = torch.load(out, weights_only=True)["model_state"]
    assert set(state) >= SLOWFAST_BLOCK
    blocks = {key.rpartition(".branch")[0] for key in state if ".branch2." in key}
    assert blocks == {
        f"s{stage}.pathway0_res{block}"
        for stage, depth in zip((2, 3, 4, 5), (3, 4, 6, 3), strict=True)
        for block in range(depth)
    }
    assert_comes_back(out, R3d50(), ours, torch.randn(1, 3, 2, 32, 32))


def test_detectron2_finds_its_names_and_may_place_them_by_itself(tmp_path: Path) -> None:
    path, ours = checkpoint(tmp_path, R50())
    out = given(path, "detectron2")
    content = torch.load(out, weights_only=True)
    assert content["matching_heuristics"] is True
    assert {key.split(".")[0] for key in content["model"]} == {"stem", "res2", "res3", "res4", "res5"}
    # 53 convolutions, each with the four tensors of its frozen norm.
    assert len(content["model"]) == 53 * 5
    assert_comes_back(out, R50(), ours, torch.randn(1, 3, 1, 64, 64))


def assert_comes_back(file: Path, trunk: Trunk, ours: nn.Module, clip: Tensor) -> None:
    """Read again as a foreign file, it computes the same."""
    found, wanted = read_foreign(file), CheckpointFile(path=str(file), trunk=trunk)
    _, fit = take(found, wanted, file.name)
    again = build_trunk(trunk)
    again.load_state_dict(renamed_weights(found, fit, trunk), strict=True)
    torch.testing.assert_close(feature(again, clip), feature(ours, clip), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("trunk", [R3d18(), Small3d(width=2), R18()], ids=lambda trunk: trunk.kind)
def test_safetensors_say_which_trunk_they_are_and_come_back_whole(trunk: Trunk, tmp_path: Path) -> None:
    path, ours = checkpoint(tmp_path, trunk)
    out = given(path, "safetensors")
    with safe_open(out, framework="pt") as file:
        assert json.loads(file.metadata()["trunk"]) == trunk.model_dump()
        assert not [key for key in file.keys() if key.startswith(("model.", "trunk."))]  # noqa: SIM118 - no mapping
    frames = 4 if trunk in VIDEO_TRUNKS else 1
    assert_comes_back(out, trunk, ours, torch.randn(1, 3, frames, 32, 32))


def test_a_layout_that_the_trunk_does_not_have_is_refused_with_those_it_has(tmp_path: Path) -> None:
    path, _ = checkpoint(tmp_path, Small3d(width=2))
    for layout in (*LAYOUTS[1:], "onnx"):
        with pytest.raises(UnusableCheckpoint, match=f"no {layout} layout: choose safetensors$"):
            give(path, None, "online", layout=layout, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_small_image_trunk_is_no_torchvision_network_and_is_not_offered_as_one() -> None:
    assert layouts_of(R18(small_images=True)) == ("safetensors",)
    assert layouts_of(R50()) == ("safetensors", "torchvision", "detectron2")
    assert layouts_of(R3d50()) == ("safetensors", "pytorchvideo", "slowfast")


def test_exported_names_are_unique(tmp_path: Path) -> None:
    state = build_trunk(R18()).state_dict()
    assert len(names(state, "detectron2")) == len(state)
