"""A new index over an old one: what is the same keeps its row, so that previews and links stay right."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from backend.datasets.tables import Item
from backend.trees import TreeView

PROBED = ("num_frames", "fps", "duration_s", "width", "height", "codec", "bytes")
BATCH = 5000

Row = dict[str, Any]  # Any: column values of many types, on their way into one bulk statement
Key = tuple[Any, ...]
"""What makes an item the same as before: its split, path, and everything that was probed."""


def replace_items(
    db: Session,
    dataset_id: int,
    *,
    splits: Mapping[str, Sequence[TreeView]],
    unreadable: Sequence[TreeView],
) -> None:
    """Make the items of a data set those of an index. A file that changed is a new item."""
    old = _known(db, dataset_id)
    rows = list(_rows(dataset_id, splits, unreadable))
    moved, fresh = _pair(rows, old)
    gone = [old_id for ids in old.values() for old_id in ids]
    # Positions are unique, and may have been swapped: free them all before giving them anew.
    db.execute(update(Item).where(Item.dataset_id == dataset_id).values(position=None))
    for first in range(0, len(gone), BATCH):
        db.execute(delete(Item).where(Item.id.in_(gone[first : first + BATCH])))
    if moved:
        db.execute(update(Item), moved)
    if fresh:
        db.execute(insert(Item), fresh)
    db.expire_all()


def _known(db: Session, dataset_id: int) -> dict[Key, list[int]]:
    """Numbers of the items that are there; a list of videos may name one twice."""
    columns = [getattr(Item, name) for name in ("split", "path", "unreadable", *PROBED)]
    asked = select(Item.id, *columns).where(Item.dataset_id == dataset_id).order_by(Item.id.desc())
    known: dict[Key, list[int]] = defaultdict(list)
    for number, *key in db.execute(asked):
        known[tuple(key)].append(number)
    return known


def _pair(rows: Sequence[Row], old: dict[Key, list[int]]) -> tuple[list[Row], list[Row]]:
    """Rows that are there already, with their number and new place, and those that are new.

    What is left in ``old`` is gone.
    """
    moved, fresh = list[Row](), list[Row]()
    for row in rows:
        ids = old.get(_key(row))
        if ids:
            moved.append({"id": ids.pop(), "position": row["position"], "label": row["label"]})
        else:
            fresh.append(row)
    return moved, fresh


def _rows(
    dataset_id: int,
    splits: Mapping[str, Sequence[TreeView]],
    unreadable: Sequence[TreeView],
) -> Iterator[Row]:
    for split, items in splits.items():
        for position, item in enumerate(items):
            yield {
                "dataset_id": dataset_id,
                "split": split,
                "position": position,
                "path": str(item["path"]),
                "label": item["label"],
                "unreadable": None,
                **{name: item[name] for name in PROBED},
            }
    for item in unreadable:
        yield {
            "dataset_id": dataset_id,
            "split": item["split"],
            "position": None,
            "path": str(item["path"]),
            "label": None,
            "unreadable": item["reason"],
            **dict.fromkeys(PROBED),
        }


def _key(row: Row) -> Key:
    return (row["split"], row["path"], row["unreadable"], *(row[name] for name in PROBED))
