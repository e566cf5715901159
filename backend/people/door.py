"""The front door: logging in from a browser, by link, token or password."""

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import Request, Response
from sqlalchemy.orm import Session

from backend import __version__, edge
from backend.db import now
from backend.errors import Unauthorised
from backend.people import service
from backend.people.attempts import FailedLogins
from backend.people.tables import User
from backend.people.views import LoginLinkView, LoginRequest, SessionView, UserView
from backend.settings import Settings


def log_in(request: Request, db: Session, asked: LoginRequest) -> tuple[User, str]:
    """The user and a fresh session's cookie. Raises ``Unauthorised``, or ``TooMany`` after many failures."""
    with _counting_failures(request):
        return _log_in(db, asked)


def use_link(request: Request, db: Session, token: str) -> str:
    """A fresh session's cookie. Raises ``BadLink``, or ``TooMany`` after many failures."""
    with _counting_failures(request):
        return service.log_in_by_link(db, token)[1]


@contextmanager
def _counting_failures(request: Request) -> Iterator[None]:
    failed: FailedLogins = request.app.state.failed_logins
    address = request.client.host if request.client else ""
    failed.check(address)
    try:
        yield
    except Unauthorised:
        failed.note(address)
        raise


def is_logged_in(request: Request) -> bool:
    try:
        return edge.identify(request) is not None
    except Unauthorised:
        return False


def _log_in(db: Session, asked: LoginRequest) -> tuple[User, str]:
    if asked.token is not None:
        return service.log_in_by_token(db, asked.token)
    assert asked.password is not None
    return service.log_in_by_password(db, name=asked.name, password=asked.password.get_secret_value())


def set_cookie(request: Request, response: Response, cookie: str) -> None:
    """HttpOnly, so that no script reads it; SameSite, so that no other site sends it along."""
    settings: Settings = request.app.state.settings
    response.set_cookie(
        edge.cookie_name(settings),
        cookie,
        max_age=int(service.SESSION_LASTS.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )


def session_view(user: User) -> SessionView:
    return SessionView(user=UserView.model_validate(user), version=__version__)


def new_link(db: Session, user: User) -> LoginLinkView:
    token = service.create_login_link(db, user=user)
    return LoginLinkView(path=f"/login?token={token}", expires_at=now() + service.LINK_LASTS)
