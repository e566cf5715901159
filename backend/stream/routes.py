from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse

from backend.edge import CurrentUser
from backend.stream.feed import Feed
from backend.trees import Tree

router = APIRouter(prefix="/api/v1", tags=["stream"])

MAX_CURSOR = 2**63 - 1


EVENT = 'id: 41\ndata: {"topic": "run", "subject_id": 12}\n\n'
EVENTS: dict[int | str, Tree] = {
    200: {"content": {"text/event-stream": {"schema": {"type": "string"}, "example": EVENT}}}
}


@router.get("/stream", response_class=StreamingResponse, responses=EVENTS)
async def follow_changes(
    request: Request,
    user: CurrentUser,
    after: Annotated[int | None, Query(ge=0, le=MAX_CURSOR)] = None,
    last_event_id: Annotated[int | None, Header(ge=0, le=MAX_CURSOR)] = None,
) -> StreamingResponse:
    """Changes as server-sent events: ``data: {"topic": "run", "subject_id": 12}``, the id is the cursor.

    Topics are run, metrics, checkpoint, dataset, host and limit; metrics and checkpoint name the run.
    Without a cursor it begins with what happens next. An event named ``gap`` says that changes since
    the cursor are no longer kept: read again what you show.
    """
    feed: Feed = request.app.state.feed
    # A browser that comes back says what it saw last; the address is still that of its first visit.
    cursor = after if last_event_id is None else last_event_id
    feed.check_room(user.id)
    return StreamingResponse(
        feed.follow(user.id, cursor),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )
