"""Whatever goes wrong, the answer is one shape: a status, a sentence, and the fields that are meant."""

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from edge_fixtures import Lab, running_lab, settings_in
from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from backend import pages
from backend.edge import Db
from backend.errors import Conflict, TooMany
from backend.openapi import ANSWERS, EXAMPLES
from backend.people.tables import User
from backend.views import View

pytest_plugins = ["edge_fixtures"]


def break_with(app: FastAPI, error: Exception) -> None:
    """A route, before all others, that raises."""

    @app.get("/api/v1/broken", include_in_schema=False)
    def broken() -> None:
        raise error

    app.router.routes.insert(0, app.router.routes.pop())


def test_a_problem_names_the_field_as_the_body_has_it(lab: Lab) -> None:
    answer = lab.admin.post("/api/v1/runs", json={"recipe": "x", "seeds": [1, "two"], "colour": "red"})
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code == 422
    assert {field["field"]: field["message"] for field in problem["fields"]} == {
        "seeds.1": "Input should be a valid integer, unable to parse string as an integer",
        "colour": "There is no such field.",
    }
    assert problem["detail"] == "Please correct seeds.1, colour."


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"{", "The body is not JSON."),
        (b"", "The request needs a body."),
        (b"\xff\xfe", "The body is not JSON."),
    ],
)
def test_a_body_that_is_none_is_said_to_be(lab: Lab, body: bytes, sentence: str) -> None:
    answer = lab.admin.post("/api/v1/tokens", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["detail"]) == (422, sentence)


def test_an_error_of_ours_keeps_its_status_sentence_and_fields(lab: Lab) -> None:
    break_with(lab.app, Conflict("It is running.", fields={"name": "Taken."}))
    answer = lab.client.get("/api/v1/broken")
    assert answer.status_code == 409
    assert answer.json() == {
        "type": "about:blank",
        "title": "Not now",
        "status": 409,
        "detail": "It is running.",
        "fields": [{"field": "name", "message": "Taken."}],
    }


def test_too_many_says_when_to_come_back(lab: Lab) -> None:
    break_with(lab.app, TooMany("Slowly."))
    assert lab.client.get("/api/v1/broken").headers["Retry-After"] == "60"


def test_a_bug_tells_the_user_a_number_and_the_log_everything(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    break_with(lab.app, RuntimeError("the secret path /srv/lab"))
    answer = lab.client.get("/api/v1/broken")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    number = answer.json()["detail"].split()[-1].rstrip(".")
    told = next(record for record in caplog.records if number in record.getMessage())
    assert told.exc_info is not None
    assert "secret" in str(told.exc_info[1])
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_database_that_is_away_is_a_503_with_a_sentence(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    break_with(lab.app, OperationalError("SELECT secret", {}, Exception("connection refused")))
    with caplog.at_level(logging.ERROR):
        answer = lab.client.get("/api/v1/broken")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json()["detail"].startswith("The database does not answer.")
    assert "SELECT" not in answer.text
    assert caplog.records


def test_a_database_without_tables_says_how_to_make_them(lab: Lab) -> None:
    with lab.app.state.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE hosts")
    assert "scelab up" in lab.admin.get("/api/v1/hosts").json()["detail"]


def test_without_a_database_the_health_says_so_and_the_pages_come(tmp_path: Path) -> None:
    settings = settings_in(tmp_path).model_copy(update={"database_url": "sqlite:////nowhere/at/all.db"})
    from backend.main import create_app

    with TestClient(create_app(settings), base_url="http://localhost") as client:
        health = client.get("/api/v1/health")
        assert (health.status_code, health.json()["database"]) == (200, "away")
        assert client.get("/").status_code in {200, 503}


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/v1", "/api/v2/runs", "/api/v1/run"])
def test_an_address_of_the_api_that_is_none_is_a_problem_and_no_page(lab: Lab, path: str) -> None:
    answer = lab.client.get(path)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_wrong_method_says_which_would_do(lab: Lab) -> None:
    answer = lab.admin.put("/api/v1/tokens")
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) <= {"GET", "POST"}


@pytest.mark.parametrize("number", ["abc", "-1", "2147483648", "9" * 400])
def test_a_number_that_no_row_can_have_is_refused(lab: Lab, number: str) -> None:
    assert lab.admin.get(f"/api/v1/datasets/{number}").status_code == 422


# -- one transaction per request


def test_a_request_that_fails_writes_nothing(lab: Lab) -> None:
    @lab.app.post("/api/v1/half", include_in_schema=False)
    def half(db: Db) -> None:
        db.add(User(name="half", role="viewer"))
        db.flush()
        raise Conflict("Changed my mind.")

    lab.app.router.routes.insert(0, lab.app.router.routes.pop())
    assert lab.client.post("/api/v1/half").status_code == 409
    with lab.sessions.begin() as db:
        assert db.query(User).filter_by(name="half").first() is None


def test_reading_waits_for_no_writer(lab: Lab) -> None:
    with lab.sessions.begin() as db:
        db.add(User(name="still writing", role="viewer"))
        db.flush()
        assert lab.admin.get("/api/v1/hosts").status_code == 200


# -- the document


def test_every_example_in_the_document_is_good(lab: Lab) -> None:
    schemas = lab.client.get("/api/openapi.json").json()["components"]["schemas"]
    assert {name for name in EXAMPLES if schemas[name]["examples"] == [EXAMPLES[name]]} == set(EXAMPLES)


def test_whatever_can_be_sent_has_an_example(lab: Lab) -> None:
    document = lab.client.get("/api/openapi.json").json()
    bodies = [
        operation["requestBody"]["content"]["application/json"]["schema"]
        for operations in document["paths"].values()
        for operation in operations.values()
        if "requestBody" in operation
    ]
    named = {body["$ref"].rpartition("/")[2] for body in bodies if "$ref" in body}
    assert named <= set(EXAMPLES)


def test_whatever_comes_back_has_an_example(lab: Lab) -> None:
    document = lab.client.get("/api/openapi.json").json()
    said = re.findall(r"#/components/schemas/(\w+)", json.dumps(answers_of(document)))
    assert {name for name in said if not name.startswith("Page_")} <= set(EXAMPLES) | set(ANSWERS)
    items = [
        document["components"]["schemas"][name]["properties"]["items"] for name in said if "Page_" in name
    ]
    assert all(one["items"]["$ref"].rpartition("/")[2] in ANSWERS for one in items)


def answers_of(document: dict[str, Any]) -> list[Any]:
    """The schemas of every good answer."""
    return [
        content["schema"]
        for path in document["paths"].values()
        for operation in path.values()
        for status, answer in operation["responses"].items()
        if status.startswith("2")
        for content in answer.get("content", {}).values()
    ]


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_an_example_of_an_answer_is_what_is_said_today(name: str) -> None:
    models = {model.__name__: model for model in all_kinds_of(View)}
    assert models[name].model_validate(ANSWERS[name]).model_dump(mode="json") == ANSWERS[name]


def all_kinds_of(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for kind in model.__subclasses__():
        yield kind
        yield from all_kinds_of(kind)


def test_every_operation_has_a_summary_and_our_problems(lab: Lab) -> None:
    document = json.loads(lab.client.get("/api/openapi.json").text)
    operations = [one for path in document["paths"].values() for one in path.values()]
    assert all(operation["summary"] and operation["description"] for operation in operations)
    assert all(
        "application/problem+json" in operation["responses"]["422"]["content"] for operation in operations
    )
    assert "HTTPValidationError" not in document["components"]["schemas"]


# -- the pages


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of built pages."""
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>SCE Lab</title>")
    (folder / "assets" / "index-abc123.js").write_text("export {}")
    monkeypatch.setattr(pages, "STATIC", folder)
    return folder


@pytest.mark.parametrize("path", ["/", "/runs/12", "/login", "/settings", "/a.b/c"])
def test_every_address_of_the_pages_is_the_page_and_asked_for_again(
    built: Path, tmp_path: Path, path: str
) -> None:
    with running_lab(settings_in(tmp_path)) as lab:
        answer = lab.client.get(path)
    assert "<title>SCE Lab</title>" in answer.text
    assert answer.headers["Cache-Control"] == "no-cache"


def test_hashed_files_are_kept_for_ever(built: Path, tmp_path: Path) -> None:
    with running_lab(settings_in(tmp_path)) as lab:
        answer = lab.client.get("/assets/index-abc123.js")
        missing = lab.client.get("/assets/index-old.js")
    assert "immutable" in answer.headers["Cache-Control"]
    assert missing.status_code == 404


def test_a_page_that_did_not_change_is_not_sent_again(built: Path, tmp_path: Path) -> None:
    with running_lab(settings_in(tmp_path)) as lab:
        etag = lab.client.get("/").headers["ETag"]
        assert lab.client.get("/", headers={"If-None-Match": etag}).status_code == 304


def test_pages_that_were_never_built_say_how_to_build_them(built: Path, tmp_path: Path) -> None:
    (built / "index.html").unlink()
    with running_lab(settings_in(tmp_path)) as lab:
        answer = lab.client.get("/")
    assert answer.status_code == 503
    assert "make pages" in answer.text
