"""Takes trunks over from files and gives them away: ``python -m sce.transfer inspect|import|export``.

The platform starts it as a program, so that no process of its own ever opens a checkpoint. What is asked comes
as JSON on standard input; the answer is one JSON object on standard output, ``{"error": sentence}`` at worst.
"""

import json
import sys
from pathlib import Path
from typing import Any

import torch
from pydantic import Field

from sce.checkpoints import IMPORT, UnusableCheckpoint, digest, write_atomically
from sce.definition import CheckpointFile, Frozen, Import, Pretrain, Sha256, Trunk, definition_adapter
from sce.exporting import give
from sce.foreign import Foreign, inspect, nothing_found, read_foreign, renamed_weights, take
from sce.matching import Match, faults
from sce.recipes import expanded, load_recipe


class Wanted(Frozen):
    """What an inspection or an import is asked for."""

    file: CheckpointFile
    """The file, and whatever is known of its trunk, naming and prefix."""
    out: str = ""
    """Where the import writes its checkpoint."""
    name: str = ""
    """The file as its user named it."""
    origin: str = Field(default="", max_length=500)
    recipe: str = ""
    """Recipe that it is said to have been trained by."""
    num_frames: int = 8
    clip_s: float = 2.56


class Exported(Frozen):
    """What an export is asked for."""

    path: str
    sha256: Sha256
    branch: str = "online"
    layout: str
    out: str


def answer(verb: str, asked: str) -> dict[str, Any]:
    """Do it. Raises ``UnusableCheckpoint``."""
    if verb == "inspect":
        return look(Wanted.model_validate_json(asked))
    if verb == "import":
        return take_over(Wanted.model_validate_json(asked))
    wanted = Exported.model_validate_json(asked)
    given = give(Path(wanted.path), wanted.sha256, wanted.branch, layout=wanted.layout, out=Path(wanted.out))
    return {"tensors": given.tensors, "bytes": given.bytes}


def look(wanted: Wanted) -> dict[str, Any]:
    """How the file's names match a trunk's, name by name; whole or not."""
    path = Path(wanted.file.path)
    found = read_foreign(path)
    best = inspect(found, wanted.file)
    said = {"sha256": digest(path), "bytes": path.stat().st_size, "tensors": len(found.weights)}
    said["container"], said["is_ours"] = found.container, found.pretrain is not None
    if best is None:
        return {
            **said,
            "trunk": None,
            "match": None,
            "sentence": nothing_found(found, wanted.file, path.name),
        }
    trunk, fit = best
    sentence = None if fit.is_whole else faults(fit, path.name, trunk)
    return {**said, "trunk": trunk.model_dump(mode="json"), "match": said_of(fit), "sentence": sentence}


def said_of(fit: Match) -> dict[str, Any]:
    """A match as plain data."""
    return {
        "naming": fit.naming,
        "prefix": fit.prefix,
        "is_whole": fit.is_whole,
        "pairs": [{"key": one.key, "becomes": one.becomes, "shape": one.shape} for one in fit.pairs],
        "missing": fit.missing,
        "unexpected": fit.unexpected,
        "wrong_shape": [{"key": one.key, "shape": one.shape, "needs": one.needs} for one in fit.wrong_shape],
        "head": fit.head,
        "counters": fit.counters,
        "elsewhere": [{"prefix": prefix, "tensors": count} for prefix, count in fit.elsewhere],
    }


def take_over(wanted: Wanted) -> dict[str, Any]:
    """Write the trunk as a checkpoint of ours, which says where it came from."""
    path, out = Path(wanted.file.path), Path(wanted.out)
    sha256 = digest(path)
    if wanted.file.sha256 not in (None, sha256):
        raise UnusableCheckpoint(f"{path.name} changed since it was looked at: look at it again")
    found = read_foreign(path)
    trunk, fit = take(found, wanted.file, path.name)
    taken = Import(
        source=wanted.name or str(path),
        source_sha256=sha256,
        trunk=trunk,
        naming=fit.naming,
        prefix=fit.prefix,
        branch=wanted.file.branch,
        num_frames=wanted.num_frames,
        clip_s=wanted.clip_s,
        origin=wanted.origin,
        recipe=wanted.recipe,
        pretrain=found.pretrain or _said_of(wanted.recipe, trunk),
    )
    write_atomically(out, lambda file: torch.save(_content(found, fit, trunk, taken), file))
    said = {"sha256": digest(out), "bytes": out.stat().st_size, "definition": taken.model_dump(mode="json")}
    return {**said, "match": said_of(fit), "step": found.step, "epoch": found.epoch}


def _said_of(recipe: str, trunk: Trunk) -> Pretrain | None:
    """The training of the recipe that was named. Raises ``UnusableCheckpoint`` for one of another trunk."""
    if not recipe:
        return None
    definition = definition_adapter.validate_python(expanded(load_recipe(recipe).definition))
    if not isinstance(definition, Pretrain) or definition.trunk != trunk:
        raise UnusableCheckpoint(
            f"The recipe {recipe} does not train a {trunk.kind} trunk like this one: name another, or none"
        )
    return definition


def _content(found: Foreign, fit: Match, trunk: Trunk, taken: Import) -> dict[str, Any]:
    weights = renamed_weights(found, fit, trunk)
    # A clone is written alone: a tensor that is part of a larger one would carry all of it into the file.
    return {
        "state_dict": {f"trunk.{key}": value.clone() for key, value in weights.items()},
        IMPORT: taken.model_dump_json(),
    }


def main() -> None:
    verb = sys.argv[1] if len(sys.argv) == 2 else ""
    if verb not in ("inspect", "import", "export"):
        sys.exit("usage: python -m sce.transfer inspect|import|export < REQUEST.json")
    try:
        said = answer(verb, sys.stdin.read())
    except UnusableCheckpoint as error:
        said = {"error": str(error)}
    json.dump(said, sys.stdout)


if __name__ == "__main__":
    main()
