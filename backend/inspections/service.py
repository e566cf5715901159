"""The views that an augmentation makes of an item: asked for by a file, made by a worker, kept for a while.

A request is a folder ``views/KEY`` with ``asked.json``; the worker adds clips and ``views.json``, or ``failed``.
KEY is the digest of everything that decides the views, so that the same question is answered once.
"""

import hashlib
import json
import os
from pathlib import Path

from sqlalchemy.orm import Session

from backend.datasets.lookups import by_root, item_at, split_sizes
from backend.datasets.reading import item_view
from backend.datasets.tables import Dataset, Item
from backend.errors import Conflict, Invalid, NotFound, TooMany
from backend.inspections.views import LookRequest, LookView, SeenView
from backend.nudge import nudge
from backend.runs.asking import understand
from backend.runs.reading import get_run
from backend.runs.views import LaunchRequest
from backend.settings import Settings
from backend.trees import Tree
from sce.definition import Evaluation, Pretrain, definition_adapter

ASKED, ANSWER, FAILED = "asked.json", "views.json", "failed"
MOST_WAITING = 50
"""Requests that may wait at a time."""
KEY_LENGTH = 32


def inspect(db: Session, asked: LookRequest, *, settings: Settings) -> LookView:
    """The answer if there is one; else a worker is asked for it. Raises ``Invalid``, ``NotFound``, ``TooMany``."""
    definition = _definition(db, asked, settings)
    item, dataset = _item(db, definition, asked.position)
    seed = definition.seed if asked.seed is None else asked.seed
    question = {
        "definition": definition.model_dump(mode="json"),
        "item": item.path,
        "seed": seed,
        "epoch": asked.epoch,
    }
    folder = settings.views_dir / key_of(question, dataset)
    if not (folder / ASKED).exists():
        _ask(db, folder, question, settings)
    state, failure, views = _answer(folder)
    return LookView(
        state=state,
        failure=failure,
        kind=definition.data.kind,
        path=item.path,
        class_name=item_view(item, dataset).class_name,
        split=item.split,
        position=asked.position,
        num_items=split_sizes(db, dataset.id).get(item.split, 0),
        dataset=dataset.name,
        seed=seed,
        epoch=asked.epoch,
        views=views,
    )


def file_of(settings: Settings, key: str, name: str) -> Path:
    """A clip that was made. Raises ``NotFound``."""
    is_key = len(key) == KEY_LENGTH and key.isascii() and key.isalnum()
    is_name = Path(name).name == name and Path(name).suffix in (".mp4", ".png") and not name.startswith(".")
    file = settings.views_dir / key / name
    if not (is_key and is_name and file.is_file()):
        raise NotFound("This view is not kept any more: ask for it again.")
    return file


def key_of(question: Tree, dataset: Dataset) -> str:
    """Names only what decides the views: another method or rate shows the same ones."""
    definition = question["definition"]
    decides = {
        "data": definition["data"],
        "views": definition.get("views"),
        "view": definition.get("protocol", {}).get("train_view"),
        **{name: question[name] for name in ("item", "seed", "epoch")},
        "indexed_at": str(dataset.indexed_at),
    }
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:KEY_LENGTH]


def _definition(db: Session, asked: LookRequest, settings: Settings) -> Pretrain | Evaluation:
    if asked.run_id is not None:
        definition: Pretrain | Evaluation = definition_adapter.validate_python(
            get_run(db, asked.run_id).definition
        )
    elif asked.definition is not None:
        definition = understand(db, LaunchRequest(definition=asked.definition), settings=settings).definition
    else:
        raise Invalid(
            "Name a run, or give a definition.", fields={"run_id": "Name a run, or give a definition."}
        )
    if isinstance(definition, Evaluation) and getattr(definition.protocol, "train_view", None) is None:
        raise Invalid(f"The protocol {definition.protocol.kind} trains nothing: it has no augmented views.")
    return definition


def _item(db: Session, definition: Pretrain | Evaluation, position: int) -> tuple[Item, Dataset]:
    data = definition.data
    dataset = by_root(db, data.root)
    if dataset is None or dataset.state != "ready":
        raise Conflict(f"The data set {data.root} is not indexed: register it on the Data sets page first.")
    item = item_at(db, dataset.id, data.train_split, position)
    if item is None:
        num_items = split_sizes(db, dataset.id).get(data.train_split, 0)
        sentence = f"Split {data.train_split!r} of {dataset.name} has {num_items} readable items."
        raise Invalid(sentence, fields={"position": sentence})
    return item, dataset


def _ask(db: Session, folder: Path, question: Tree, settings: Settings) -> None:
    if len(waiting(settings)) >= MOST_WAITING:
        raise TooMany(f"{MOST_WAITING} views are being made already: ask again in a moment.")
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{ASKED}.{os.getpid()}"
    temporary.write_text(json.dumps(question))
    temporary.replace(folder / ASKED)
    nudge(db, "worker.make_views")


def waiting(settings: Settings) -> list[Path]:
    """Folders of questions without an answer, the oldest first."""
    asked = list(settings.views_dir.glob(f"*/{ASKED}"))
    open_ones = [
        file for file in asked if not any((file.parent / name).exists() for name in (ANSWER, FAILED))
    ]
    return [file.parent for file in sorted(open_ones, key=lambda file: file.stat().st_mtime)]


def _answer(folder: Path) -> tuple[str, str | None, list[SeenView]]:
    if (folder / FAILED).is_file():
        return "failed", (folder / FAILED).read_text(errors="replace")[:1000], []
    if not (folder / ANSWER).is_file():
        return "waiting", None, []
    told = json.loads((folder / ANSWER).read_text())
    return "ready", None, [_seen(folder.name, view) for view in told["views"]]


def _seen(key: str, view: Tree) -> SeenView:
    names = {f"{part}_url": f"/api/v1/inspections/{key}/{view[part]}" for part in ("source", "view")}
    told = {name: value for name, value in view.items() if name not in ("source", "view")}
    return SeenView(**names, **told)
