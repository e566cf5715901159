"""The queue as people see and change it, over HTTP, on either database."""

from typing import Any

import pytest
from makers import PRETRAIN, Lab
from starlette.testclient import TestClient

from backend.runs.tables import Run


@pytest.fixture
def ready(record: Lab, rest: TestClient) -> Lab:
    record.dataset()
    record.host(cpu=1, room="a")
    return record


def line(rest: TestClient) -> list[int]:
    return [one["run"]["id"] for one in rest.get("/queue").json()["waiting"]]


def move(rest: TestClient, run_id: int, to: str, other: int | None = None) -> Any:
    return rest.post(f"/runs/{run_id}/move", json={"to": to, "other": other})


def test_the_queue_says_who_holds_what_who_waits_in_which_place_and_why(ready: Lab, rest: TestClient) -> None:
    running = ready.running()
    second = ready.launch({**PRETRAIN, "compute": {"labels": ["room=a"]}}).id
    first = ready.launch(priority=3).id
    found = rest.get("/queue").json()
    assert [(one["run"]["id"], one["host"], one["run"]["devices"]) for one in found["holding"]] == [
        (running, "here", 1)
    ]
    assert [(one["place"], one["run"]["id"], one["needs"]) for one in found["waiting"]] == [
        (1, first, "1 device"),
        (2, second, "1 device with room=a"),
    ]
    assert [one["run"]["waits_for"] for one in found["waiting"]] == [
        "It is next: it waits for 1 device to become free.",
        "1 run is ahead of it; it needs 1 device.",
    ]
    assert rest.get(f"/runs/{second}").json()["waits_for"] == found["waiting"][1]["run"]["waits_for"]


def test_a_long_queue_is_shown_by_its_head_and_its_length(ready: Lab, rest: TestClient) -> None:
    for _ in range(3):
        ready.launch()
    found = rest.get("/queue", params={"size": 2}).json()
    assert (len(found["waiting"]), found["num_waiting"]) == (2, 3)


@pytest.mark.parametrize(
    ("number", "to", "other", "order"),
    [
        (3, "top", None, [3, 0, 1, 2]),
        (0, "bottom", None, [1, 2, 3, 0]),
        (3, "before", 1, [0, 3, 1, 2]),
        (0, "after", 2, [1, 2, 0, 3]),
        (2, "before", 0, [2, 0, 1, 3]),
        (1, "after", 3, [0, 2, 3, 1]),
        (0, "top", None, [0, 1, 2, 3]),
    ],
)
def test_a_run_is_moved_and_the_workers_take_them_in_the_new_order(
    ready: Lab, rest: TestClient, number: int, to: str, other: int | None, order: list[int]
) -> None:
    """The first two have a priority of their own; whoever is moved beside another takes its."""
    ids = [ready.launch(priority=5 if place < 2 else 0).id for place in range(4)]
    moved = move(rest, ids[number], to, None if other is None else ids[other])
    assert moved.status_code == 200
    assert [ids.index(run_id) for run_id in line(rest)] == order
    claim = ready.claim()
    assert claim is not None
    assert ids.index(claim.run_id) == order[0]


def test_runs_of_one_moment_are_told_apart_once_they_are_moved(ready: Lab, rest: TestClient) -> None:
    ids = [ready.launch().id for _ in range(4)]
    with ready.sessions.begin() as db:
        moment = db.get_one(Run, ids[0]).turn
        for run_id in ids:
            db.get_one(Run, run_id).turn = moment
    move(rest, ids[3], "before", ids[1])
    move(rest, ids[0], "after", ids[1])
    assert [ids.index(run_id) for run_id in line(rest)] == [3, 1, 0, 2]


def test_only_what_waits_has_a_place(ready: Lab, rest: TestClient) -> None:
    running, waiting = ready.running(), ready.launch().id
    answer = move(rest, running, "top")
    assert (answer.status_code, answer.json()["detail"]) == (
        409,
        f"Run {running} is running: only what waits for this lab's hosts has a place to change.",
    )
    assert f"Run {running} is not in the queue any more" in move(rest, waiting, "before", running).text
    assert move(rest, 999, "top").status_code == 404


@pytest.mark.parametrize("asked", [{"to": "before"}, {"to": "top", "other": 1}, {"to": "up"}])
def test_a_move_that_says_too_little_or_too_much_is_refused(
    asked: dict[str, Any], ready: Lab, rest: TestClient
) -> None:
    assert rest.post(f"/runs/{ready.launch().id}/move", json=asked).status_code == 422
