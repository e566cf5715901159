from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request, Response
from fastapi.responses import StreamingResponse

from backend.edge import Config, CurrentUser, Db
from backend.runs import detail, lineup, listing, recipes, service, testing, turns
from backend.runs.launch import launch, preview
from backend.runs.listing import Filter
from backend.runs.logs import LogReader, log_file, whole
from backend.runs.reading import get_run
from backend.runs.views import (
    BulkRequest,
    BulkView,
    ConfigurationView,
    LaunchedView,
    LaunchRequest,
    LogView,
    MoveRequest,
    PreviewView,
    QueueView,
    RecipeView,
    RunDetail,
    RunEdit,
    RunState,
    RunView,
    SortKey,
    Spread,
    SpreadView,
    TestRequest,
)
from backend.views import MAX_ID, Id, Overrides, Page, Text
from sce.definition import RunKind

CloneOverrides = Annotated[Overrides, Body(examples=[{"optimisation.epochs": 40, "seed": 7}])]

TEXT = "text/plain"
LOG: dict[int | str, dict[str, Any]] = {200: {"content": {TEXT: {"schema": {"type": "string"}}}}}

router = APIRouter(prefix="/api/v1", tags=["runs"])


@router.get("/recipes")
def list_recipes(user: CurrentUser) -> list[RecipeView]:
    """Every recipe, with its whole definition."""
    return recipes.list_recipes()


@router.get("/recipes/{name}")
def read_recipe(user: CurrentUser, name: str) -> RecipeView:
    """One recipe."""
    return recipes.read_recipe(name)


@router.get("/definition-schema")
def read_definition_schema(user: CurrentUser) -> dict[str, Any]:
    """JSON Schema of a definition: what the launch form is drawn from."""
    return recipes.definition_schema()


@router.post("/runs/preview")
def preview_run(db: Db, config: Config, user: CurrentUser, asked: LaunchRequest) -> PreviewView:
    """What a launch would do: the whole definition, derived values, warnings. Nothing is written."""
    return preview(db, asked, settings=config)


@router.post("/runs", status_code=201)
def launch_run(db: Db, config: Config, user: CurrentUser, asked: LaunchRequest) -> LaunchedView:
    """Launch a run, or one for each seed."""
    return launch(db, asked, settings=config, by=user)


@router.get("/runs")
def list_runs(
    db: Db,
    user: CurrentUser,
    experiment_id: Id | None = None,
    kind: Annotated[list[RunKind], Query()] = [],  # noqa: B006 - FastAPI copies it
    state: Annotated[list[RunState], Query()] = [],  # noqa: B006 - FastAPI copies it
    parent_id: Id | None = None,
    seed_group: Annotated[Text | None, Query(max_length=32)] = None,
    tag: Annotated[Text | None, Query(max_length=64)] = None,
    q: Annotated[Text | None, Query(max_length=200)] = None,
    archived: bool = False,
    sort: SortKey = "id",
    descending: bool = True,
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    size: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Page[RunView]:
    """Runs by filter, a page at a time. ``q`` searches names, tags, recipes and numbers."""
    wanted = Filter(experiment_id, kind, state, parent_id, seed_group, tag, q, archived)
    return listing.list_runs(db, wanted, sort=sort, descending=descending, page=page, size=size)


@router.post("/runs/bulk")
def act_on_runs(db: Db, user: CurrentUser, asked: BulkRequest) -> BulkView:
    """Stop, archive or restore many runs; those that cannot are named with the reason."""
    return service.act_on_runs(db, asked, by=user)


@router.get("/runs/{run_id}")
def read_run(db: Db, config: Config, user: CurrentUser, run_id: Id) -> RunDetail:
    """One run, with its attempts, seeds, evaluations and history."""
    return detail.run_detail(db, run_id, settings=config)


@router.patch("/runs/{run_id}")
def edit_run(db: Db, config: Config, user: CurrentUser, run_id: Id, asked: RunEdit) -> RunDetail:
    """Rename a run, or change its notes, tags or priority."""
    service.edit_run(db, run_id, asked, by=user)
    return detail.run_detail(db, run_id, settings=config)


@router.get("/queue")
def read_queue(db: Db, user: CurrentUser, size: Annotated[int, Query(ge=1, le=500)] = 200) -> QueueView:
    """What holds devices, and what waits for them: in which place, for what, and why."""
    return lineup.queue_view(db, size=size)


@router.post("/runs/{run_id}/move")
def move_run(db: Db, user: CurrentUser, run_id: Id, asked: MoveRequest) -> RunView:
    """Move a queued run to the top or the bottom of the queue, or beside another one."""
    return turns.move_run(db, run_id, asked, by=user)


@router.post("/runs/{run_id}/launch")
def launch_draft(db: Db, user: CurrentUser, run_id: Id) -> RunView:
    """Queue a draft."""
    return service.launch_draft(db, run_id, by=user)


@router.post("/runs/{run_id}/stop")
def stop_run(db: Db, user: CurrentUser, run_id: Id) -> RunView:
    """Ask a run to stop: it saves its state and leaves. A queued one stops at once."""
    return service.stop_run(db, run_id, by=user)


@router.post("/runs/{run_id}/resume")
def resume_run(db: Db, user: CurrentUser, run_id: Id) -> RunView:
    """Go on with a stopped run from its newest checkpoint."""
    return service.resume_run(db, run_id, by=user)


@router.get("/runs/{run_id}/devices")
def read_other_devices(
    db: Db,
    user: CurrentUser,
    run_id: Id,
    devices: Annotated[int, Query(ge=1, le=1024)],
    nodes: Annotated[int | None, Query(ge=1, le=1024)] = None,
) -> SpreadView:
    """What it would change if the run went on over so many devices; nothing is done."""
    asked = Spread(devices=devices, nodes=nodes)
    return SpreadView(changes=service.other_devices(db, run_id, asked))


@router.put("/runs/{run_id}/devices")
def choose_devices(db: Db, user: CurrentUser, run_id: Id, asked: Spread) -> SpreadView:
    """Let a stopped or failed run take so many devices when it goes on."""
    return SpreadView(changes=service.spread(db, run_id, asked, by=user))


@router.post("/runs/{run_id}/retry")
def retry_run(db: Db, user: CurrentUser, run_id: Id) -> RunView:
    """Go on with a failed run from its newest checkpoint, or from the start if it has none."""
    return service.retry_run(db, run_id, by=user)


@router.get("/runs/{run_id}/clone")
def read_clone(db: Db, user: CurrentUser, run_id: Id) -> LaunchRequest:
    """A launch request that asks for the same again: what Clone fills the form with."""
    return service.clone_request(db, run_id)


@router.post("/runs/{run_id}/clone", status_code=201)
def clone_run(
    db: Db, config: Config, user: CurrentUser, run_id: Id, overrides: CloneOverrides
) -> LaunchedView:
    """Launch the same again with other values by dotted key."""
    return service.clone_run(db, run_id, overrides, settings=config, by=user)


@router.post("/runs/{run_id}/test", status_code=201)
def test_run(db: Db, config: Config, user: CurrentUser, run_id: Id, asked: TestRequest) -> LaunchedView:
    """Score the classifiers that a linear probe or a fine-tuning left, on its own data and views."""
    return testing.test_run(db, run_id, asked, settings=config, by=user)


@router.post("/runs/{run_id}/archive")
def archive_run(db: Db, user: CurrentUser, run_id: Id) -> RunView:
    """Put an ended run away. Nothing is deleted."""
    return service.archive_run(db, run_id, by=user)


@router.post("/runs/{run_id}/restore")
def restore_run(db: Db, user: CurrentUser, run_id: Id) -> RunView:
    """Bring an archived run back."""
    return service.restore_run(db, run_id, by=user)


@router.get("/runs/{run_id}/configuration")
def read_configuration(db: Db, user: CurrentUser, run_id: Id) -> ConfigurationView:
    """What was asked, and how it differs from its recipe and from the run it was cloned from."""
    return detail.configuration(db, run_id)


@router.get("/runs/{run_id}/logs")
def read_logs(
    db: Db,
    config: Config,
    user: CurrentUser,
    request: Request,
    run_id: Id,
    first_line: Annotated[int | None, Query(ge=-MAX_ID, le=MAX_ID)] = None,
    num_lines: Annotated[int, Query(ge=1, le=5000)] = 500,
    search: Annotated[Text | None, Query(max_length=200)] = None,
) -> LogView:
    """A run's output: the last lines, or those from ``first_line``; with the lines that match a search."""
    file = log_file(config, get_run(db, run_id).id)
    reader: LogReader = request.app.state.logs
    return reader.read(file, first_line=first_line, num_lines=num_lines, search=search)


@router.get("/runs/{run_id}/logs/download", response_class=Response, responses=LOG)
def download_log(db: Db, config: Config, user: CurrentUser, run_id: Id) -> Response:
    """A run's whole output as it was printed."""
    blocks = whole(log_file(config, get_run(db, run_id).id))
    attached = {
        "X-Content-Type-Options": "nosniff",
        "Content-Disposition": f'attachment; filename="run{run_id}.log"',
    }
    return StreamingResponse(blocks, media_type=TEXT, headers=attached)
