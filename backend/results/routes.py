from fastapi import APIRouter, Response

from backend.edge import CurrentUser, Db
from backend.results import grids, own, paper
from backend.results.grids import Grid
from backend.results.views import Format, OwnTable, PaperTable
from backend.views import Id

router = APIRouter(prefix="/api/v1/results", tags=["results"])


@router.get("/published")
def list_published(db: Db, user: CurrentUser, experiment_id: Id | None = None) -> list[PaperTable]:
    """Published tables, with our runs on the same data beside them and where their protocols differ."""
    return paper.paper_tables(db, experiment_id)


@router.get("/own")
def read_own(db: Db, user: CurrentUser, experiment_id: Id | None = None) -> OwnTable:
    """Our own runs: groups of seeds, untrained beside trained."""
    return own.own_table(db, experiment_id)


@router.get("/published/{name}/export", response_class=Response)
def export_published(
    db: Db, user: CurrentUser, name: str, format: Format = "csv", experiment_id: Id | None = None
) -> Response:
    """A published table and our rows, as CSV, LaTeX or Markdown."""
    return _file(grids.of_paper(paper.one_table(db, name, experiment_id)), name, format)


@router.get("/own/export", response_class=Response)
def export_own(
    db: Db, user: CurrentUser, format: Format = "csv", experiment_id: Id | None = None
) -> Response:
    """Our own runs, as CSV, LaTeX or Markdown."""
    return _file(grids.of_own(own.own_table(db, experiment_id)), "our-runs", format)


def _file(grid: Grid, name: str, format: Format) -> Response:
    headers = {
        "Content-Disposition": f'attachment; filename="{name}.{grids.SUFFIXES[format]}"',
        "X-Content-Type-Options": "nosniff",
    }
    return Response(grids.WRITERS[format](grid), media_type=grids.MEDIA[format], headers=headers)
