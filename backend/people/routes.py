from fastapi import APIRouter, Request, Response

from backend import edge
from backend.edge import Config, CurrentUser, Db
from backend.people import door, service
from backend.people.views import (
    LoginLinkView,
    LoginRequest,
    NewTokenView,
    SessionView,
    TokenRequest,
    TokenView,
)
from backend.views import Id

router = APIRouter(prefix="/api/v1", tags=["people"])


@router.get("/session")
def read_session(user: CurrentUser) -> SessionView:
    """Who is asking."""
    return door.session_view(user)


@router.post("/session")
def log_in(db: Db, asked: LoginRequest, request: Request, response: Response) -> SessionView:
    """Open a browser session with a login link's token, an API token, or a name and a password."""
    user, cookie = door.log_in(request, db, asked)
    door.set_cookie(request, response, cookie)
    return door.session_view(user)


@router.delete("/session", status_code=204)
def log_out(config: Config, db: Db, user: CurrentUser, request: Request, response: Response) -> None:
    """Close the browser session."""
    service.log_out(db, cookie=request.cookies.get(edge.cookie_name(config)))
    response.delete_cookie(edge.cookie_name(config))


@router.post("/login-links", status_code=201)
def create_login_link(db: Db, user: CurrentUser) -> LoginLinkView:
    """Make a link that opens one browser session, once."""
    return door.new_link(db, user)


@router.get("/tokens")
def list_tokens(db: Db, user: CurrentUser) -> list[TokenView]:
    """API tokens of the user."""
    return [TokenView.model_validate(row) for row in service.list_tokens(db, user=user)]


@router.post("/tokens", status_code=201)
def create_token(db: Db, user: CurrentUser, asked: TokenRequest) -> NewTokenView:
    """Make an API token; it is shown this once."""
    row, token = service.create_token(db, user=user, **asked.model_dump())
    return NewTokenView(**TokenView.model_validate(row).model_dump(), token=token)


@router.delete("/tokens/{token_id}", status_code=204)
def revoke_token(db: Db, user: CurrentUser, token_id: Id) -> None:
    """Make an API token useless."""
    service.revoke_token(db, user=user, token_id=token_id)
