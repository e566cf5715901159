from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import FileResponse, PlainTextResponse
from starlette.background import BackgroundTask

from backend.checkpoints import card, service, transfer
from backend.checkpoints.transfer_views import ImportFolder, ImportQuestion, ImportRequest, InspectionView
from backend.checkpoints.views import CardView, CheckpointEdit, CheckpointView, EvaluateRequest
from backend.edge import Config, CurrentUser, Db
from backend.runs.views import LaunchedView
from backend.trees import Tree
from backend.views import Id, Page
from sce.definition import Branch
from sce.definition.exports import Layout

BINARY = "application/octet-stream"
FILE: dict[int | str, Tree] = {200: {"content": {BINARY: {"schema": {"type": "string", "format": "binary"}}}}}
AS_IT_IS = {"X-Content-Type-Options": "nosniff"}

router = APIRouter(prefix="/api/v1", tags=["checkpoints"])


@router.get("/checkpoints")
def list_checkpoints(
    db: Db,
    user: CurrentUser,
    run_id: Id | None = None,
    pinned: bool | None = None,
    removed: bool = False,
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    size: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Page[CheckpointView]:
    """Checkpoints, the newest first."""
    return service.list_checkpoints(db, run_id=run_id, pinned=pinned, removed=removed, page=page, size=size)


@router.get("/checkpoints/{checkpoint_id}")
def read_checkpoint(db: Db, user: CurrentUser, checkpoint_id: Id) -> CheckpointView:
    """One checkpoint, with its scores and what refers to it."""
    return service.read_checkpoint(db, checkpoint_id)


@router.patch("/checkpoints/{checkpoint_id}")
def edit_checkpoint(db: Db, user: CurrentUser, checkpoint_id: Id, asked: CheckpointEdit) -> CheckpointView:
    """Pin a checkpoint, so that it is never removed, or unpin it."""
    return service.edit_checkpoint(db, checkpoint_id, asked, by=user)


@router.delete("/checkpoints/{checkpoint_id}")
def remove_checkpoint(db: Db, config: Config, user: CurrentUser, checkpoint_id: Id) -> CheckpointView:
    """Delete a checkpoint's file. Refused while an evaluation or a pin refers to it."""
    return service.remove_checkpoint(db, checkpoint_id, settings=config, by=user)


@router.get("/checkpoints/{checkpoint_id}/download", response_class=Response, responses=FILE)
def download_checkpoint(db: Db, config: Config, user: CurrentUser, checkpoint_id: Id) -> Response:
    """The checkpoint's file."""
    found = service.download(db, checkpoint_id, settings=config)
    return FileResponse(found.file, filename=found.name, media_type=BINARY, headers=AS_IT_IS)


@router.post("/checkpoints/{checkpoint_id}/evaluate", status_code=201)
def evaluate_checkpoint(
    db: Db, config: Config, user: CurrentUser, checkpoint_id: Id, asked: EvaluateRequest
) -> LaunchedView:
    """Launch an evaluation of this checkpoint."""
    return service.evaluate(db, checkpoint_id, asked, settings=config, by=user)


@router.get("/checkpoints/{checkpoint_id}/export", response_class=Response, responses=FILE)
def export_checkpoint(
    db: Db,
    config: Config,
    user: CurrentUser,
    checkpoint_id: Id,
    layout: Layout = "safetensors",
    branch: Branch = "online",
) -> Response:
    """The checkpoint's trunk under the names that another code base reads."""
    found = transfer.export(db, checkpoint_id, layout=layout, branch=branch, settings=config)
    gone = BackgroundTask(found.file.unlink, missing_ok=True)
    return FileResponse(found.file, filename=found.name, media_type=BINARY, headers=AS_IT_IS, background=gone)


@router.get("/checkpoints/{checkpoint_id}/card")
def read_card(db: Db, user: CurrentUser, checkpoint_id: Id) -> CardView:
    """The trunk's card: what it is, how it was trained, what it scored."""
    return card.card(db, checkpoint_id)


@router.get("/checkpoints/{checkpoint_id}/card.md", response_class=PlainTextResponse)
def download_card(db: Db, user: CurrentUser, checkpoint_id: Id) -> Response:
    """The trunk's card as Markdown."""
    name = f"checkpoint{checkpoint_id}-card.md"
    headers = {**AS_IT_IS, "Content-Disposition": f'attachment; filename="{name}"'}
    return PlainTextResponse(card.as_markdown(card.card(db, checkpoint_id)), headers=headers)


@router.get("/imports")
def list_importable(config: Config, user: CurrentUser) -> ImportFolder:
    """Files in the imports folder, which may be imported."""
    return transfer.importable(config)


@router.post("/imports/inspect")
def inspect_file(config: Config, user: CurrentUser, asked: ImportQuestion) -> InspectionView:
    """How a file's names match a trunk's, name by name. Nothing is written."""
    return transfer.inspect(asked, settings=config)


@router.post("/imports", status_code=201)
def import_file(db: Db, config: Config, user: CurrentUser, asked: ImportRequest) -> CheckpointView:
    """Import a trunk from a file. Refused, with counts, unless every name matches."""
    return transfer.take_over(db, asked, settings=config, by=user)
