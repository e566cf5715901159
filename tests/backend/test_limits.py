"""Limits of users and of experiments: never exceeded, however many hosts ask at once, and said in words."""

import threading
from typing import Any

import pytest
from makers import PRETRAIN, Lab, end, start
from sqlalchemy import event, select
from starlette.testclient import TestClient

from backend.people.tables import User
from backend.runs.life import HOLDING
from backend.runs.reading import run_view
from backend.runs.tables import Run
from backend.stream.tables import Change


@pytest.fixture
def ready(record: Lab, rest: TestClient) -> Lab:
    """The administrator's runs; their limits are set over HTTP."""
    record.dataset()
    record.host(cpu=4)
    return record


def words(lab: Lab, run_id: int) -> str | None:
    with lab.sessions() as db:
        return run_view(db, db.get_one(Run, run_id)).waits_for


def holding(lab: Lab) -> list[int]:
    with lab.sessions() as db:
        return list(db.scalars(select(Run.devices).where(Run.state.in_(HOLDING))))


def wanting(devices: int) -> dict[str, object]:
    return {**PRETRAIN, "compute": {"devices": devices}}


def test_a_user_at_the_limit_waits_while_others_start(ready: Lab, rest: TestClient) -> None:
    assert rest.put("/limits", json={"user": "admin", "runs": 1}).status_code == 200
    first, second, third = (ready.launch().id for _ in range(3))
    with ready.sessions.begin() as db:
        ada = User(name="ada", role="member")
        db.add(ada)
        db.flush()
        db.get_one(Run, third).owner_id = ada.id
    claims = [ready.claim(), ready.claim(), ready.claim()]
    assert [claim.run_id if claim else None for claim in claims] == [first, third, None]
    assert words(ready, second) == "admin's limit of 1 running run is reached."
    ready.tell(first, start(), end("finished"))
    claim = ready.claim()
    assert claim is not None
    assert claim.run_id == second


def test_an_experiment_has_a_limit_of_devices(ready: Lab, rest: TestClient) -> None:
    first = ready.launch(wanting(2), experiment="large").id
    rest.put("/limits", json={"experiment": "large", "devices": 3})
    second, too_large = (ready.launch(wanting(number), experiment="large").id for number in (2, 4))
    assert ready.claim() is not None
    assert ready.claim() is None
    assert words(ready, second) == "The limit of experiment large of 3 devices leaves 1, and it needs 2."
    assert words(ready, too_large) == (
        "It needs 4 devices, and the limit of experiment large is 3: raise it, or ask for fewer."
    )
    (limit,) = rest.get("/limits").json()["limits"]
    assert (limit["used_runs"], limit["used_devices"], first) == (1, 2, 1)


def test_who_is_held_by_a_limit_keeps_nothing_free(ready: Lab, rest: TestClient) -> None:
    ready.launch(experiment="small")
    rest.put("/limits", json={"experiment": "small", "runs": 0})
    held, other = ready.launch(wanting(4), experiment="small", priority=9).id, ready.launch().id
    claim = ready.claim()
    assert claim is not None
    assert claim.run_id == other
    assert ready.run(held).reserved_host_id is None


def test_a_claim_between_two_looks_of_another_does_not_exceed_a_limit(ready: Lab, rest: TestClient) -> None:
    """Host b has read what the limit leaves, and not yet the queue, when host a takes what is left of it."""
    ready.host("a", room="a")
    ready.host("b", room="b")
    rest.put("/limits", json={"user": "admin", "runs": 1})
    for room in "ab":
        ready.launch({**PRETRAIN, "compute": {"labels": [f"room={room}"]}})
    reads_the_queue, a_is_done = threading.Event(), threading.Event()

    def pause(*asked: Any) -> None:
        if threading.current_thread().name == "b" and "reserved_until" in asked[2] and "SELECT" in asked[2]:
            reads_the_queue.set()
            a_is_done.wait(1.0)

    event.listen(ready.sessions.kw["bind"], "before_cursor_execute", pause)
    b = threading.Thread(target=ready.claim, args=("b",), name="b")
    b.start()
    reads_the_queue.wait(10)
    ready.claim("a")
    a_is_done.set()
    b.join()
    assert holding(ready) == [1]


def test_pages_are_told_of_a_limit_that_is_set_and_of_one_that_is_lifted(
    ready: Lab, rest: TestClient
) -> None:
    limit_id = rest.put("/limits", json={"user": "admin", "runs": 1}).json()["id"]
    rest.delete(f"/limits/{limit_id}")
    with ready.sessions() as db:
        told = db.scalars(select(Change.subject_id).where(Change.topic == "limit")).all()
    assert told == [limit_id, limit_id]


def test_a_limit_is_replaced_and_lifted_and_the_workers_are_told(ready: Lab, rest: TestClient) -> None:
    first = rest.put("/limits", json={"user": "admin", "runs": 0}).json()
    second = rest.put("/limits", json={"user": "admin", "devices": 2}).json()
    assert (second["id"], second["runs"], second["devices"]) == (first["id"], None, 2)
    assert rest.delete(f"/limits/{first['id']}").status_code == 204
    assert rest.get("/limits").json() == {"limits": [], "users": ["admin"]}
    assert rest.delete(f"/limits/{first['id']}").status_code == 404


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"user": "nobody", "runs": 1}, "There is no user 'nobody'. There are: admin."),
        ({"experiment": "none", "runs": 1}, "There is no experiment 'none'"),
        ({"user": "admin", "experiment": "none", "runs": 1}, "Name either a user or an experiment."),
        ({"user": "admin"}, "to lift a limit, delete it"),
        ({"user": "admin", "runs": -1}, "greater than or equal to 0"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused_with_the_remedy(
    asked: dict[str, object], words: str, rest: TestClient
) -> None:
    answer = rest.put("/limits", json=asked)
    assert answer.status_code == 422
    assert words in answer.text
