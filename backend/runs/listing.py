"""Runs by filter, sorted, a page at a time."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, String, cast, extract, func, or_, select
from sqlalchemy.orm import Session

from backend.runs.reading import run_views
from backend.runs.tables import Run
from backend.runs.views import RunState, RunView, SortKey
from backend.views import Page
from sce.definition import RunKind


@dataclass(frozen=True)
class Filter:
    """Which runs are asked for; None and empty ask for all."""

    experiment_id: int | None = None
    kinds: Sequence[RunKind] = ()
    states: Sequence[RunState] = ()
    parent_id: int | None = None
    seed_group: str | None = None
    tag: str | None = None
    q: str | None = None
    archived: bool = False


def list_runs(
    db: Session, wanted: Filter, *, sort: SortKey, descending: bool, page: int, size: int
) -> Page[RunView]:
    """One page; the number of queries does not grow with it."""
    conditions = _conditions(wanted)
    total = db.scalar(select(func.count()).select_from(Run).where(*conditions)) or 0
    order = _order(sort)
    by = order.desc().nulls_last() if descending else order.asc().nulls_last()
    last = Run.id.desc() if descending else Run.id.asc()
    asked = select(Run).where(*conditions).order_by(by, last).offset((page - 1) * size).limit(size)
    return Page(items=run_views(db, db.scalars(asked).all()), total=total, page=page, size=size)


def _conditions(wanted: Filter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [
        Run.archived_at.is_not(None) if wanted.archived else Run.archived_at.is_(None)
    ]
    if wanted.experiment_id is not None:
        conditions.append(Run.experiment_id == wanted.experiment_id)
    if wanted.kinds:
        conditions.append(Run.kind.in_(wanted.kinds))
    if wanted.states:
        conditions.append(Run.state.in_(wanted.states))
    if wanted.parent_id is not None:
        conditions.append(Run.parent_id == wanted.parent_id)
    if wanted.seed_group is not None:
        conditions.append(Run.seed_group == wanted.seed_group)
    if wanted.tag is not None:
        as_stored = json.dumps(wanted.tag, ensure_ascii=False)
        conditions.append(_tags().contains(as_stored, autoescape=True))
    if wanted.q and wanted.q.strip():
        conditions.append(_matches(wanted.q.strip()))
    return conditions


def _matches(q: str) -> ColumnElement[bool]:
    """Names, tags and recipes that contain it, and the run of that number."""
    found = or_(
        Run.name.icontains(q, autoescape=True),
        _tags().icontains(q, autoescape=True),
        Run.recipe.icontains(q, autoescape=True),
    )
    number = q.removeprefix("#")
    is_number = number.isascii() and number.isdigit() and len(number) < 10
    return or_(found, Run.id == int(number)) if is_number else found


def _tags() -> ColumnElement[str]:
    return cast(Run.tags, String)


def _order(sort: SortKey) -> ColumnElement[Any]:
    if sort == "duration":
        seconds = extract("epoch", func.coalesce(Run.ended_at, func.current_timestamp()))
        return seconds - extract("epoch", Run.started_at)
    column: ColumnElement[Any] = getattr(Run, sort)
    return column
