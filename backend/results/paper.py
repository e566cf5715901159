"""Published tables with our runs beside them, and where their protocols differ."""

from collections.abc import Iterator, Mapping

from sqlalchemy.orm import Session

from backend.errors import NotFound
from backend.results.groups import Group, Score, groups, measured
from backend.results.views import ColumnView, Measured, OwnRow, PaperTable, PublishedRow
from backend.trees import TreeView
from sce.results import Column, Protocol, Row, Table, published_as, published_tables

FIELDS = {
    "trunk": "trunk",
    "pretrained_on": "pretraining data",
    "epochs": "pretraining epochs",
    "frames": "frames per clip",
    "views": "pretraining views",
    "clips": "clips per video",
    "crops": "crops per clip",
    "splits": "splits averaged",
}


def paper_tables(db: Session, experiment_id: int | None) -> list[PaperTable]:
    """Every published table, with what we measured of the same methods on the same data."""
    ours = groups(db, experiment_id)
    return [paper_table(table, ours) for table in published_tables()]


def one_table(db: Session, name: str, experiment_id: int | None) -> PaperTable:
    """Raises ``NotFound``."""
    table = next((table for table in published_tables() if table.name == name), None)
    if table is None:
        raise NotFound.of("published table", name)
    return paper_table(table, groups(db, experiment_id))


def paper_table(table: Table, ours: list[Group]) -> PaperTable:
    rows = [row for group in ours if (row := _own_row(table, group)) is not None]
    return PaperTable(
        name=table.name,
        title=table.title,
        source=table.source,
        tolerance=table.tolerance,
        columns=[ColumnView(key=one.key, label=one.label, dataset=one.dataset) for one in table.columns],
        published=[PublishedRow(method=row.method, label=row.label, values=row.values) for row in table.rows],
        ours=rows,
    )


def _own_row(table: Table, group: Group) -> OwnRow | None:
    """The group's line, held against the row of its method whose protocol is nearest; None if it has no cell."""
    scored = {column.key: scores for column in table.columns if (scores := _scores_of(column, group))}
    if not scored:
        return None
    columns = {column.key: column for column in table.columns}
    method = str(group.learned.get("method", {}).get("kind", "not said"))
    family = [row for row in table.rows if row.family == method]
    own = {key: own_protocol(group, scores) for key, scores in scored.items()}
    rival = min(family, key=lambda row: _distance(table, row, columns, own), default=None)
    return OwnRow(
        name=group.name,
        experiment=group.experiment,
        method=method,
        seeds=len(group.trainings),
        failed=group.failed,
        run_ids=[run.id for run in group.trainings],
        cells={key: _cell(table, columns[key], rival, scores, own[key]) for key, scores in scored.items()},
        against=" ".join(part for part in (rival.method, rival.label) if part) if rival else None,
    )


def _scores_of(column: Column, group: Group) -> list[Score]:
    return [
        score
        for score in group.scores
        if score.kind == column.kind
        and not score.is_untrained
        and published_as(score.dataset) == column.dataset
    ]


def _distance(table: Table, row: Row, columns: Mapping[str, Column], own: Mapping[str, Protocol]) -> int:
    return sum(len(list(differences(table.protocol_of(row, columns[key]), one))) for key, one in own.items())


def _cell(table: Table, column: Column, rival: Row | None, scores: list[Score], own: Protocol) -> Measured:
    cell = measured(scores, column.metric)
    published = rival.values.get(column.key) if rival is not None else None
    if rival is None or published is None:
        return cell
    seen = own.model_copy(update={"splits": cell.splits})
    reasons = list(differences(table.protocol_of(rival, column), seen))
    difference = None if cell.mean is None else cell.mean - published
    return cell.model_copy(update={"difference": difference, "reasons": reasons})


def differences(published: Protocol, own: Protocol) -> Iterator[str]:
    """What the published number was made with and ours was not; what the source does not say is not asked."""
    for name, word in FIELDS.items():
        theirs, mine = getattr(published, name), getattr(own, name)
        if theirs is None or theirs == mine:
            continue
        if name == "splits" and mine is None:
            continue
        yield f"{word}: published {theirs}, here {'not known' if mine is None else mine}"


def own_protocol(group: Group, scores: list[Score]) -> Protocol:
    """What our scores were made with, in the published tables' words."""
    learned, last = group.learned, scores[-1]
    data = learned.get("data", {})
    views = last.protocol.get("views", {})
    trunk = learned.get("trunk", {}).get("kind")
    return Protocol.model_construct(
        trunk=trunk,
        pretrained_on=_named(str(data.get("root", ""))),
        epochs=learned.get("optimisation", {}).get("epochs"),
        frames=last.data.get("num_frames"),
        views=_views(learned.get("views", {}).get("views", [])),
        clips=views.get("clips"),
        crops=views.get("crops"),
        splits=None,
    )


def _named(root: str) -> str | None:
    """A data set's published name, or its folder's own."""
    folder = root.rstrip("/").rpartition("/")[2]
    return published_as(folder) or folder or None


def _views(views: list[TreeView]) -> str | None:
    """As in '2 x 224 + 96': sizes in their order, equal ones counted."""
    sizes = [view["size"] for view in views]
    counted = [(size, sizes.count(size)) for size in dict.fromkeys(sizes)]
    words = [f"{number} x {size}" if number > 1 else f"{size}" for size, number in counted]
    return " + ".join(words) or None
