"""The one place where an error becomes an answer: problem details (RFC 9457) with a sentence."""

import logging
import secrets

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from backend.errors import SceLabError
from backend.guard import SECURITY_HEADERS, TOO_LARGE
from backend.trees import Tree
from backend.views import FieldProblem, Problem

log = logging.getLogger(__name__)

SENTENCES = {
    400: ("Bad request", "The body cannot be read: send JSON in UTF-8, and nest it less deeply."),
    404: ("Not found", "There is nothing at this address."),
    405: ("Not allowed", "This address does not answer to that method."),
    413: ("Too large", TOO_LARGE),
}

DATABASE_SENTENCES = {
    ("no such table", "UndefinedTable"): (
        "The database has no tables yet: start SCE Lab with `scelab up`, which makes them."
    ),
    ("disk is full", "No space left", "DiskFull"): (
        "The disk that holds the database is full. Nothing was changed: free some room and try again."
    ),
    ("readonly database", "ReadOnlySqlTransaction"): (
        "The database may only be read. Nothing was changed: let SCE Lab write to its folder, and try again."
    ),
}
"""What the databases' own words mean, by any of those words."""
AWAY = "The database does not answer. Nothing was changed: try again in a moment."
NOT_JSON = "Send the body as JSON, with the header `Content-Type: application/json`."


def install(app: FastAPI) -> None:
    app.add_exception_handler(SceLabError, _told)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    for away in (OperationalError, InterfaceError, ProgrammingError, PoolTimeout):
        app.add_exception_handler(away, _database)
    app.add_exception_handler(DataError, _unfit)
    app.add_exception_handler(IntegrityError, _overtaken)
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
    if any(isinstance(fault.get("input"), bytes) for fault in error.errors()):
        fields = [FieldProblem(field="", message=NOT_JSON)]
    named = ", ".join(dict.fromkeys(field.field for field in fields if field.field))
    detail = f"Please correct {named}." if named else fields[0].message
    return respond(Problem(title="Invalid", status=422, detail=detail, fields=fields))


def _field_problem(fault: Tree) -> FieldProblem:
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
    cause = getattr(error, "orig", None)  # its own words alone: ours quote what the user wrote
    words = f"{cause.__class__.__name__} {cause}"
    meant = (said for signs, said in DATABASE_SENTENCES.items() if any(sign in words for sign in signs))
    detail = next(meant, AWAY)
    if detail is AWAY and isinstance(error, ProgrammingError):
        return _unexpected(request, error)
    log.error(
        "%s %s: the database: %s", request.method, request.url.path, error.__class__.__name__, exc_info=error
    )
    return respond(Problem(title="Away", status=503, detail=detail), headers={"Retry-After": "5"})


def _unfit(_: Request, error: Exception) -> JSONResponse:
    """The routes refuse what does not fit by its field; this is what they forgot."""
    log.error("a value does not fit its column", exc_info=error)
    detail = "A value is larger than the database has room for, or is no text: nothing was changed."
    return respond(Problem(title="Invalid", status=422, detail=detail))


def _overtaken(_: Request, error: Exception) -> JSONResponse:
    """Two asked for the same at the same moment; the second to arrive is told to look again."""
    log.warning("a constraint refused a change", exc_info=error)
    detail = "Somebody changed the same thing at the same moment. Nothing was changed: look again."
    return respond(Problem(title="Not now", status=409, detail=detail))


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    """Nothing of the inside leaves; the log has it under a number that the answer names."""
    number = secrets.token_hex(4)
    log.error("error %s at %s %s", number, request.method, request.url.path, exc_info=error)
    detail = f"Something broke on the server. Its log tells more under the number {number}."
    return respond(Problem(title="Server error", status=500, detail=detail), headers=dict(SECURITY_HEADERS))
