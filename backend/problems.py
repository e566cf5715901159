"""The one place where an error becomes an answer: problem details (RFC 9457) with a sentence."""

import logging
import secrets
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from backend.errors import SceLabError
from backend.guard import SECURITY_HEADERS, TOO_LARGE
from backend.views import FieldProblem, Problem

log = logging.getLogger(__name__)

SENTENCES = {
    404: ("Not found", "There is nothing at this address."),
    405: ("Not allowed", "This address does not answer to that method."),
    413: ("Too large", TOO_LARGE),
}


def install(app: FastAPI) -> None:
    app.add_exception_handler(SceLabError, _told)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    for away in (OperationalError, InterfaceError, ProgrammingError, PoolTimeout):
        app.add_exception_handler(away, _database)
    app.add_exception_handler(Exception, _unexpected)


def respond(problem: Problem, *, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse(
        problem.model_dump(),
        status_code=problem.status,
        media_type="application/problem+json",
        headers=headers,
    )


def _told(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, SceLabError)
    fields = [FieldProblem(field=field, message=message) for field, message in error.fields.items()]
    problem = Problem(title=error.title, status=error.status, detail=error.detail, fields=fields)
    return respond(problem, headers=_headers(error.status))


def _headers(status: int) -> dict[str, str]:
    if status == 401:
        return {"WWW-Authenticate": "Bearer"}
    return {"Retry-After": "60"} if status == 429 else {}


def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    fields = [_field_problem(fault) for fault in error.errors()]
    named = ", ".join(dict.fromkeys(field.field for field in fields if field.field))
    detail = f"Please correct {named}." if named else fields[0].message
    return respond(Problem(title="Invalid", status=422, detail=detail, fields=fields))


def _field_problem(fault: dict[str, Any]) -> FieldProblem:
    """``("body", "tags", 0)`` is the field ``tags.0`` to whoever wrote the body."""
    where, *path = fault["loc"]
    if fault["type"] == "json_invalid":
        return FieldProblem(field="", message="The body is not JSON.")
    messages = {"extra_forbidden": "There is no such field.", "missing": "This field is required."}
    message = messages.get(fault["type"], str(fault["msg"]).removeprefix("Value error, "))
    return FieldProblem(
        field=".".join(str(part) for part in path), message=message if path else _whole(where, message)
    )


def _whole(where: str, message: str) -> str:
    return (
        "The request needs a body." if where == "body" and message == "This field is required." else message
    )


def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    title, detail = SENTENCES.get(error.status_code, ("Refused", str(error.detail)))
    problem = Problem(title=title, status=error.status_code, detail=detail)
    return respond(problem, headers=dict(error.headers or {}))


def _database(request: Request, error: Exception) -> JSONResponse:
    """Away, or not set up: known by its words, since each database has its own codes."""
    words = str(error)
    if "no such table" in words or "UndefinedTable" in words:
        detail = "The database has no tables yet: start SCE Lab with `scelab up`, which makes them."
    elif isinstance(error, ProgrammingError):
        return _unexpected(request, error)
    else:
        detail = "The database does not answer. Nothing was changed: try again in a moment."
    log.error(
        "%s %s: the database: %s", request.method, request.url.path, error.__class__.__name__, exc_info=error
    )
    return respond(Problem(title="Away", status=503, detail=detail), headers={"Retry-After": "5"})


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    """Nothing of the inside leaves; the log has it under a number that the answer names."""
    number = secrets.token_hex(4)
    log.error("error %s at %s %s", number, request.method, request.url.path, exc_info=error)
    detail = f"Something broke on the server. Its log tells more under the number {number}."
    return respond(Problem(title="Server error", status=500, detail=detail), headers=dict(SECURITY_HEADERS))
