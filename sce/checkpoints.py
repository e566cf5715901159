"""Checkpoints on disk: written whole or not at all, each with its own definition inside, never unpickled."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from torch import nn

from sce.definition import Import, Pretrain, definition_adapter, learned_as
from sce.rundir import RunDir
from sce.trunks import build_trunk

DEFINITION = "scelab_definition"
IMPORT = "scelab_import"
_CHUNK = 1 << 22
_UNFINISHED = ".tmp"
LAST = "last-step="


class UnusableCheckpoint(ValueError):
    """The file is not what was asked for; the sentence says how, and what to do."""


@dataclass(frozen=True)
class Found:
    """The checkpoint to go on from, None to begin anew; and the newer ones that turned out torn."""

    path: Path | None
    step: int
    torn: tuple[str, ...]


def write_atomically(file: Path, write: Callable[[Path], None], *, is_writer: bool = True) -> None:
    """``write`` a temporary file, flush it to the disk, and rename it: readers see it whole or not.

    Every rank calls, because Lightning gathers while it saves; only the writer's file is renamed.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}{_UNFINISHED}")
    try:
        write(temporary)
        if not is_writer:
            return
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.replace(file)
    except BaseException:
        # On a full disk this is the room that the journal's last line needs.
        if is_writer:
            temporary.unlink(missing_ok=True)
        raise


def sweep(folder: Path, *, keep: set[str]) -> None:
    """Remove what a kill left among checkpoints: parts of files, and newest states that were never journaled."""
    for pattern in (f".*{_UNFINISHED}", f"{LAST}*.ckpt"):
        for file in folder.glob(pattern):
            if file.name not in keep:
                file.unlink(missing_ok=True)


def digest(file: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    found = hashlib.sha256()
    with file.open("rb") as stream:
        while piece := stream.read(_CHUNK):
            found.update(piece)
    return found.hexdigest()


def journaled(run: RunDir) -> dict[str, dict[str, Any]]:
    """The checkpoints that the journal says are there: path in the run folder -> its event, oldest first."""
    known: dict[str, dict[str, Any]] = {}
    for line in run.read():
        if line.event["event"] == "checkpoint":
            known.pop(line.event["path"], None)
            known[line.event["path"]] = line.event
        elif line.event["event"] == "removed":
            known.pop(line.event["path"], None)
    return known


def newest_whole(run: RunDir) -> Found:
    """The newest journaled checkpoint whose file is whole; the untrained one is nothing to go on from."""
    torn: list[str] = []
    for path, event in sorted(journaled(run).items(), key=lambda pair: -int(pair[1]["step"])):
        file = run.path / path
        if event["step"] == 0:
            break
        if file.is_file() and digest(file) == event["sha256"]:
            return Found(file, int(event["step"]), tuple(torn))
        torn.append(path)
    return Found(None, 0, tuple(torn))


def load_trunk(path: Path, sha256: str | None, branch: str) -> tuple[nn.Module, Pretrain]:
    """The trunk of one of our checkpoints, and the definition that it was trained by.

    ``branch`` is "online" (the papers' choice) or "momentum". Raises UnusableCheckpoint.
    """
    state = read_state(path, sha256)
    definition = _definition_of(state, path)
    prefix = "trunk." if branch == "online" else "momentum_trunk."
    weights = {
        key.removeprefix(prefix): value
        for key, value in state["state_dict"].items()
        if key.startswith(prefix)
    }
    if not weights:
        raise UnusableCheckpoint(
            f"{path.name} has no {branch} trunk: "
            + ("an import is one trunk" if IMPORT in state else f"{definition.method.kind} trains none")
            + ", choose branch online"
        )
    # The seed of a fresh trunk is nobody's business here: its weights are all replaced.
    with torch.random.fork_rng(devices=[]):
        trunk = build_trunk(definition.trunk)
    try:
        trunk.load_state_dict(weights, strict=True)
    except RuntimeError as error:
        raise UnusableCheckpoint(
            f"{path.name} holds other weights than its {definition.trunk.kind} trunk has: choose another "
            "checkpoint of the run"
        ) from error
    return trunk, definition


def read_state(path: Path, sha256: str | None) -> dict[str, Any]:
    """What a checkpoint file holds, weights and plain values only. Raises UnusableCheckpoint."""
    if not path.is_file():
        raise UnusableCheckpoint(f"There is no checkpoint {path}: it was removed, or the path is wrong")
    if sha256 is not None and (found := digest(path)) != sha256:
        raise UnusableCheckpoint(
            f"{path.name} is not the checkpoint that was asked for: its SHA-256 is {found[:12]}..., not "
            f"{sha256[:12]}...; choose the checkpoint again"
        )
    try:
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:
        # torch raises a dozen kinds for a file that is no checkpoint, or that asks to run code.
        raise UnusableCheckpoint(f"{path.name} cannot be read as a checkpoint of tensors: {error}") from error
    if not isinstance(state, dict) or "state_dict" not in state:
        raise UnusableCheckpoint(f"{path.name} holds no state_dict: choose a checkpoint that a run made")
    return state


def _definition_of(state: dict[str, Any], path: Path) -> Pretrain:
    try:
        if IMPORT in state:
            return learned_as(Import.model_validate_json(state[IMPORT]))
        definition = definition_adapter.validate_json(state[DEFINITION])
    except KeyError as error:
        raise UnusableCheckpoint(
            f"{path.name} does not say how it was trained: choose a checkpoint that a pretraining run made, "
            "or import it"
        ) from error
    except ValidationError as error:
        raise UnusableCheckpoint(
            f"{path.name} was trained by a definition that this version cannot read"
        ) from error
    if not isinstance(definition, Pretrain):
        raise UnusableCheckpoint(f"{path.name} is no pretraining's checkpoint")
    return definition
