"""The audit trail: who did what, when."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.people.tables import Deed, User
from backend.trees import Tree


def record_deed(
    db: Session,
    verb: str,
    *,
    by: User | None,
    run_id: int | None = None,
    detail: Tree | None = None,
) -> None:
    """Write down what was done; ``by`` is None for what the platform did by itself."""
    db.add(Deed(verb=verb, user_id=by.id if by else None, run_id=run_id, detail=detail or {}))


def deeds_of_run(db: Session, run_id: int, *, limit: int = 200) -> list[tuple[Deed, str | None]]:
    """The newest deeds first, each with its user's name."""
    asked = (
        select(Deed, User.name)
        .outerjoin(User, User.id == Deed.user_id)
        .where(Deed.run_id == run_id)
        .order_by(Deed.id.desc())
        .limit(limit)
    )
    return [(deed, name) for deed, name in db.execute(asked)]


def user_names(db: Session, ids: Collection[int]) -> dict[int, str]:
    if not ids:
        return {}
    return {row.id: row.name for row in db.execute(select(User.id, User.name).where(User.id.in_(ids)))}
