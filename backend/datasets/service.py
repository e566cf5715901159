"""Data sets: registering a folder, what its index says, and reading that page by page."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from backend.datasets.reindex import replace_items
from backend.datasets.tables import Dataset, Item
from backend.db import now
from backend.errors import Conflict, Invalid, NotFound
from backend.nudge import nudge
from backend.people.deeds import record_deed
from backend.people.tables import User
from backend.settings import Settings
from backend.stream.service import tell


class ItemData(TypedDict):
    """One readable video or image; its place in the split's list is its position."""

    path: str
    label: int | None
    num_frames: int | None
    fps: float | None
    duration_s: float | None
    width: int | None
    height: int | None
    codec: str | None
    bytes: int | None


class UnreadableData(TypedDict):
    path: str
    split: str
    reason: str


class IndexData(TypedDict):
    """An index as plain data: what ``dataclasses.asdict`` makes of ``sce.data.index.Index``."""

    classes: Sequence[str]
    splits: Mapping[str, Sequence[ItemData]]
    unreadable: Sequence[UnreadableData]
    fingerprint: str


# -- folders


def resolve_root(settings: Settings, root: str, *, field: str = "root") -> Path:
    """The real folder behind ``root``, links followed; relative ones are looked up in the data roots.

    Raises ``Invalid`` naming ``field`` when there is no such folder, or it lies under no data root.
    """
    if "\x00" in root:
        raise Invalid(
            "A folder's name has no NUL in it.", fields={field: "A folder's name has no NUL in it."}
        )
    candidates = [Path(root)] if Path(root).is_absolute() else [base / root for base in settings.roots]
    inside = [real for path in candidates if is_inside(settings, real := path.resolve())]
    roots = ", ".join(str(base) for base in settings.roots)
    if not inside:
        sentence = f"{root} lies under no data root ({roots}): move it there, or add to SCELAB_DATA_ROOTS."
        raise Invalid(sentence, fields={field: sentence})
    for real in inside:
        if _is_folder(real):
            return real
    sentence = f"There is no folder {root}. The data roots are {roots}."
    raise Invalid(sentence, fields={field: sentence})


def is_inside(settings: Settings, real: Path) -> bool:
    """Whether a resolved path lies under a data root."""
    return any(real.is_relative_to(base) for base in settings.roots)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name longer than the file system allows
        return False


# -- life of a data set


def register(
    db: Session, settings: Settings, *, name: str, root: str, kind: str, by: User | None = None
) -> Dataset:
    """Write a folder down and have it indexed. Raises ``Invalid`` or ``Conflict``."""
    folder = str(resolve_root(settings, root))
    same = db.scalar(select(Dataset).where((Dataset.root == folder) | (Dataset.name == name)))
    if same is not None:
        what = f"The folder {folder}" if same.root == folder else f"The name {name!r}"
        field = "root" if same.root == folder else "name"
        raise Conflict(
            f"{what} is taken by the data set {same.name!r} already.", fields={field: "It is taken already."}
        )
    dataset = Dataset(name=name, root=folder, kind=kind, state="waiting", classes=[])
    db.add(dataset)
    db.flush()
    record_deed(db, "register_dataset", by=by, detail={"dataset": name, "root": folder})
    _ask_for_index(db, dataset)
    return dataset


def request_index(db: Session, *, dataset_id: int, by: User | None = None) -> Dataset:
    """Have the folder indexed again. Raises ``Conflict`` while that is being done."""
    dataset = get(db, dataset_id)
    if dataset.state == "indexing":
        raise Conflict(f"{dataset.name} is being indexed: wait until that is done.")
    dataset.state, dataset.failure = "waiting", None
    record_deed(db, "index_dataset", by=by, detail={"dataset": dataset.name})
    _ask_for_index(db, dataset)
    return dataset


def _ask_for_index(db: Session, dataset: Dataset) -> None:
    tell(db, "dataset", dataset.id)
    nudge(db, "worker.index_dataset", dataset.id)


def begin_index(db: Session, *, dataset_id: int) -> Dataset | None:
    """Take a waiting data set for indexing; None when another has it, or nobody waits."""
    waiting = (Dataset.id == dataset_id, Dataset.state == "waiting")
    taken = update(Dataset).where(*waiting).values(state="indexing", failure=None).returning(Dataset.id)
    if db.scalar(taken) is None:
        return None
    tell(db, "dataset", dataset_id)
    return db.get_one(Dataset, dataset_id, populate_existing=True)


def store_index(db: Session, *, dataset_id: int, index: IndexData) -> None:
    """Keep what an index found; items that did not change keep their numbers, and so their previews."""
    dataset = get(db, dataset_id)
    if dataset.fingerprint != index["fingerprint"]:
        replace_items(db, dataset_id, splits=index["splits"], unreadable=index["unreadable"])
    dataset.classes = list(index["classes"])
    dataset.fingerprint = index["fingerprint"]
    dataset.state, dataset.failure, dataset.indexed_at = "ready", None, now()
    tell(db, "dataset", dataset_id)
    nudge(db, "worker.start_runs")  # runs may have waited for it


def index_failed(db: Session, *, dataset_id: int, sentence: str) -> None:
    """The folder could not be indexed; the sentence says why, and what to do."""
    dataset = get(db, dataset_id)
    dataset.state, dataset.failure = "failed", sentence
    tell(db, "dataset", dataset_id)


def put_back(db: Session, *, dataset_id: int) -> None:
    """The indexing ended without a word: let it be done again."""
    left = (Dataset.id == dataset_id, Dataset.state == "indexing")
    if db.scalar(update(Dataset).where(*left).values(state="waiting").returning(Dataset.id)) is not None:
        tell(db, "dataset", dataset_id)
        nudge(db, "worker.index_dataset", dataset_id)


def ids_in(db: Session, state: str) -> list[int]:
    """Data sets in a state: waiting, indexing, ready or failed."""
    return list(db.scalars(select(Dataset.id).where(Dataset.state == state).order_by(Dataset.id)))


# -- reading


def get(db: Session, dataset_id: int) -> Dataset:
    """Raises ``NotFound``."""
    dataset = db.get(Dataset, dataset_id)
    if dataset is None:
        raise NotFound.of("data set", dataset_id)
    return dataset


def get_item(db: Session, item_id: int) -> tuple[Item, Dataset]:
    """Raises ``NotFound``."""
    item = db.get(Item, item_id)
    if item is None:
        raise NotFound.of("item", item_id)
    return item, get(db, item.dataset_id)


def list_datasets(db: Session) -> list[Dataset]:
    return list(db.scalars(select(Dataset).order_by(Dataset.name)))


def list_items(
    db: Session,
    *,
    dataset_id: int,
    split: str | None,
    label: int | None,
    unreadable: bool | None,
    q: str | None,
    page: int,
    size: int,
) -> tuple[list[Item], int]:
    """A page of items by split and position, the unreadable last; and how many there are in all."""
    asked = select(Item).where(Item.dataset_id == dataset_id)
    if split is not None:
        asked = asked.where(Item.split == split)
    if label is not None:
        asked = asked.where(Item.label == label)
    if unreadable is not None:
        asked = asked.where(Item.unreadable.is_not(None) if unreadable else Item.unreadable.is_(None))
    if q:
        asked = asked.where(Item.path.icontains(q, autoescape=True))
    total = db.scalar(select(func.count()).select_from(asked.subquery())) or 0
    order = (Item.split, Item.position.is_(None), Item.position, Item.id)
    return list(db.scalars(asked.order_by(*order).offset((page - 1) * size).limit(size))), total
