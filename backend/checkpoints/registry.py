"""The register of checkpoints: what a journal line says of a file becomes a row."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from backend.checkpoints.tables import Checkpoint
from backend.db import now
from backend.trees import TreeView

KINDS = ("initial", "periodic", "last", "imported", "best", "final")
CLASSIFIERS = ("best", "final")
"""Classifiers that a linear probe or a fine-tuning left; they may be tested."""
KEPT = ("initial", "periodic", "imported")
"""Kinds whose file stays as it is, so that it may be evaluated."""


@dataclass(frozen=True)
class Total:
    """What a run's checkpoints amount to."""

    count: int = 0
    bytes: int = 0
    kept: int = 0
    """Those that may be evaluated."""


def register_checkpoint(db: Session, *, run_id: int, attempt: int, event: TreeView) -> Checkpoint:
    """Write down a whole checkpoint; one that a resumed run made again takes the place of the one before.

    Raises ``KeyError`` or ``ValueError`` when the line does not describe one.
    """
    path, kind = str(event["path"]), str(event["kind"])
    if kind not in KINDS:
        raise ValueError(f"there is no checkpoint kind {kind!r}")
    facts = {
        "attempt": attempt,
        "step": int(event["step"]),
        "epoch": float(event["epoch"]),
        "kind": kind,
        "bytes": int(event["bytes"]),
        "sha256": str(event["sha256"]),
        "removed_at": None,
    }
    row = db.scalar(select(Checkpoint).where(Checkpoint.run_id == run_id, Checkpoint.path == path))
    if row is None:
        row = Checkpoint(run_id=run_id, path=path, **facts)
        db.add(row)
    else:
        for name, value in facts.items():
            setattr(row, name, value)
    db.flush()
    return row


def mark_removed(db: Session, *, run_id: int, path: str) -> None:
    """The trainer removed a file that it had journaled."""
    row = db.scalar(select(Checkpoint).where(Checkpoint.run_id == run_id, Checkpoint.path == path))
    if row is not None and row.removed_at is None:
        row.removed_at = now()


def totals(db: Session, run_ids: Collection[int]) -> dict[int, Total]:
    """Number and bytes of each run's checkpoints that are still there."""
    kept = func.sum(case((Checkpoint.kind.in_(KEPT), 1), else_=0))
    asked = (
        select(Checkpoint.run_id, func.count(), func.sum(Checkpoint.bytes), kept)
        .where(Checkpoint.run_id.in_(run_ids), Checkpoint.removed_at.is_(None))
        .group_by(Checkpoint.run_id)
    )
    return {row[0]: Total(row[1], int(row[2]), row[3]) for row in db.execute(asked)}


def by_ids(db: Session, ids: Collection[int]) -> dict[int, Checkpoint]:
    if not ids:
        return {}
    return {row.id: row for row in db.scalars(select(Checkpoint).where(Checkpoint.id.in_(ids)))}


def newest_steps(db: Session, run_ids: Collection[int]) -> dict[int, int]:
    """Step of each run's newest state that is still there: where it would go on from."""
    asked = (
        select(Checkpoint.run_id, func.max(Checkpoint.step))
        .where(Checkpoint.run_id.in_(run_ids), Checkpoint.removed_at.is_(None))
        .group_by(Checkpoint.run_id)
    )
    return dict(db.execute(asked).all())
