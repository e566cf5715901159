"""The feed of changes that live pages follow. Its id is the cursor."""

from datetime import datetime

from sqlalchemy import BigInteger, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Table, now


class Change(Table):
    __tablename__ = "changes"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    topic: Mapped[str] = mapped_column(String(16))
    """run, metrics, checkpoint, dataset, host or limit."""
    subject_id: Mapped[int]
    """Id of the row that changed; for metrics and checkpoint, of the run."""
    at: Mapped[datetime] = mapped_column(default=now)
