"""A database that is full, closed for writing or quicker than we thought: a sentence, and nothing half done."""

import sqlite3
import threading
import time
from collections.abc import Callable

import pytest
from edge_fixtures import Lab
from makers import PRETRAIN
from makers import Lab as Record
from sqlalchemy import Engine, QueuePool, create_engine, event, select
from sqlalchemy.exc import DataError, IntegrityError, OperationalError, ProgrammingError
from starlette.testclient import TestClient
from test_edge_problems import break_with

from backend.db import open_sessions
from backend.experiments.tables import Experiment
from backend.people import service as people
from backend.people.service import BadLink
from backend.people.tables import ApiToken, BrowserSession, LoginLink
from backend.runs.tables import Run

pytest_plugins = ["edge_fixtures"]


def restrict(engine: Engine, pragma: str) -> None:
    """Every connection from now on is told so; those that are open are closed."""
    engine.dispose()
    event.listen(engine, "connect", lambda connection, _: connection.execute(f"PRAGMA {pragma}"))


def fill(lab: Lab) -> None:
    """A real 'disk is full' from SQLite: the file may not grow by another page."""
    with lab.app.state.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    restrict(lab.app.state.engine, f"max_page_count={pages}")


def test_a_full_disk_is_said_to_be_full_and_reading_goes_on(lab: Lab) -> None:
    fill(lab)
    answer = lab.admin.post("/api/v1/experiments", json={"name": "large", "description": "x" * 10_000})
    assert answer.status_code == 503
    assert "disk that holds the database is full" in answer.json()["detail"]
    assert "free some room" in answer.json()["detail"]
    assert lab.admin.get("/api/v1/experiments").json() == []


def test_a_launch_on_a_full_disk_leaves_nothing_half_done(lab: Lab) -> None:
    (lab.settings.roots[1] / "demo").mkdir()
    fill(lab)
    asked = {"definition": PRETRAIN, "notes": "x" * 10_000, "seeds": list(range(32))}
    assert lab.admin.post("/api/v1/runs", json=asked).status_code == 503
    with lab.sessions() as db:
        assert db.scalars(select(Run)).all() == []
        assert db.scalars(select(Experiment)).all() == []


def test_a_database_that_may_only_be_read_says_so(lab: Lab) -> None:
    restrict(lab.app.state.engine, "query_only=ON")
    answer = lab.admin.post("/api/v1/experiments", json={"name": "one"})
    assert answer.status_code == 503
    assert "may only be read" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (
            OperationalError("INSERT", {}, sqlite3.OperationalError("database or disk is full")),
            503,
            "is full",
        ),
        (OperationalError("INSERT", {}, sqlite3.OperationalError("database is locked")), 503, "try again"),
        (OperationalError("x", {"name": "disk is full"}, Exception("connection refused")), 503, "not answer"),
        (ProgrammingError("x", {"name": "no such table"}, Exception("syntax error")), 500, "number"),
        (DataError("INSERT secret", {}, Exception("integer out of range")), 422, "larger than"),
        (IntegrityError("INSERT secret", {}, Exception("UNIQUE constraint failed")), 409, "same moment"),
    ],
)
def test_only_the_databases_own_words_are_read_and_none_of_them_leave(
    lab: Lab, error: Exception, status: int, words: str
) -> None:
    break_with(lab.app, error)
    answer = lab.client.get("/api/v1/broken")
    assert answer.status_code == status
    assert words in answer.json()["detail"]
    assert "secret" not in answer.text


def test_an_experiment_that_another_made_a_moment_before_is_a_409(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL lets both look before either writes; here the other one writes just after we looked."""
    monkeypatch.setattr("backend.experiments.service._refuse_taken", lambda *_: None)
    assert lab.admin.post("/api/v1/experiments", json={"name": "one"}).status_code == 201
    answer = lab.admin.post("/api/v1/experiments", json={"name": "one"})
    assert (answer.status_code, answer.json()["title"]) == (409, "Not now")


# -- one key, one door


def at_once(acts: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=act) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_login_link_that_four_follow_at_once_lets_one_in(record: Record) -> None:
    with record.sessions.begin() as db:
        link = people.create_login_link(db, user=people.ensure_administrator(db, record.settings))
    gate, outcomes = threading.Barrier(4), list[str]()

    def follow() -> None:
        gate.wait()
        try:
            with record.sessions.begin() as db:
                people.log_in_by_link(db, link)
            outcomes.append("in")
        except BadLink as error:
            outcomes.append(error.reason)

    at_once([follow] * 4)
    assert sorted(outcomes) == ["in", "used", "used", "used"]


def test_no_key_can_be_read_from_the_database(record: Record, rest: TestClient) -> None:
    token = rest.post("/tokens", json={"name": "laptop"}).json()["token"]
    with record.sessions.begin() as db:
        user = people.ensure_administrator(db, record.settings)
        link = people.create_login_link(db, user=user)
        cookie = people.log_in_by_link(db, people.create_login_link(db, user=user))[1]
    keys = [token, link, cookie]
    kept = ""
    with record.sessions() as db:
        for table in (LoginLink, BrowserSession, ApiToken):
            kept += repr(db.execute(select(table.__table__)).all())
    assert all(people.digest(key) in kept for key in keys)
    assert not any(key in kept for key in keys)


def test_looking_where_a_link_leads_does_not_use_it_up(lab: Lab) -> None:
    link = lab.login_link()
    assert "Set-Cookie" not in lab.client.head(link, follow_redirects=False).headers
    assert lab.client.get(link, follow_redirects=False).headers["Location"] == "/"


@pytest.mark.parametrize(("length", "status"), [("abc", 400), ("-1", 400), ("1_0", 400), ("9" * 5000, 413)])
def test_a_length_that_is_none_gets_no_further_than_the_door(lab: Lab, length: str, status: int) -> None:
    answer = lab.admin.post("/api/v1/tokens", headers={"Content-Length": length}, content=b"{}")
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_pool_without_a_free_connection_is_said_and_then_forgotten(lab: Lab) -> None:
    url = lab.app.state.engine.url
    tiny = create_engine(url, poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=0.2)
    lab.app.state.readers = open_sessions(tiny)
    with tiny.connect():
        answer = lab.admin.get("/api/v1/experiments")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert "does not answer. Nothing was changed: try again" in answer.json()["detail"]
    assert lab.admin.get("/api/v1/experiments").status_code == 200


def test_a_request_waits_for_a_writer_who_holds_sqlite_and_then_succeeds(lab: Lab) -> None:
    """Another writer has the file for a second and a half, as a backup or a large ingest may."""
    other = sqlite3.connect(lab.app.state.engine.url.database, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(1.5, lambda: other.execute("COMMIT"))
    release.start()
    began = time.monotonic()
    answer = lab.admin.post("/api/v1/experiments", json={"name": "patient"})
    assert answer.status_code == 201, answer.text
    assert time.monotonic() - began > 1, "it waited"
    release.join()
    other.close()
