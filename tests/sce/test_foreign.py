"""Trunks from elsewhere: found out, matched name by name, and refused with counts when anything is left over."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from sce.checkpoints import UnusableCheckpoint
from sce.definition import R18, R50, CheckpointFile, Naming, R3d18, R3d50, Small3d, Trunk
from sce.exporting import as_named
from sce.foreign import inspect, load_checkpoint_file, read_foreign, take
from sce.naming import names, namings_of, renamed
from sce.trunks import build_trunk

State = dict[str, Tensor]
SMALL = Small3d(width=2)


@pytest.fixture(scope="module")
def r3d18() -> State:
    return filled(build_trunk(R3d18()))


@pytest.fixture(scope="module")
def r18() -> State:
    return filled(build_trunk(R18()))


def filled(network: nn.Module) -> State:
    """A state whose statistics differ from tensor to tensor, so that no mix-up goes unseen."""
    state = network.state_dict()
    for number, value in enumerate(state.values()):
        if value.is_floating_point():
            value.add_(0.01 * torch.rand(value.shape) + 1e-4 * number)
    return state


def kept(folder: Path, content: object, name: str = "a.pth") -> Path:
    torch.save(content, folder / name)
    return folder / name


def behind(prefix: str, state: State) -> State:
    return {f"{prefix}{key}": value for key, value in state.items()}


def plain(state: State) -> State:
    """A video trunk as the authors release it: ``blocks.*`` without prefix."""
    return {key.removeprefix("model."): value for key, value in state.items()}


def asked(path: Path, **more: Any) -> CheckpointFile:
    return CheckpointFile(path=str(path), **more)


def read(path: Path, **more: Any) -> tuple[Trunk, str, str]:
    trunk, fit = take(read_foreign(path), asked(path, **more), path.name)
    return trunk, fit.naming, fit.prefix


LIGHTNING: dict[str, Any] = {"epoch": 199, "global_step": 9, "pytorch-lightning_version": "2.0", "loops": {}}
LAYOUTS: dict[str, tuple[Callable[[State], dict[str, Any]], str, str]] = {
    "released encoder": (plain, "pytorchvideo", ""),
    "Lightning checkpoint": (
        lambda state: {
            **LIGHTNING,
            "state_dict": {
                **behind("trunk.", state),
                **behind("momentum_trunk.", state),
                "projector.layers.0.weight": torch.zeros(2),
                "queue": torch.zeros(2, 3),
                "queue_ptr": torch.zeros(1),
            },
        },
        "sce",
        "trunk.",
    ),
    "linear checkpoint": (
        lambda state: {
            "state_dict": {**behind("trunk.", plain(state)), "classifier.proj.weight": torch.zeros(2)}
        },
        "pytorchvideo",
        "trunk.",
    ),
    "data parallel": (
        lambda state: {"state_dict": behind("module.", plain(state))},
        "pytorchvideo",
        "module.",
    ),
    "backbone": (lambda state: behind("backbone.", plain(state)), "pytorchvideo", "backbone."),
    "with a head": (
        lambda state: {**plain(state), "blocks.5.proj.weight": torch.zeros(4, 512)},
        "pytorchvideo",
        "",
    ),
    "without counts": (
        lambda state: {key: value for key, value in plain(state).items() if "num_batches" not in key},
        "pytorchvideo",
        "",
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_video_trunk_is_found_in_each_layout(layout: str, r3d18: State, tmp_path: Path) -> None:
    arrange, naming, prefix = LAYOUTS[layout]
    assert read(kept(tmp_path, arrange(r3d18))) == (R3d18(), naming, prefix)


@pytest.mark.parametrize(
    "prefix", ["", "trunk.", "module.", "backbone.", "model.", "module.encoder_q.", "encoder/"]
)
def test_an_image_trunk_is_found_behind_any_prefix(prefix: str, r18: State, tmp_path: Path) -> None:
    content = behind(prefix, {**r18, "fc.weight": torch.zeros(5, 512), "fc.bias": torch.zeros(5)})
    assert read(kept(tmp_path, {"state_dict": content})) == (R18(), "torchvision", prefix)


def test_the_small_image_stem_and_the_widths_are_told_by_their_shapes(tmp_path: Path) -> None:
    for trunk in (R18(small_images=True), Small3d(width=3)):
        assert read(kept(tmp_path, build_trunk(trunk).state_dict()))[0] == trunk


def test_safetensors_are_read_alike(r18: State, tmp_path: Path) -> None:
    save_file(r18, tmp_path / "a.safetensors")
    assert read(tmp_path / "a.safetensors") == (R18(), "torchvision", "")


def test_the_momentum_branch_is_taken_only_when_it_is_asked_for(tmp_path: Path) -> None:
    online, slow = filled(build_trunk(SMALL)), filled(build_trunk(SMALL))
    file = kept(tmp_path, {"state_dict": {**behind("trunk.", online), **behind("momentum_trunk.", slow)}})
    for branch, state in (("online", online), ("momentum", slow)):
        wanted = asked(file, branch=branch, trunk=SMALL)
        trunk, _ = load_checkpoint_file(wanted, file, num_frames=4, clip_s=1.0)
        assert all(torch.equal(value, state[key]) for key, value in trunk.state_dict().items())


def test_a_file_without_momentum_branch_says_so(tmp_path: Path) -> None:
    file = kept(tmp_path, behind("trunk.", build_trunk(SMALL).state_dict()))
    with pytest.raises(UnusableCheckpoint, match=r"momentum branch.*'trunk\.' \(24\)"):
        read(file, branch="momentum", trunk=SMALL)


def test_the_same_clip_has_the_same_feature_after_the_way_through_a_file(
    r3d18: State, tmp_path: Path
) -> None:
    original = build_trunk(R3d18())
    original.load_state_dict(r3d18)
    file = kept(tmp_path, plain(r3d18))
    taken, pretrain = load_checkpoint_file(asked(file, trunk=R3d18()), file, num_frames=4, clip_s=1.0)
    clip = torch.randn(1, 3, 2, 32, 32)
    with torch.no_grad():
        assert torch.equal(original.eval()(clip), taken.eval()(clip))
    assert (pretrain.data.num_frames, pretrain.data.clip_s, pretrain.trunk) == (4, 1.0, R3d18())


# -- what does not match


def test_what_is_missing_is_counted_and_named(r18: State, tmp_path: Path) -> None:
    state = {key: value for key, value in r18.items() if not key.startswith("layer4.1.conv")}
    with pytest.raises(
        UnusableCheckpoint, match=r"118 of 120 weights match, 2 are missing \(layer4\.1\.conv1\.weight, "
    ):
        read(kept(tmp_path, state))


def test_what_is_of_no_use_is_an_error_too(r18: State, tmp_path: Path) -> None:
    with pytest.raises(UnusableCheckpoint, match=r"1 are of no use \(layer5\.0\.weight\)"):
        read(kept(tmp_path, {**r18, "layer5.0.weight": torch.zeros(1)}))


def test_another_shape_is_an_error_that_names_both(r18: State, tmp_path: Path) -> None:
    state = {**r18, "layer2.0.conv1.weight": torch.zeros(2, 2)}
    with pytest.raises(UnusableCheckpoint, match=r"is \(2, 2\), not \(128, 64, 3, 3\)"):
        read(kept(tmp_path, state))


def test_a_trunk_that_the_file_does_not_hold_is_refused_with_the_prefixes_that_it_has(
    r18: State, tmp_path: Path
) -> None:
    file = kept(tmp_path, {**behind("trunk.", r18), "queue": torch.zeros(3)})
    with pytest.raises(UnusableCheckpoint, match=r"no r3d50 trunk.*'trunk\.' \(120\), 'queue' \(1\)"):
        read(file, trunk=R3d50())


def test_a_prefix_that_selects_nothing_is_an_error(r18: State, tmp_path: Path) -> None:
    with pytest.raises(UnusableCheckpoint, match=r"0 of 100 weights match.*outside that prefix lie 'bn1\.'"):
        read(kept(tmp_path, r18), prefix="trunk.", trunk=R18(), naming="torchvision")


def test_a_whole_resnet_50_is_not_taken_for_a_resnet_18(tmp_path: Path) -> None:
    with torch.device("meta"):
        state = build_trunk(R50()).state_dict()
    file = kept(tmp_path, {key: torch.empty(value.shape, dtype=value.dtype) for key, value in state.items()})
    assert read(file)[0] == R50()
    with pytest.raises(UnusableCheckpoint, match="have another shape"):
        read(file, trunk=R18())


# -- files that are no checkpoint, or more than one


class Runs:
    """What an attacker would put into a file: unpickling it makes a folder."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple[Any, tuple[str, int]]:
        return os.mkdir, (str(self.proof), 0o700)


def test_code_in_a_file_never_runs_and_is_named(tmp_path: Path) -> None:
    file = kept(tmp_path, {"state_dict": {"conv1.weight": torch.zeros(1)}, "x": Runs(tmp_path / "proof")})
    with pytest.raises(UnusableCheckpoint, match=r"asks for code.*\.mkdir.*nothing of it was read"):
        read_foreign(file)
    assert not (tmp_path / "proof").exists()


def test_another_trainers_settings_are_passed_over_and_its_weights_read(tmp_path: Path) -> None:
    import argparse

    settings = argparse.Namespace(lr=0.1, nested={"a": argparse.Namespace()})
    content = {"state_dict": build_trunk(SMALL).state_dict(), "hyper_parameters": settings}
    assert read(kept(tmp_path, content)) == (SMALL, "sce", "")


@pytest.mark.parametrize("content", [torch.zeros(3), {"a": 1}, {"state_dict": {}}, []])
def test_a_file_without_named_weights_is_refused(content: object, tmp_path: Path) -> None:
    with pytest.raises(UnusableCheckpoint, match=r"^a\.pth holds"):
        read_foreign(kept(tmp_path, content))


@pytest.mark.parametrize("name", ["a.pth", "a.safetensors"])
def test_bytes_that_are_no_checkpoint_are_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"no weights at all")
    with pytest.raises(UnusableCheckpoint, match="cannot be read"):
        read_foreign(tmp_path / name)


def test_a_file_that_is_gone_is_said_to_be_gone(tmp_path: Path) -> None:
    with pytest.raises(UnusableCheckpoint, match="There is no file"):
        read_foreign(tmp_path / "gone.pth")


# -- names


VIDEO_NAMES: list[tuple[str, str, Naming]] = [
    ("model.blocks.0.conv.weight", "s1.pathway0_stem.conv.weight", "slowfast"),
    ("model.blocks.0.norm.running_mean", "s1.pathway0_stem.bn.running_mean", "slowfast"),
    ("model.blocks.1.res_blocks.0.branch1_conv.weight", "s2.pathway0_res0.branch1.weight", "slowfast"),
    ("model.blocks.1.res_blocks.0.branch1_norm.bias", "s2.pathway0_res0.branch1_bn.bias", "slowfast"),
    ("model.blocks.4.res_blocks.2.branch2.conv_a.weight", "s5.pathway0_res2.branch2.a.weight", "slowfast"),
    ("model.blocks.4.res_blocks.2.branch2.norm_c.weight", "s5.pathway0_res2.branch2.c_bn.weight", "slowfast"),
    ("model.blocks.0.conv.weight", "conv1.conv.weight", "mmaction2"),
    ("model.blocks.2.res_blocks.3.branch2.conv_b.weight", "layer2.3.conv2.conv.weight", "mmaction2"),
    ("model.blocks.2.res_blocks.0.branch1_norm.weight", "layer2.0.downsample.bn.weight", "mmaction2"),
    ("conv1.weight", "stem.conv1.weight", "detectron2"),
    ("bn1.running_var", "stem.conv1.norm.running_var", "detectron2"),
    ("layer1.0.downsample.0.weight", "res2.0.shortcut.weight", "detectron2"),
    ("layer1.0.downsample.1.bias", "res2.0.shortcut.norm.bias", "detectron2"),
    ("layer4.2.bn3.weight", "res5.2.conv3.norm.weight", "detectron2"),
]


@pytest.mark.parametrize(("ours", "theirs", "naming"), VIDEO_NAMES)
def test_names_are_those_of_the_published_tables(ours: str, theirs: str, naming: Naming) -> None:
    assert renamed(ours, naming) == theirs


@pytest.mark.parametrize("trunk", [R3d50(), R50(), R18(), R3d18(), SMALL], ids=lambda trunk: trunk.kind)
def test_no_two_weights_get_the_same_name_and_every_naming_is_read_back(trunk: Trunk, tmp_path: Path) -> None:
    with torch.device("meta"):
        state = build_trunk(trunk).state_dict()
    for naming in namings_of(trunk):
        assert len(names(state, naming)) == len(state)
        theirs = {name: state[key] for name, key in names(state, naming).items()}
        found = read_foreign(kept(tmp_path, {key: torch.empty(v.shape) for key, v in theirs.items()}))
        best = inspect(found, asked(tmp_path / "a.pth", trunk=trunk))
        assert best is not None
        assert best[1].is_whole
        assert {pair.key: pair.becomes for pair in best[1].pairs} == names(state, naming)


def test_a_layout_that_counts_nothing_carries_no_counts(r18: State) -> None:
    assert not [key for key in as_named(r18, "detectron2", R18()) if "num_batches" in key]
