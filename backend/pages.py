"""The built pages, served beside the API: hashed files for ever, everything else asked for again."""

from pathlib import Path
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import PlainTextResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from backend.errors import NotFound, TooMany
from backend.people import door
from backend.people.service import BadLink

STATIC = Path(__file__).parent / "static"
NOT_BUILT = "The pages are not built: run `make pages` in the repository (it needs Node.js 20 or newer).\n"

router = APIRouter(include_in_schema=False)


@router.api_route("/login", methods=["GET", "HEAD"])
async def log_in(request: Request, token: str | None = None) -> Response:
    """Use up a login link and go to the pages; without a token, the page that asks for one.

    HEAD uses nothing up: programs that only look where a link leads send it.
    """
    if token is None or request.method == "HEAD":
        return await read_page(request, "login")
    return await run_in_threadpool(_use_link, request, token)


@router.api_route("/{path:path}", methods=["GET", "HEAD"])
async def read_page(request: Request, path: str) -> Response:
    """A built file, or the page itself for every address that only the page knows."""
    if path == "api" or path.startswith("api/"):
        raise NotFound("There is nothing at this address.")
    files: StaticFiles = request.app.state.static
    try:
        response = await files.get_response(path or "index.html", request.scope)
    except HTTPException:
        if path.startswith("assets/"):
            raise
        return await _index(request, files)
    except ValueError as error:  # a NUL in the path
        raise NotFound("There is nothing at this address.") from error
    is_hashed = path.startswith("assets/")
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if is_hashed else "no-cache"
    return response


async def _index(request: Request, files: StaticFiles) -> Response:
    try:
        response = await files.get_response("index.html", request.scope)
    except HTTPException:
        return PlainTextResponse(NOT_BUILT, status_code=503)
    response.headers["Cache-Control"] = "no-cache"
    return response


def _use_link(request: Request, token: str) -> Response:
    try:
        with request.app.state.sessions.begin() as db:
            cookie = door.use_link(request, db, token)
    except BadLink as error:
        # Whoever loads a used link again, and is in already, just wants the page.
        is_in = error.reason == "used" and door.is_logged_in(request)
        return _to("/" if is_in else _login_page(error.reason))
    except TooMany:
        return _to(_login_page("too_many"))
    response = _to("/")
    door.set_cookie(request, response, cookie)
    return response


def _login_page(problem: str) -> str:
    return f"/login?{urlencode({'problem': problem})}"


def _to(path: str) -> RedirectResponse:
    return RedirectResponse(path, status_code=303, headers={"Cache-Control": "no-store"})
