"""A retrieval's results: read from the run's folder, joined to the videos they speak of."""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy.orm import Session

from backend.datasets import lookups
from backend.datasets.reading import preview_url
from backend.datasets.tables import Dataset, Item
from backend.errors import Conflict, Invalid, NotFound
from backend.evaluations.service import siblings, words_of
from backend.evaluations.views import ClipView, NeighbourView, QueryPage, QueryView, RankScore, RetrievalView
from backend.runs.reading import get_run, run_view
from backend.runs.tables import Run
from backend.settings import Settings

ARRAYS = ("query_position", "neighbour_position", "similarity", "query_label", "neighbour_label")


@dataclass(frozen=True)
class Found:
    """What a retrieval stored, a row for each query: Q queries, k neighbours, the nearest first."""

    query_position: np.ndarray
    """(Q,) place in the scored split."""
    neighbour_position: np.ndarray
    """(Q, k) place in the bank's split."""
    similarity: np.ndarray
    """(Q, k)."""
    query_label: np.ndarray
    """(Q,)."""
    neighbour_label: np.ndarray
    """(Q, k)."""

    @property
    def is_correct(self) -> np.ndarray:
        """(Q, k): the neighbour has the query's class."""
        correct: np.ndarray = self.neighbour_label == self.query_label[:, None]
        return correct


@dataclass(frozen=True)
class QueryFilter:
    """Which queries are asked for, and how many neighbours of each."""

    label: str | None
    failures: bool
    k: int


def read_retrieval(db: Session, run_id: int, *, settings: Settings) -> RetrievalView:
    """Raises ``NotFound``, or ``Conflict`` while there are no results."""
    run = _retrieval(db, run_id)
    found, dataset = load(run, settings), _dataset(db, run)
    return RetrievalView(
        run=run_view(db, run),
        ranks=ranks(run.summary),
        protocol_words=words_of(run),
        num_queries=len(found.query_position),
        num_bank=num_bank(db, run, dataset),
        num_stored=found.neighbour_position.shape[1],
        classes=dataset.classes,
        recall_by_class=recall_by_class(found, dataset.classes),
        siblings=siblings(db, run),
    )


def list_queries(
    db: Session, run_id: int, wanted: QueryFilter, *, settings: Settings, page: int, size: int
) -> QueryPage:
    """Queries beside their nearest. Raises like ``read_retrieval``, and ``Invalid`` for no such class."""
    run = _retrieval(db, run_id)
    found, dataset = load(run, settings), _dataset(db, run)
    chosen = choose(found, dataset.classes, wanted)
    rows = chosen[(page - 1) * size : page * size]
    k = min(wanted.k, found.neighbour_position.shape[1])
    data = run.definition["data"]
    queries = _items(db, dataset, data["val_split"], found.query_position[rows], found.query_label[rows])
    bank = _items(
        db,
        dataset,
        data["train_split"],
        found.neighbour_position[rows, :k].ravel(),
        found.neighbour_label[rows, :k].ravel(),
    )
    items = [_query(found, int(row), k, dataset, queries, bank) for row in rows]
    return QueryPage(items=items, total=len(chosen), page=page, size=size)


def load(run: Run, settings: Settings) -> Found:
    """The stored arrays. Raises ``Conflict`` when there are none, or they cannot be read."""
    folder = settings.run_folder(run.id).resolve()
    file = (folder / "results" / "retrieval.npz").resolve()
    if not file.is_relative_to(folder) or not file.is_file():
        raise Conflict(f"Run {run.id} has no retrieval results: it is {run.state}.")
    try:
        return _whole(file)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        sentence = f"The retrieval results of run {run.id} cannot be read ({error}): run it again."
        raise Conflict(sentence) from error


def _whole(file: Path) -> Found:
    """Raises ``ValueError`` unless the arrays fit each other. Nothing is unpickled."""
    with np.load(file, allow_pickle=False) as arrays:
        found = Found(*(arrays[name] for name in ARRAYS))
    pairs = found.neighbour_position.shape
    if len(pairs) != 2 or found.similarity.shape != pairs or found.neighbour_label.shape != pairs:
        raise ValueError("neighbours, similarities and labels differ in shape")
    if found.query_position.shape != pairs[:1] or found.query_label.shape != pairs[:1]:
        raise ValueError("there are not as many queries as rows of neighbours")
    return found


def choose(found: Found, classes: list[str], wanted: QueryFilter) -> np.ndarray:
    """Rows of the queries that are asked for, by position. Raises ``Invalid`` for no such class."""
    keep = np.ones(len(found.query_position), dtype=bool)
    if wanted.label is not None:
        if wanted.label not in classes:
            sentence = f"There is no class {wanted.label!r}."
            raise Invalid(sentence, fields={"label": sentence})
        keep &= found.query_label == classes.index(wanted.label)
    if wanted.failures:
        keep &= ~found.is_correct[:, 0]
    rows = np.flatnonzero(keep)
    return rows[np.argsort(found.query_position[rows], kind="stable")]


def ranks(summary: Mapping[str, float]) -> list[RankScore]:
    """R@k of the run's result, the smallest k first."""
    scores = {
        int(key[2:]): value for key, value in summary.items() if key.startswith("R@") and key[2:].isdigit()
    }
    return [RankScore(k=k, recall=scores[k]) for k in sorted(scores)]


def num_bank(db: Session, run: Run, dataset: Dataset) -> int:
    """Videos that were searched: as the evaluation says, else as the split is indexed."""
    said = run.protocol.get("bank")
    if isinstance(said, int):
        return said
    return lookups.split_sizes(db, dataset.id).get(run.definition["data"]["train_split"], 0)


def recall_by_class(found: Found, classes: list[str]) -> dict[str, float]:
    """R@1 of each class that asked."""
    nearest = found.is_correct[:, 0]
    return {
        name: float(nearest[found.query_label == label].mean())
        for label, name in enumerate(classes)
        if (found.query_label == label).any()
    }


def _retrieval(db: Session, run_id: int) -> Run:
    run = get_run(db, run_id)
    if run.kind != "retrieval":
        raise NotFound(f"Run {run_id} is no retrieval.")
    return run


def _dataset(db: Session, run: Run) -> Dataset:
    dataset = lookups.by_ids(db, [run.dataset_id]).get(run.dataset_id) if run.dataset_id else None
    if dataset is None:
        raise Conflict(f"The data set of run {run.id} is no longer registered: register its folder again.")
    return dataset


def _items(
    db: Session, dataset: Dataset, split: str, positions: np.ndarray, labels: np.ndarray
) -> Mapping[int, Item]:
    """Raises ``Conflict`` when the data set is not the one that was searched any more."""
    wanted = dict(zip(positions.tolist(), labels.tolist(), strict=True))
    items = lookups.items_at(db, dataset.id, split, wanted)
    if any(position not in items or items[position].label != label for position, label in wanted.items()):
        raise Conflict(f"Data set {dataset.name} changed since this retrieval: run it again.")
    return items


def _query(
    found: Found, row: int, k: int, dataset: Dataset, queries: Mapping[int, Item], bank: Mapping[int, Item]
) -> QueryView:
    correct, position = found.is_correct[row], int(found.query_position[row])
    neighbours = [
        NeighbourView(
            rank=rank + 1,
            clip=_clip(bank[int(found.neighbour_position[row, rank])], dataset),
            similarity=float(found.similarity[row, rank]),
            is_correct=bool(correct[rank]),
        )
        for rank in range(k)
    ]
    return QueryView(
        query=_clip(queries[position], dataset),
        position=position,
        first_correct_rank=int(correct.argmax()) + 1 if correct.any() else None,
        neighbours=neighbours,
    )


def _clip(item: Item, dataset: Dataset) -> ClipView:
    has_class = item.label is not None and 0 <= item.label < len(dataset.classes)
    return ClipView(
        item_id=item.id,
        name=Path(item.path).name,
        class_name=dataset.classes[item.label] if has_class and item.label is not None else None,
        duration_s=item.duration_s,
        preview_url=preview_url(item.id),
    )
