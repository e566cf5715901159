from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import FileResponse

from backend.checkpoints import service
from backend.checkpoints.views import CheckpointEdit, CheckpointView, EvaluateRequest
from backend.edge import Config, CurrentUser, Db
from backend.runs.views import LaunchedView
from backend.views import Id, Page

BINARY = "application/octet-stream"
FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {BINARY: {"schema": {"type": "string", "format": "binary"}}}}
}
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
