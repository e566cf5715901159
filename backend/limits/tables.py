"""How much of the lab's hosts a user or an experiment may hold at a time."""

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Table


class Limit(Table):
    """Of one user or of one experiment; None for either number sets no limit to it."""

    __tablename__ = "limits"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), unique=True)
    experiment_id: Mapped[int | None] = mapped_column(
        ForeignKey("experiments.id", ondelete="CASCADE"), unique=True
    )
    runs: Mapped[int | None]
    devices: Mapped[int | None]
