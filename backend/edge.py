"""Where a request meets the record: its session, its user, and the one commit.

Every route is closed unless it stands in ``OPEN``; ``guard`` is put before all of them by ``backend.main``.
"""

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from backend.errors import Forbidden, Unauthorised
from backend.people import service as people
from backend.people.service import Caller
from backend.people.tables import User
from backend.settings import Settings

OPEN = frozenset(
    {
        ("GET", "/api/v1/health"),
        ("POST", "/api/v1/session"),
        ("GET", "/login"),
        ("GET", "/api/openapi.json"),
        ("GET", "/{path:path}"),  # the pages themselves: the same files for everyone
    }
)
"""What may be asked without logging in, as (method, path of the route)."""

CHANGES_NOTHING = frozenset({("POST", "/api/v1/runs/preview"), ("DELETE", "/api/v1/session")})
"""Unsafe methods that those who may only read may use."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def get_settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def get_db(request: Request) -> Iterator[Session]:
    """One transaction per request: committed when the route returned, else rolled back.

    Reading takes no write lock, so that pages never wait for the worker's writes.
    """
    sessions = request.app.state.readers if request.method in SAFE_METHODS else request.app.state.sessions
    with sessions.begin() as db:
        yield db


def identify(request: Request) -> Caller | None:
    """Who is asking, by API token or by cookie; None when nobody says so.

    It reads in a transaction of its own: a request that waits for a thread must hold no connection.
    Raises ``Unauthorised`` for a token or cookie that is not, or no longer, good.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    cookie = request.cookies.get(cookie_name(request.app.state.settings))
    if scheme and scheme.lower() != "bearer":
        raise Unauthorised("Authorise with 'Bearer' and an API token made on the Settings page.")
    if not scheme and not cookie:
        return None
    with request.app.state.readers.begin() as db:
        by_token, by_cookie = people.caller_by_token, people.caller_by_cookie
        caller = by_token(db, token.strip()) if scheme else by_cookie(db, cookie or "")
    if caller.token_id is not None and caller.must_note_use:
        request.app.state.token_uses.note(caller.token_id)
    return caller


def guard(request: Request) -> None:
    """Raises ``Unauthorised`` or ``Forbidden`` unless the asked route is open to whoever asks."""
    route = (request.method, request.scope["route"].path)
    if route in OPEN:
        return
    caller = identify(request)
    if caller is None:
        raise Unauthorised("Log in with the link that `scelab login-link` prints, or send an API token.")
    if request.method not in SAFE_METHODS and route not in CHANGES_NOTHING and not caller.may_write:
        raise Forbidden(
            "This login may look and not change anything: ask for a token with the scope 'write'."
        )
    request.state.caller = caller


def get_caller(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


def current_user(caller: Annotated[Caller, Depends(get_caller)]) -> User:
    return caller.user


def administrator(user: Annotated[User, Depends(current_user)]) -> User:
    """Raises ``Forbidden`` for anyone else."""
    if user.role != "admin":
        raise Forbidden("Only an administrator may do this.")
    return user


def cookie_name(settings: Settings) -> str:
    """Cookies are shared by all ports of a machine, so each home has its own."""
    return f"scelab_{people.digest(str(settings.home.resolve()))[:8]}"


Config = Annotated[Settings, Depends(get_settings)]
Db = Annotated[Session, Depends(get_db, scope="function")]
CurrentCaller = Annotated[Caller, Depends(get_caller)]
CurrentUser = Annotated[User, Depends(current_user)]
Administrator = Annotated[User, Depends(administrator)]
