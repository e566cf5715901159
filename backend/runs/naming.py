"""Names of runs that say what they are, short enough to be read in a table."""

from collections.abc import Sequence
from pathlib import PurePosixPath

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.checkpoints.tables import Checkpoint
from backend.evaluations.words import kind_word
from backend.runs.tables import Run
from sce.definition import Evaluation, Pretrain

MAX_NAME = 128


def choose_names(
    taken: Sequence[str],
    definition: Pretrain | Evaluation,
    *,
    asked: str | None,
    seeds: Sequence[int],
    dataset: str,
    parent: str | None,
    checkpoint: Checkpoint | None,
) -> list[str]:
    """One name for each seed. A name that was asked for is taken as it is."""
    name = asked or _unused(_stem(definition, dataset, parent, checkpoint), taken)
    if len(seeds) == 1:
        return [name]
    return [f"{name[: MAX_NAME - 24]}, seed {seed}" for seed in seeds]


def taken_names(db: Session, experiment_id: int) -> list[str]:
    return list(db.scalars(select(Run.name).where(Run.experiment_id == experiment_id)))


def evaluation_name(kind: str, parent: str, checkpoint: Checkpoint) -> str:
    """As in 'k-NN of sce small3d demo 1 at epoch 10'."""
    where = {"initial": " untrained", "imported": ""}.get(checkpoint.kind, f" at epoch {checkpoint.epoch:g}")
    return f"{kind_word(kind)} of {parent[:80]}{where}"


def _stem(
    definition: Pretrain | Evaluation, dataset: str, parent: str | None, checkpoint: Checkpoint | None
) -> str:
    if isinstance(definition, Pretrain):
        return f"{definition.method.kind} {definition.trunk.kind} {dataset}"[:100]
    kind = definition.protocol.kind
    if checkpoint is not None and parent is not None:
        return evaluation_name(kind, parent, checkpoint)
    return f"{kind_word(kind)} of {PurePosixPath(definition.checkpoint.path).stem[:80]}"


def _unused(stem: str, taken: Sequence[str]) -> str:
    """``stem`` with the next number; evaluations' stems are used bare the first time."""
    names = {name.split(", seed ")[0] for name in taken}
    if " of " in stem and stem not in names:
        return stem
    number = next(n for n in range(1, len(names) + 2) if f"{stem} {n}" not in names)
    return f"{stem} {number}"
