"""What other domains ask about data sets."""

from collections.abc import Collection, Mapping
from pathlib import Path

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from backend.datasets.tables import Dataset, Item


def by_root(db: Session, root: str | Path) -> Dataset | None:
    """The data set that is registered for this absolute folder."""
    return db.scalar(select(Dataset).where(Dataset.root == str(root)))


def by_ids(db: Session, ids: Collection[int]) -> dict[int, Dataset]:
    if not ids:
        return {}
    return {row.id: row for row in db.scalars(select(Dataset).where(Dataset.id.in_(ids)))}


def ready_ids() -> Select[int]:
    """Data sets that a run may start on."""
    return select(Dataset.id).where(Dataset.state == "ready")


def item_ids(db: Session, dataset_id: int) -> list[int]:
    """Numbers of all items, readable or not."""
    return list(db.scalars(select(Item.id).where(Item.dataset_id == dataset_id)))


def readable_ids(db: Session, dataset_id: int, *, limit: int) -> list[int]:
    """Numbers of the first readable items."""
    asked = select(Item.id).where(Item.dataset_id == dataset_id, Item.position.is_not(None))
    return list(db.scalars(asked.order_by(Item.id).limit(limit)))


def split_sizes(db: Session, dataset_id: int) -> dict[str, int]:
    """Readable items of each split."""
    asked = (
        select(Item.split, func.count())
        .where(Item.dataset_id == dataset_id, Item.position.is_not(None))
        .group_by(Item.split)
    )
    return dict(db.execute(asked).all())


def item_at(db: Session, dataset_id: int, split: str, position: int) -> Item | None:
    """The item at a place of the split's index."""
    return items_at(db, dataset_id, split, [position]).get(position)


def num_shorter(db: Session, dataset_id: int, split: str, seconds: float) -> int:
    """Readable items of a split that last less than so many seconds."""
    asked = select(func.count()).where(
        Item.dataset_id == dataset_id,
        Item.split == split,
        Item.position.is_not(None),
        Item.duration_s < seconds,
    )
    return db.scalar(asked) or 0


def items_at(db: Session, dataset_id: int, split: str, positions: Collection[int]) -> Mapping[int, Item]:
    """Items by their place in the split's index, as feature files count them."""
    asked = select(Item).where(
        Item.dataset_id == dataset_id, Item.split == split, Item.position.in_(set(positions))
    )
    return {row.position: row for row in db.scalars(asked) if row.position is not None}
