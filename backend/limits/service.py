"""Limits of users and experiments, as administrators set them."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.limits.tables import Limit


def all_limits(db: Session) -> list[Limit]:
    return list(db.scalars(select(Limit).order_by(Limit.id)))
