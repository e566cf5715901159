"""Data sets as pages show them: counted by split and class."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.datasets.tables import Dataset, Item, Preparation
from backend.datasets.views import (
    ClassCount,
    DatasetDetail,
    DatasetView,
    ItemView,
    KnownSet,
    PreparationView,
    ReportView,
    SplitView,
)
from backend.runs.counts import runs_by_dataset
from sce.sets import all_sets, find_set

MOST_BAD = 200
"""Files that a report shows; the others are in its file."""


def view(db: Session, dataset: Dataset) -> DatasetView:
    return views(db, [dataset])[0]


def views(db: Session, datasets: Sequence[Dataset]) -> list[DatasetView]:
    """Three queries, however many data sets there are."""
    splits = _splits(db, [dataset.id for dataset in datasets])
    num_runs = runs_by_dataset(db)
    return [_view(dataset, splits[dataset.id], num_runs.get(dataset.id, 0)) for dataset in datasets]


def detail(db: Session, dataset: Dataset) -> DatasetDetail:
    return DatasetDetail(**view(db, dataset).model_dump(), classes=_classes(db, dataset))


def item_view(item: Item, dataset: Dataset) -> ItemView:
    has_name = item.label is not None and 0 <= item.label < len(dataset.classes)
    return ItemView(
        **{name: getattr(item, name) for name in ItemView.model_fields if hasattr(item, name)},
        class_name=dataset.classes[item.label] if has_name and item.label is not None else None,
        preview_url=preview_url(item.id),
    )


def preview_url(item_id: int) -> str:
    return f"/api/v1/media/{item_id}/preview"


def _view(dataset: Dataset, splits: list[SplitView], num_runs: int) -> DatasetView:
    return DatasetView(
        id=dataset.id,
        name=dataset.name,
        root=dataset.root,
        kind=dataset.kind,
        state=dataset.state,
        failure=dataset.failure,
        num_classes=len(dataset.classes),
        num_items=sum(split.num_items for split in splits),
        num_unreadable=sum(split.num_unreadable for split in splits),
        splits=splits,
        created_at=dataset.created_at,
        indexed_at=dataset.indexed_at,
        num_runs=num_runs,
    )


def _splits(db: Session, ids: Sequence[int]) -> dict[int, list[SplitView]]:
    counted = (
        select(
            Item.dataset_id,
            Item.split,
            func.count(Item.position),
            func.count(Item.unreadable),
            func.coalesce(func.sum(Item.duration_s), 0.0),
            func.coalesce(func.sum(Item.bytes), 0),
        )
        .where(Item.dataset_id.in_(ids))
        .group_by(Item.dataset_id, Item.split)
        .order_by(Item.split)
    )
    found: dict[int, list[SplitView]] = defaultdict(list)
    for dataset_id, name, num_items, num_unreadable, duration_s, size in db.execute(counted):
        found[dataset_id].append(
            SplitView(
                name=name,
                num_items=num_items,
                num_unreadable=num_unreadable,
                duration_s=duration_s,
                bytes=int(size or 0),  # PostgreSQL sums big integers to a decimal
            )
        )
    return found


def _classes(db: Session, dataset: Dataset) -> list[ClassCount]:
    counted = (
        select(Item.label, Item.split, func.count())
        .where(Item.dataset_id == dataset.id, Item.position.is_not(None))
        .group_by(Item.label, Item.split)
    )
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    for label, split, count in db.execute(counted):
        if label is not None:
            counts[label][split] = count
    return [
        ClassCount(name=name, label=label, counts=counts[label]) for label, name in enumerate(dataset.classes)
    ]


# -- preparations


def catalogue() -> list[KnownSet]:
    return [KnownSet.model_validate(one, from_attributes=True) for one in all_sets()]


def preparation(row: Preparation) -> PreparationView:
    said = {name: getattr(row, name) for name in PreparationView.model_fields if hasattr(row, name)}
    return PreparationView(**said | {"set_title": find_set(row.set_name).title, "report": _report(row)})


def _report(row: Preparation) -> ReportView | None:
    if row.report is None:
        return None
    bad = row.report["bad"]
    return ReportView(**{**row.report, "bad": bad[:MOST_BAD], "num_bad": row.num_bad})
