"""Preparations: a folder that was downloaded by hand becomes a data set, in a process of a worker."""

from pathlib import Path

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backend.datasets import service
from backend.datasets.tables import Dataset, Preparation
from backend.db import now
from backend.errors import Conflict, Invalid, NotFound
from backend.nudge import nudge
from backend.people.deeds import record_deed
from backend.people.tables import User
from backend.settings import Settings
from backend.stream.service import tell
from backend.trees import Tree
from sce.sets import DataSet, UnknownSet, find_set

UNDER_WAY = ("waiting", "running", "stopping")
MAY_GO_ON = ("stopped", "failed")


def ask(
    db: Session,
    settings: Settings,
    *,
    set_name: str,
    name: str,
    source: str,
    target: str,
    how: str,
    short_side: int | None,
    fps: float | None,
    by: User | None = None,
) -> Preparation:
    """Write down what is wanted, and have a worker begin. Raises ``Invalid`` or ``Conflict``, by field."""
    one = _known(set_name)
    from_folder = service.resolve_root(settings, source, field="source")
    to_folder = _target(settings, target) if target else from_folder
    _refuse_the_impossible(one, how, fps, is_in_place=from_folder == to_folder)
    _refuse_taken(db, name, str(to_folder))
    row = Preparation(
        set_name=one.name,
        name=name,
        source=str(from_folder),
        target=str(to_folder),
        how=how,
        short_side=short_side,
        fps=fps,
        state="waiting",
    )
    db.add(row)
    db.flush()
    record_deed(db, "prepare_dataset", by=by, detail={"dataset": name, "set": one.name, "root": row.target})
    _ask_worker(db)
    return row


def _known(set_name: str) -> DataSet:
    try:
        return find_set(set_name)
    except UnknownSet as error:
        raise Invalid(str(error), fields={"set_name": str(error)}) from error


def _target(settings: Settings, target: str) -> Path:
    """A folder under a data root, there or not yet; a relative one lies in the first data root."""
    real = (Path(target) if Path(target).is_absolute() else settings.roots[0] / target).resolve()
    if not service.is_inside(settings, real) or real in settings.roots:
        roots = ", ".join(str(base) for base in settings.roots)
        sentence = f"{target} is no folder under a data root ({roots}): name one there."
        raise Invalid(sentence, fields={"target": sentence})
    return real


def _refuse_the_impossible(one: DataSet, how: str, fps: float | None, *, is_in_place: bool) -> None:
    faults = {}
    if is_in_place and (how != "link" or one.is_binary):
        faults["target"] = "What was downloaded is never written over: name a new folder."
    if how != "link" and one.kind == "image":
        faults["how"] = f"{one.title} holds pictures: there is nothing to encode or to cut into frames."
    if how == "frames" and not (fps or one.fps):
        faults["fps"] = "Frames are cut at one rate for all videos: give it."
    if faults:
        raise Invalid(next(iter(faults.values())), fields=faults)


def _refuse_taken(db: Session, name: str, target: str) -> None:
    """Raises ``Conflict``: one preparation writes into a folder, and one data set has a name."""
    busy = select(Preparation.name).where(Preparation.target == target, Preparation.state.in_(UNDER_WAY))
    if (other := db.scalar(busy)) is not None:
        sentence = f"{other!r} is being prepared in that folder: wait for it, or choose another."
        raise Conflict(sentence, fields={"target": sentence})
    taken = db.scalar(select(Dataset).where(Dataset.name == name, Dataset.root != target))
    if taken is not None:
        raise Conflict(
            f"The name {name!r} is taken by the data set in {taken.root}.",
            fields={"name": "It is taken already."},
        )


def _ask_worker(db: Session) -> None:
    tell(db, "dataset", 0)
    nudge(db, "worker.prepare_datasets")


# -- what a person may do


def stop(db: Session, *, preparation_id: int, by: User | None = None) -> Preparation:
    """End it; what is done stays, and it may go on later. Raises ``Conflict`` when it has ended."""
    row = get(db, preparation_id)
    if row.state not in UNDER_WAY:
        raise Conflict(f"{row.name} is {row.state}: there is nothing to stop.")
    _become(row, "stopped" if row.state == "waiting" else "stopping")
    record_deed(db, "stop_preparation", by=by, detail={"dataset": row.name})
    tell(db, "dataset", 0)
    return row


def go_on(db: Session, *, preparation_id: int, by: User | None = None) -> Preparation:
    """Take up a stopped or failed one; what was made is not made again. Raises ``Conflict``."""
    row = get(db, preparation_id)
    if row.state not in MAY_GO_ON:
        raise Conflict(f"{row.name} is {row.state}: only what was stopped or failed goes on.")
    _refuse_taken(db, row.name, row.target)
    row.sentence = None
    _become(row, "waiting")
    record_deed(db, "resume_preparation", by=by, detail={"dataset": row.name})
    _ask_worker(db)
    return row


# -- what a worker says


def begin(db: Session, *, preparation_id: int) -> Preparation | None:
    """Take a waiting one; None when another has it, or it waits no more."""
    waiting = (Preparation.id == preparation_id, Preparation.state == "waiting")
    taken = update(Preparation).where(*waiting).values(state="running", sentence=None, changed_at=now())
    if db.scalar(taken.returning(Preparation.id)) is None:
        return None
    tell(db, "dataset", 0)
    return db.get_one(Preparation, preparation_id, populate_existing=True)


def progress(
    db: Session, *, preparation_id: int, stage: str, done: int, total: int, num_bad: int, eta_s: float | None
) -> bool:
    """How far it is; False when it is to stop."""
    running = (Preparation.id == preparation_id, Preparation.state == "running")
    values = {"stage": stage, "done": done, "total": total, "num_bad": num_bad, "eta_s": eta_s}
    said = update(Preparation).where(*running).values(**values, changed_at=now()).returning(Preparation.id)
    tell(db, "dataset", 0)
    return db.scalar(said) is not None


def finished(db: Session, settings: Settings, *, preparation_id: int, report: Tree) -> Preparation:
    """Keep the report, and register the folder: it is indexed like any other."""
    row = get(db, preparation_id)
    row.report, row.num_bad, row.eta_s = report, len(report["bad"]), None
    dataset = db.scalar(select(Dataset).where(Dataset.root == row.target))
    if dataset is None:
        kind = find_set(row.set_name).kind
        dataset = service.register(db, settings, name=row.name, root=row.target, kind=kind)
    elif dataset.state not in ("waiting", "indexing"):
        service.request_index(db, dataset_id=dataset.id)
    row.dataset_id = dataset.id
    _become(row, "finished")
    tell(db, "dataset", dataset.id)
    return row


def ended(db: Session, *, preparation_id: int, state: str, sentence: str | None = None) -> None:
    """It was stopped, or failed with a sentence that says why, and what to do."""
    row = get(db, preparation_id)
    row.sentence, row.eta_s = sentence, None
    _become(row, state)
    tell(db, "dataset", 0)


def put_back(db: Session, *, preparation_id: int) -> None:
    """Its process ended without a word: let it go on, or be stopped as was asked."""
    row = get(db, preparation_id)
    if row.state == "stopping":
        ended(db, preparation_id=preparation_id, state="stopped")
    elif row.state == "running":
        _become(row, "waiting")
        _ask_worker(db)


def _become(row: Preparation, state: str) -> None:
    row.state, row.changed_at = state, now()


# -- reading


def get(db: Session, preparation_id: int) -> Preparation:
    """Raises ``NotFound``."""
    row = db.get(Preparation, preparation_id)
    if row is None:
        raise NotFound.of("preparation", preparation_id)
    return row


def newest(db: Session, *, limit: int = 50) -> list[Preparation]:
    return list(db.scalars(select(Preparation).order_by(Preparation.id.desc()).limit(limit)))


def ids_in(db: Session, *states: str) -> list[int]:
    return list(
        db.scalars(select(Preparation.id).where(Preparation.state.in_(states)).order_by(Preparation.id))
    )
