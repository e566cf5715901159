"""What keeps a checkpoint, in words, and so what may be done with it."""

from collections.abc import Sequence
from typing import Literal

from backend.checkpoints.registry import KEPT
from backend.checkpoints.tables import Checkpoint
from backend.runs.life import ACTIVE, FAILED, FINISHED, STOPPED
from backend.runs.tables import Run

HAS_TRUNK = ("pretrain", "import")

May = Literal["evaluate", "resume", "pin", "unpin", "download", "remove"]


def held_by(row: Checkpoint, run: Run, measured: Sequence[Run], *, is_newest: bool) -> list[str]:
    """What refers to it, a sentence each; it cannot be removed while anything does."""
    if row.removed_at is not None:
        return []
    holds = ["It is pinned."] if row.pinned else []
    if is_newest and run.state != FINISHED:
        holds.append(f"{run.name} would go on from it.")
    waiting = [child for child in measured if child.state in ACTIVE]
    holds += [f"{child.name} is {child.state} and reads it." for child in waiting]
    if done := len(measured) - len(waiting):
        holds.append(f"{done} evaluation{'s refer' if done > 1 else ' refers'} to it.")
    return holds


def may(row: Checkpoint, run: Run, *, is_held: bool, is_newest: bool) -> list[May]:
    """What a user may do with it now. A run goes on from its newest state."""
    if row.removed_at is not None:
        return ["unpin"] if row.pinned else []
    allowed: dict[May, bool] = {
        "evaluate": row.kind in KEPT and run.kind in HAS_TRUNK,
        "resume": is_newest and run.state in (STOPPED, FAILED) and run.archived_at is None,
        "pin": not row.pinned,
        "unpin": row.pinned,
        "download": True,
        "remove": not is_held,
    }
    return [action for action, is_allowed in allowed.items() if is_allowed]
