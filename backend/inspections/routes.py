from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as InPath
from fastapi.responses import FileResponse, Response

from backend.datasets.media import KEPT, SENT, TYPES
from backend.edge import Config, CurrentUser, Db
from backend.inspections import service
from backend.inspections.views import LookRequest, LookView

router = APIRouter(prefix="/api/v1", tags=["inspections"])


@router.post("/inspections")
def inspect(db: Db, config: Config, user: CurrentUser, asked: LookRequest) -> LookView:
    """The very views that a training is fed of an item. Ask again while it is waiting."""
    return service.inspect(db, asked, settings=config)


@router.get("/inspections/{key}/{name}", response_class=Response, responses={200: SENT[200]})
def read_view(
    config: Config,
    user: CurrentUser,
    key: Annotated[str, InPath(max_length=64)],
    name: Annotated[str, InPath(max_length=64)],
) -> Response:
    """A clip or picture of an inspection."""
    file = service.file_of(config, key, name)
    return FileResponse(file, media_type=TYPES[file.suffix], headers=KEPT)
