"""The OpenAPI document: every route's problems, and an example of everything that can be sent."""

import json
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from backend.edge import OPEN
from backend.views import Problem

DESCRIPTION = """\
Launch, watch and evaluate self-supervised learning of images and videos.

Send an API token (made on the Settings page) as `Authorization: Bearer scl_...`.
Every refusal is a problem (RFC 9457): `detail` says what to do, `fields` names the fields that are wrong.
"""

EXAMPLES: dict[str, Any] = {
    "LaunchRequest": {
        "recipe": "digits-sce-r18",
        "overrides": {"optimisation.epochs": 20, "method.temperature": 0.1},
        "experiment": "first steps",
        "tags": ["demo"],
    },
    "TestRequest": {"which": "both"},
    "LookRequest": {"run_id": 1, "position": 7, "seed": 42, "epoch": 3},
    "LoginRequest": {"token": "scl_the-token-that-was-shown-once"},
    "TokenRequest": {"name": "notebook on my laptop", "scope": "read", "expires_in_days": 30},
    "DatasetRequest": {"name": "demo videos", "root": "demo", "kind": "video"},
    "PreparationRequest": {
        "set_name": "ucf101",
        "name": "ucf101 256",
        "source": "downloads/ucf101",
        "target": "ucf101-256",
        "how": "encode",
        "short_side": 256,
    },
    "ProfileRequest": {
        "name": "a100",
        "profile": {"runs_folder": "/shared/scelab/runs", "partition": "gpu", "gres": "gpu:a100"},
    },
    "HostEdit": {"enabled": False},
    "ExperimentRequest": {"name": "temperatures", "description": "How sharp should the target be?"},
    "ExperimentEdit": {"description": "Answered: 0.05."},
    "RunEdit": {"name": "sce, sharper target", "tags": ["best so far"]},
    "MoveRequest": {"to": "before", "other": 12},
    "Spread": {"devices": 2},
    "LimitRequest": {"user": "ada", "runs": 4, "devices": 8},
    "BulkRequest": {"ids": [11, 12], "action": "stop"},
    "CheckpointEdit": {"pinned": True},
    "ImportQuestion": {"path": "sce_r3d50_k400.pth"},
    "ImportRequest": {"path": "sce_r3d50_k400.pth", "name": "released R3D50", "num_frames": 8},
    "EvaluateRequest": {"protocol": {"kind": "knn", "k": 20}},
}
"""What is sent, by the name of its schema."""

ANSWERS: dict[str, Any] = json.loads((Path(__file__).parent / "examples.json").read_bytes())
"""What comes back, by the name of its schema: answers of a real laboratory, with the times and paths made up."""

PROBLEM_EXAMPLE = {
    "type": "about:blank",
    "title": "Invalid",
    "status": 422,
    "detail": "Please correct method.temperature.",
    "fields": [{"field": "method.temperature", "message": "Input should be greater than 0"}],
}

PROBLEMS = {
    "400": "The body cannot be read.",
    "401": "Nobody is logged in, or the token is not good.",
    "403": "The login may not do this.",
    "404": "There is no such thing.",
    "409": "Its present state forbids it.",
    "413": "The request is too large.",
    "421": "The request names a host that this server does not answer to.",
    "422": "Something in the request is wrong; `fields` names it.",
    "429": "Too many at once.",
    "500": "Something broke on the server.",
    "503": "The database or a host is away.",
}
EVERYWHERE = {"413", "421", "422", "500", "503"}


def describe(app: FastAPI) -> None:
    """Make the application answer with our document."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = build(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's documented way to extend it


def build(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes)
    components: dict[str, Any] = document["components"]
    schemas: dict[str, Any] = components["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs") | {"Problem": problem | {"examples": [PROBLEM_EXAMPLE]}}
    for name, example in (EXAMPLES | ANSWERS).items():
        if name in schemas:
            schemas[name]["examples"] = [example]
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            operation["summary"] = _title(operation)
            _add_problems(operation, method, path)
    return document


def _title(operation: dict[str, Any]) -> str:
    """The first sentence of what a route says of itself: a better title than its function's name."""
    first: str = operation["description"].split("\n\n")[0].replace("\n", " ")
    return first.split(". ")[0].split(": ")[0].rstrip(".")


def _names_something(path: str) -> bool:
    """Whether what is asked for may not be there: by its address, or by a number in the body."""
    return "{" in path or path.endswith("/inspections")


def _add_problems(operation: dict[str, Any], method: str, path: str) -> None:
    is_open = (method.upper(), path) in OPEN
    operation["security"] = [] if is_open else [{"token": []}]
    given = {"429"} if path.endswith(("/session", "/stream", "/inspections")) else set()
    given |= (
        EVERYWHERE | (set() if is_open else {"401", "403"}) | ({"404"} if _names_something(path) else set())
    )
    given |= {"409"} if method != "get" else set()
    given |= {"401"} if path.endswith("/session") else set()
    given |= {"400"} if "requestBody" in operation else set()
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for status in sorted(given):
        operation["responses"][status] = {"description": PROBLEMS[status], "content": content}
