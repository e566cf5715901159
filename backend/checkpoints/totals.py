"""How much room checkpoints take, over all runs."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.checkpoints.tables import Checkpoint


def checkpoint_bytes(db: Session) -> int:
    """Bytes of all checkpoints that are still there."""
    return int(db.scalar(select(func.sum(Checkpoint.bytes)).where(Checkpoint.removed_at.is_(None))) or 0)
