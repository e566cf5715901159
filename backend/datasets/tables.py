"""Data sets as they were indexed: every video or image, its split and class, or why it cannot be read."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Table, now
from backend.trees import Tree


class Dataset(Table):
    __tablename__ = "datasets"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(128), unique=True)
    root: Mapped[str] = mapped_column(String(1024), unique=True)
    """Absolute folder, under a data root."""
    kind: Mapped[str] = mapped_column(String(8))
    """video or image."""
    state: Mapped[str] = mapped_column(String(16), default="waiting")
    """waiting, indexing, ready or failed."""
    failure: Mapped[str | None] = mapped_column(Text)
    classes: Mapped[list[str]] = mapped_column(default=list)
    fingerprint: Mapped[str | None] = mapped_column(String(64))
    """Digest of the index: changes when any item does."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    indexed_at: Mapped[datetime | None]


class Item(Table):
    """One video or image. ``position`` is its place in the split's index, as feature files count them."""

    __tablename__ = "items"
    __table_args__ = (
        UniqueConstraint("dataset_id", "split", "position"),
        Index("ix_items_class", "dataset_id", "split", "label"),
        # A number is never given twice, or a new video would show an old one's preview.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    dataset_id: Mapped[int] = mapped_column(ForeignKey("datasets.id", ondelete="CASCADE"))
    split: Mapped[str] = mapped_column(String(64))
    position: Mapped[int | None]
    """None for an unreadable item, which is in no split's index."""
    path: Mapped[str] = mapped_column(String(1024))
    """Relative to the data set's root."""
    label: Mapped[int | None]
    num_frames: Mapped[int | None]
    fps: Mapped[float | None]
    duration_s: Mapped[float | None]
    width: Mapped[int | None]
    height: Mapped[int | None]
    codec: Mapped[str | None] = mapped_column(String(32))
    bytes: Mapped[int | None] = mapped_column(BigInteger)
    unreadable: Mapped[str | None] = mapped_column(Text)
    """Why it cannot be read; None when it can."""


class Preparation(Table):
    """A folder that was downloaded by hand, on its way to a data set."""

    __tablename__ = "preparations"

    id: Mapped[int] = mapped_column(primary_key=True)
    set_name: Mapped[str] = mapped_column(String(32))
    """The catalogue's name."""
    name: Mapped[str] = mapped_column(String(128))
    """Name of the data set that it becomes."""
    source: Mapped[str] = mapped_column(String(1024))
    target: Mapped[str] = mapped_column(String(1024))
    """The same as the source where the folder is only checked and indexed."""
    how: Mapped[str] = mapped_column(String(8))
    """link, encode or frames."""
    short_side: Mapped[int | None]
    fps: Mapped[float | None]
    state: Mapped[str] = mapped_column(String(16), default="waiting")
    """waiting, running, stopping, stopped, finished or failed."""
    stage: Mapped[str] = mapped_column(String(16), default="")
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    num_bad: Mapped[int] = mapped_column(default=0)
    eta_s: Mapped[float | None]
    """Seconds that the present stage will still take."""
    sentence: Mapped[str | None] = mapped_column(Text)
    """Why it failed."""
    report: Mapped[Tree | None]
    dataset_id: Mapped[int | None] = mapped_column(ForeignKey("datasets.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(default=now)
    changed_at: Mapped[datetime] = mapped_column(default=now)
