"""The life of a run: legal moves, one writer, and what may be done."""

import itertools

import pytest
from makers import Lab
from sqlalchemy import select

from backend.people.tables import Deed
from backend.runs.life import NEXT, IllegalMove, RunState, Why, may, move
from backend.runs.tables import Run
from backend.stream.tables import Change

LEGAL = {
    ("draft", "queued"),
    ("queued", "starting"), ("queued", "stopped"), ("queued", "failed"),
    ("starting", "running"), ("starting", "stopping"), ("starting", "queued"), ("starting", "failed"),
    ("running", "stopping"), ("running", "preempted"), ("running", "finished"), ("running", "stopped"),
    ("running", "failed"),
    ("stopping", "stopped"), ("stopping", "finished"), ("stopping", "failed"),
    ("preempted", "queued"), ("preempted", "stopped"),
    ("stopped", "queued"), ("failed", "queued"),
}  # fmt: skip
ALL = list(itertools.product(RunState, RunState))


def test_the_table_allows_exactly_these_moves() -> None:
    assert {(one.value, other.value) for one in NEXT for other in NEXT[one]} == LEGAL


def try_move(lab: Lab, run_id: int, to: RunState) -> str:
    """What came of it, in words."""
    try:
        with lab.sessions.begin() as db:
            move(db, db.get_one(Run, run_id), to)
    except IllegalMove as error:
        return error.detail
    return "moved"


def test_every_move_is_made_or_refused_with_both_states(record: Lab) -> None:
    ids = [record.runs(1, state=came_from.value)[0] for came_from, _ in ALL]
    came = {move: try_move(record, run_id, move[1]) for move, run_id in zip(ALL, ids, strict=True)}
    assert {(one.value, other.value) for (one, other), words in came.items() if words == "moved"} == LEGAL
    refused = {move: words for move, words in came.items() if words != "moved"}
    assert all(words == f"A {one} run cannot become {other}." for (one, other), words in refused.items())


def test_a_move_leaves_a_deed_and_a_change(record: Lab) -> None:
    (run_id,) = record.runs(1)
    user = record.user()
    with record.sessions.begin() as db:
        move(db, db.get_one(Run, run_id), RunState.STOPPED, by=db.merge(user), verb="stopped")
    with record.sessions() as db:
        deed = db.scalars(select(Deed)).one()
        assert (deed.verb, deed.user_id, deed.detail["from"]) == ("stopped", user.id, "queued")
        assert [(change.topic, change.subject_id) for change in db.scalars(select(Change))] == [
            ("run", run_id)
        ]


def test_a_move_from_a_state_that_is_no_longer_is_refused(record: Lab) -> None:
    (run_id,) = record.runs(1)
    with record.sessions() as stale:
        run = stale.get_one(Run, run_id)
        stale.rollback()
        with record.sessions.begin() as db:
            move(db, db.get_one(Run, run_id), RunState.STARTING, attempt=1)
        with pytest.raises(IllegalMove, match="starting run cannot become stopped"):
            move(stale, run, RunState.STOPPED)


def test_a_failure_is_forgotten_when_the_run_is_queued_again(record: Lab) -> None:
    (run_id,) = record.runs(1, state="running")
    with record.sessions.begin() as db:
        run = db.get_one(Run, run_id)
        move(db, run, RunState.FAILED, why=Why("out_of_memory", "The batch is too large."))
        assert (run.failure_kind, run.ended_at is None) == ("out_of_memory", False)
        move(db, run, RunState.QUEUED)
        assert (run.failure_kind, run.failure_sentence, run.ended_at) == (None, None, None)


@pytest.mark.parametrize(
    ("state", "num_states", "allowed"),
    [
        ("draft", 0, ["launch", "clone", "archive"]),
        ("queued", 0, ["stop", "clone"]),
        ("running", 2, ["stop", "clone", "evaluate"]),
        ("stopping", 0, ["clone"]),
        ("preempted", 1, ["stop", "clone", "evaluate"]),
        ("stopped", 1, ["resume", "clone", "evaluate", "devices", "archive"]),
        ("stopped", 0, ["retry", "clone", "archive"]),
        ("failed", 1, ["retry", "clone", "evaluate", "devices", "archive"]),
        ("finished", 3, ["clone", "evaluate", "archive"]),
    ],
)
def test_the_server_says_what_may_be_done(state: str, num_states: int, allowed: list[str]) -> None:
    run = Run(state=state, kind="pretrain")
    assert may(run, num_states=num_states, num_kept=num_states) == allowed


@pytest.mark.parametrize(
    ("kind", "state", "is_allowed"),
    [
        ("linear", "stopped", True),
        ("finetune", "failed", True),
        ("finetune", "running", False),
        ("linear", "finished", False),
        ("knn", "failed", False),
        ("import", "stopped", False),
    ],
)
def test_a_classifiers_training_goes_on_over_other_devices(kind: str, state: str, is_allowed: bool) -> None:
    """Its state is kept after each epoch; without one it begins anew, over whatever devices."""
    assert ("devices" in may(Run(state=state, kind=kind))) == is_allowed


def test_a_state_that_will_be_replaced_is_gone_on_from_and_not_measured() -> None:
    stopped = Run(state="stopped", kind="pretrain")
    assert may(stopped, num_states=1, num_kept=0) == ["resume", "clone", "devices", "archive"]
