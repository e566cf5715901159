"""Metric points. Any number of them: written in bulk, read through buckets."""

from sqlalchemy import BigInteger, Float, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Table


class Series(Table):
    """One metric of one run, with what a table shows of it."""

    __tablename__ = "series"
    __table_args__ = (UniqueConstraint("run_id", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(128))
    num_points: Mapped[int] = mapped_column(BigInteger, default=0)
    first_step: Mapped[int] = mapped_column(BigInteger)
    last_step: Mapped[int] = mapped_column(BigInteger)
    last_value: Mapped[float | None] = mapped_column(Float(53))
    min_value: Mapped[float | None] = mapped_column(Float(53))
    max_value: Mapped[float | None] = mapped_column(Float(53))
    num_unfolded: Mapped[int] = mapped_column(default=0, server_default="0")
    """Its newest points, which no rollup holds yet."""
    folded_to: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    """Rollups hold its points up to this id."""


class Point(Table):
    """One value at one step of one attempt. NaN and infinities are kept as text in ``odd``."""

    __tablename__ = "points"
    __table_args__ = (
        Index("ix_points_since", "series_id", "id"),
        Index("ix_points_range", "series_id", "step"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    series_id: Mapped[int] = mapped_column(ForeignKey("series.id", ondelete="CASCADE"))
    step: Mapped[int] = mapped_column(BigInteger)
    epoch: Mapped[float] = mapped_column(Float(53))
    time: Mapped[float] = mapped_column(Float(53))
    value: Mapped[float | None] = mapped_column(Float(53))
    odd: Mapped[str | None] = mapped_column(String(4))
    """nan, inf or -inf, where value is None."""
    attempt: Mapped[int]


class Rollup(Table):
    """The points of one attempt in one block of ``8 ** level`` steps, folded some at a time as they arrive.

    A chart of a million points reads a few thousand of these instead, and the few that are not folded yet.
    """

    __tablename__ = "rollups"
    __table_args__ = ({"sqlite_with_rowid": False},)

    series_id: Mapped[int] = mapped_column(ForeignKey("series.id", ondelete="CASCADE"), primary_key=True)
    level: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    block: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """First step of the block, divided by the block's size."""
    attempt: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    step: Mapped[int] = mapped_column(BigInteger)
    """Step of its first point."""
    last_step: Mapped[int] = mapped_column(BigInteger)
    epoch: Mapped[float] = mapped_column(Float(53))
    time: Mapped[float] = mapped_column(Float(53))
    first: Mapped[float | None] = mapped_column(Float(53))
    last: Mapped[float | None] = mapped_column(Float(53))
    min: Mapped[float | None] = mapped_column(Float(53))
    max: Mapped[float | None] = mapped_column(Float(53))
    count: Mapped[int] = mapped_column(BigInteger)
