"""Trunks from files that were made elsewhere: read as tensors alone, and taken only when every name matches."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from sce.checkpoints import DEFINITION, UnusableCheckpoint, digest, load_trunk
from sce.definition import (
    R18,
    R50,
    CheckpointFile,
    Pretrain,
    R3d18,
    R3d50,
    Small3d,
    Trunk,
    definition_adapter,
    foreign_pretrain,
)
from sce.matching import Match, Shape, best_match, faults, prefixes_found
from sce.naming import ANCHORS
from sce.trunks import build_trunk

CANDIDATES: tuple[Trunk, ...] = (
    R3d50(),
    R3d18(),
    R50(),
    R18(),
    R50(small_images=True),
    R18(small_images=True),
)
# The third convolution of a block: only deep ResNets have it. Building a network to find out costs seconds.
BOTTLENECKS = (".conv_c.", ".branch2.c.", ".conv3.")
CONTAINERS = ("state_dict", "model_state", "model_state_dict", "model", "encoder")
# Settings that other trainers keep beside their weights. They are read as inert stand-ins, never as code.
HARMLESS = ("omegaconf.", "collections.", "typing.", "pathlib.", "argparse.Namespace", "yacs.", "numpy.",
            "lightning.", "pytorch_lightning.", "lightning_fabric.")  # fmt: skip


@dataclass(frozen=True)
class Foreign:
    """A file's tensors by name, and the definition inside if a run of ours made it."""

    weights: Mapping[str, Tensor]
    container: str
    """Where in the file they lay; empty for a plain file of tensors."""
    pretrain: Pretrain | None
    step: int = 0
    """Optimizer steps that it was trained for, where the file says so."""
    epoch: int = 0

    @property
    def shapes(self) -> dict[str, Shape]:
        return {key: tuple(value.shape) for key, value in self.weights.items()}


def read_foreign(path: Path) -> Foreign:
    """Every tensor of a checkpoint or of a .safetensors file. Raises ``UnusableCheckpoint``."""
    content = _safetensors(path) if path.suffix == ".safetensors" else _pickled(path)
    container = next((key for key in CONTAINERS if isinstance(content.get(key), Mapping)), "")
    inside = content[container] if container else content
    weights = {str(key): value for key, value in inside.items() if isinstance(value, Tensor)}
    if not weights:
        parts = ", ".join(map(str, list(content)[:8])) or "none"
        raise UnusableCheckpoint(
            f"{path.name} holds no weights by name (its parts are {parts}): choose a checkpoint or a state dict"
        )
    step, epoch = (_count(content.get(name)) for name in ("global_step", "epoch"))
    # Lightning numbers the epoch that it is in; a checkpoint is written at its end.
    return Foreign(weights, container, _definition(content), step, epoch + 1 if step else epoch)


def _count(value: object) -> int:
    return value if isinstance(value, int) and 0 <= value < 2**31 else 0


def _safetensors(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError  # only files of this kind need it
    from safetensors.torch import load_file

    try:
        return dict(load_file(path))
    except (SafetensorError, OSError) as error:
        raise UnusableCheckpoint(f"{path.name} cannot be read as safetensors: {error}") from error


def _pickled(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise UnusableCheckpoint(f"There is no file {path}: it was removed, or the path is wrong")
    try:
        with _inert_settings(path):
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except UnusableCheckpoint:
        raise
    except Exception as error:
        # torch raises a dozen kinds for a file that is no checkpoint.
        raise UnusableCheckpoint(f"{path.name} cannot be read as a checkpoint of tensors: {error}") from error
    if not isinstance(content, Mapping):
        raise UnusableCheckpoint(f"{path.name} holds a {type(content).__name__}, not weights by name")
    return dict(content)


class _Inert:
    """Stands for an object of a foreign library: it takes whatever it is given and does nothing."""

    def __init__(self, *_: object, **__: object) -> None: ...

    def __setstate__(self, _: object) -> None: ...


@contextmanager
def _inert_settings(path: Path) -> Iterator[None]:
    """Names of settings' classes mean ``_Inert`` meanwhile. Raises ``UnusableCheckpoint`` for any other name."""
    asked = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    refused = [name for name in asked if not name.startswith(HARMLESS)]
    if refused:
        raise UnusableCheckpoint(
            f"{path.name} asks for code and not only for tensors ({', '.join(sorted(refused)[:4])}): nothing of "
            "it was read. Save its state dict alone, as safetensors or with torch.save"
        )
    stand_ins = [(type(name.rpartition(".")[2], (_Inert,), {}), name) for name in asked]
    with torch.serialization.safe_globals(cast(list[Any], stand_ins)):
        yield


def _definition(content: Mapping[str, Any]) -> Pretrain | None:
    text = content.get(DEFINITION)
    if not isinstance(text, str):
        return None
    try:
        definition = definition_adapter.validate_json(text)
    except ValueError:
        return None
    return definition if isinstance(definition, Pretrain) else None


def shapes_of(trunk: Trunk) -> dict[str, Shape]:
    """The trunk's weights by name, without making any."""
    with torch.device("meta"):
        return {key: tuple(value.shape) for key, value in build_trunk(trunk).state_dict().items()}


def inspect(found: Foreign, asked: CheckpointFile) -> tuple[Trunk, Match] | None:
    """The trunk that the file holds and how it is read; what ``asked`` leaves open is found out."""
    tried = [
        (trunk, fit)
        for trunk in ([asked.trunk] if asked.trunk else _candidates(found))
        if (fit := _best(found, trunk, asked)) is not None
    ]
    if not tried:
        return None
    return max(tried, key=lambda one: (one[1].is_whole, len(one[1].pairs) - len(one[1].wrong_shape)))


def _best(found: Foreign, trunk: Trunk, asked: CheckpointFile) -> Match | None:
    return best_match(
        found.shapes,
        shapes_of(trunk),
        trunk,
        naming=asked.naming,
        prefix=asked.prefix,
        branch=asked.branch,
    )


def _candidates(found: Foreign) -> list[Trunk]:
    """Trunks whose names occur in the file; its own definition knows it best."""
    if found.pretrain is not None:
        return [found.pretrain.trunk]
    ends = {kind: tuple(anchors.values()) for kind, anchors in ANCHORS.items()}
    is_deep = any(word in key for key in found.weights for word in BOTTLENECKS)
    likely = [
        one
        for one in CANDIDATES
        if one.kind.endswith("50") == is_deep and any(key.endswith(ends[one.kind]) for key in found.weights)
    ]
    first = [value for key, value in found.weights.items() if key.endswith(ends["small3d"])]
    return [*likely, *(Small3d(width=value.shape[0]) for value in first[:1])]


def take(found: Foreign, asked: CheckpointFile, name: str) -> tuple[Trunk, Match]:
    """As ``inspect``, but only a whole match will do. Raises ``UnusableCheckpoint`` with counts."""
    best = inspect(found, asked)
    if best is None:
        raise UnusableCheckpoint(nothing_found(found, asked, name))
    trunk, fit = best
    if not fit.is_whole:
        raise UnusableCheckpoint(faults(fit, name, trunk))
    return trunk, fit


def nothing_found(found: Foreign, asked: CheckpointFile, name: str) -> str:
    what = f"no {asked.trunk.kind} trunk" if asked.trunk else "no trunk that SCE Lab knows"
    if asked.branch == "momentum":
        what += " of a momentum branch"
    return (
        f"{name} holds {what}: its {len(found.weights)} names begin with {prefixes_found(found.shapes)}. "
        "Say which trunk, naming and prefix are meant, or choose another file"
    )


def renamed_weights(found: Foreign, fit: Match, trunk: Trunk) -> dict[str, Tensor]:
    """The trunk's whole state by our names: each a matched tensor, or a count that the file leaves out."""
    weights = {pair.becomes: found.weights[pair.key] for pair in fit.pairs}
    counts = {key: torch.tensor(0) for key in shapes_of(trunk) if key not in weights}
    return {**weights, **counts}


def load_checkpoint_file(
    asked: CheckpointFile, path: Path, *, num_frames: int, clip_s: float
) -> tuple[nn.Module, Pretrain]:
    """The trunk of any checkpoint, and what it learned from. Raises ``UnusableCheckpoint``.

    A file from elsewhere does not say what it learned from: the clips that it is shown stand in for that.
    """
    if asked.trunk is None:
        return load_trunk(path, asked.sha256, asked.branch)
    if asked.sha256 is not None and path.is_file() and digest(path) != asked.sha256:
        raise UnusableCheckpoint(f"{path.name} is not the file that was asked for: its SHA-256 is another")
    found = read_foreign(path)
    trunk, fit = take(found, asked, path.name)
    with torch.random.fork_rng(devices=[]):
        network = build_trunk(trunk)
    network.load_state_dict(renamed_weights(found, fit, trunk), strict=True)
    return network, foreign_pretrain(trunk, num_frames=num_frames, clip_s=clip_s)
