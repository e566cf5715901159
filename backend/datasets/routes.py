from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from backend.datasets import media, preparation, reading, service
from backend.datasets.views import (
    DatasetDetail,
    DatasetRequest,
    DatasetView,
    ItemView,
    KnownSet,
    PreparationRequest,
    PreparationView,
)
from backend.edge import Config, CurrentUser, Db
from backend.views import MAX_ID, Id, Page, Text

router = APIRouter(prefix="/api/v1", tags=["datasets"])


@router.get("/datasets")
def list_datasets(db: Db, user: CurrentUser) -> list[DatasetView]:
    """Data sets that were registered."""
    return reading.views(db, service.list_datasets(db))


@router.post("/datasets", status_code=201)
def register_dataset(db: Db, config: Config, user: CurrentUser, asked: DatasetRequest) -> DatasetView:
    """Register a folder and index it: every video is opened once, what cannot be read is listed."""
    return reading.view(db, service.register(db, config, **asked.model_dump(), by=user))


@router.get("/datasets/{dataset_id}")
def read_dataset(db: Db, user: CurrentUser, dataset_id: Id) -> DatasetDetail:
    """One data set, with its classes."""
    return reading.detail(db, service.get(db, dataset_id))


@router.post("/datasets/{dataset_id}/index")
def index_dataset(db: Db, user: CurrentUser, dataset_id: Id) -> DatasetView:
    """Index the folder again."""
    return reading.view(db, service.request_index(db, dataset_id=dataset_id, by=user))


@router.get("/datasets/{dataset_id}/items")
def list_items(
    db: Db,
    user: CurrentUser,
    dataset_id: Id,
    split: Annotated[Text | None, Query(max_length=64)] = None,
    label: Annotated[int | None, Query(ge=0, le=MAX_ID)] = None,
    unreadable: bool | None = None,
    q: Annotated[Text | None, Query(max_length=200)] = None,
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    size: Annotated[int, Query(ge=1, le=200)] = 24,
) -> Page[ItemView]:
    """Videos or images of a data set, a page at a time."""
    dataset = service.get(db, dataset_id)
    items, total = service.list_items(
        db,
        dataset_id=dataset.id,
        split=split,
        label=label,
        unreadable=unreadable,
        q=q,
        page=page,
        size=size,
    )
    views = [reading.item_view(item, dataset) for item in items]
    return Page(items=views, total=total, page=page, size=size)


@router.get("/catalogue")
def list_known_sets(user: CurrentUser) -> list[KnownSet]:
    """Data sets that can be prepared, and what must be downloaded for each by hand: nothing is ever fetched."""
    return reading.catalogue()


@router.get("/preparations")
def list_preparations(db: Db, user: CurrentUser) -> list[PreparationView]:
    """The newest fifty, the newest first."""
    return [reading.preparation(row) for row in preparation.newest(db)]


@router.post("/preparations", status_code=201)
def prepare_dataset(db: Db, config: Config, user: CurrentUser, asked: PreparationRequest) -> PreparationView:
    """Check what was downloaded, convert it if wished, and register it as a data set."""
    return reading.preparation(preparation.ask(db, config, **asked.model_dump(), by=user))


@router.get("/preparations/{preparation_id}")
def read_preparation(db: Db, user: CurrentUser, preparation_id: Id) -> PreparationView:
    """How far it is, and its report once it is done."""
    return reading.preparation(preparation.get(db, preparation_id))


@router.post("/preparations/{preparation_id}/stop")
def stop_preparation(db: Db, user: CurrentUser, preparation_id: Id) -> PreparationView:
    """End it. What is done stays, and it may go on later."""
    return reading.preparation(preparation.stop(db, preparation_id=preparation_id, by=user))


@router.post("/preparations/{preparation_id}/resume")
def resume_preparation(db: Db, user: CurrentUser, preparation_id: Id) -> PreparationView:
    """Go on with a stopped or failed one; nothing is made twice."""
    return reading.preparation(preparation.go_on(db, preparation_id=preparation_id, by=user))


@router.get("/media/{item_id}/preview", response_class=Response, responses=media.SENT)
def read_preview(db: Db, config: Config, user: CurrentUser, item_id: Id, request: Request) -> Response:
    """A small video (H.264) or image that every browser shows."""
    return media.preview(db, config, request.app.state.asked_previews, item_id=item_id)
