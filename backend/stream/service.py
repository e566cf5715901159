"""The feed of changes: who follows it asks again for what it names, so a change told twice does no harm."""

from datetime import timedelta
from typing import Literal

from sqlalchemy import delete, event, func, insert, select
from sqlalchemy.orm import Session, SessionTransaction

from backend.db import in_transaction, lock_for_this_transaction, now
from backend.stream.tables import Change

Topic = Literal["run", "metrics", "checkpoint", "dataset", "host", "limit"]
CHANGES_LOCK = 0x5CE_0001


def tell(db: Session, topic: Topic, subject_id: int) -> None:
    """Say that a row changed; once per transaction, however often it is called."""
    in_transaction(db).info.setdefault("told", set()).add((topic, subject_id))


def changes_after(db: Session, cursor: int, *, limit: int = 500) -> list[Change]:
    """What was committed since, oldest first. The last one's id is the next cursor."""
    asked = select(Change).where(Change.id > cursor).order_by(Change.id).limit(limit)
    return list(db.scalars(asked))


def newest_cursor(db: Session) -> int:
    """The cursor of what happens next."""
    return db.scalar(select(func.max(Change.id))) or 0


def oldest_cursor(db: Session) -> int:
    """A follower with a smaller cursor has missed changes and must read everything again."""
    return db.scalar(select(func.min(Change.id))) or 0


def forget_old_changes(db: Session, *, older_than: timedelta = timedelta(hours=1)) -> int:
    """Delete what no page follows any more, but the newest, so that cursors never go back."""
    newest = newest_cursor(db)
    gone = delete(Change).where(Change.at < now() - older_than, Change.id < newest).returning(Change.id)
    return len(db.scalars(gone).all())


@event.listens_for(Session, "before_commit")
def _write_changes(db: Session) -> None:
    if db.in_nested_transaction():
        return
    told = db.info.pop("told", None)
    if told:
        # Cursors must rise in the order of commits, or a follower would step over a slow transaction.
        lock_for_this_transaction(db, CHANGES_LOCK)
        rows = [{"topic": topic, "subject_id": subject_id} for topic, subject_id in sorted(told)]
        db.connection().execute(insert(Change), rows)


@event.listens_for(Session, "after_soft_rollback")
def _forget(db: Session, ended: SessionTransaction) -> None:
    if not ended.nested:
        db.info.pop("told", None)
