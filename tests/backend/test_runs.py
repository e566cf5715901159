"""Listing runs in few queries, and what a user does with them."""

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from makers import PRETRAIN, Lab, checkpoint, end
from sqlalchemy import event

from backend.errors import Conflict, Invalid, NotFound
from backend.runs import service
from backend.runs.detail import configuration, run_detail
from backend.runs.differences import differences
from backend.runs.listing import Filter, list_runs
from backend.runs.tables import Run
from backend.runs.views import BulkRequest, RunEdit, RunView
from backend.views import Page


@pytest.fixture
def ready(record: Lab) -> Lab:
    record.dataset()
    record.host()
    return record


def listed(lab: Lab, wanted: Filter = Filter(), **asked: Any) -> Page[RunView]:  # noqa: B008 - frozen
    order = {"sort": "id", "descending": True, "page": 1, "size": 50, **asked}
    with lab.sessions() as db:
        return list_runs(db, wanted, **order)


def act(lab: Lab, action: str, run_id: int) -> RunView:
    with lab.sessions.begin() as db:
        done: RunView = getattr(service, f"{action}_run")(db, run_id, by=db.merge(lab.user()))
        return done


@contextmanager
def counted_queries(lab: Lab) -> Iterator[list[str]]:
    engine, said = lab.sessions.kw["bind"], []

    def note(*told: Any) -> None:
        if not told[2].startswith("BEGIN"):  # SQLite's is sent as a statement, PostgreSQL's is not
            said.append(told[2])

    event.listen(engine, "before_cursor_execute", note)
    yield said
    event.remove(engine, "before_cursor_execute", note)


def test_a_page_takes_the_same_number_of_queries_however_many_runs(ready: Lab) -> None:
    for _ in range(3):
        ready.launch()
    with counted_queries(ready) as few:
        listed(ready)
    for _ in range(20):
        ready.launch()
    with counted_queries(ready) as many:
        assert listed(ready).total == 23
    assert len(many) == len(few) <= 12


def test_ten_thousand_runs_give_their_first_page_quickly(record: Lab) -> None:
    record.runs(10_000, state="finished")
    taken_s = []
    for sort in ("id", "created_at", "duration") * 3:
        began = time.perf_counter()
        assert listed(record, sort=sort).total == 10_000
        taken_s.append(time.perf_counter() - began)
    assert statistics.median(taken_s) < 0.2


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (Filter(kinds=["knn"]), ["b"]),
        (Filter(states=["failed"]), ["c"]),
        (Filter(tag="paper"), ["a"]),
        (Filter(tag="pap"), []),
        (Filter(q="PAPER"), ["a"]),
        (Filter(q="%"), []),
        (Filter(q="2"), ["b"]),
        (Filter(archived=True), []),
        (Filter(), ["a", "b", "c"]),
    ],
)
def test_a_filter_finds_what_it_names(record: Lab, wanted: Filter, names: list[str]) -> None:
    record.runs(1, name="a", tags=["paper", "é"])
    record.runs(1, name="b", kind="knn")
    record.runs(1, name="c", state="failed")
    assert [run.name for run in listed(record, wanted, descending=False).items] == names


def test_pages_follow_each_other_without_gap_or_repeat(record: Lab) -> None:
    record.runs(7)
    pages = [listed(record, page=page, size=3).items for page in (1, 2, 3)]
    assert [[run.id for run in page] for page in pages] == [[7, 6, 5], [4, 3, 2], [1]]


def test_a_queued_run_stops_at_once(ready: Lab) -> None:
    assert act(ready, "stop", ready.launch().id).state == "stopped"
    assert ready.claim() is None


def test_a_running_one_is_asked_and_its_worker_is_nudged(ready: Lab) -> None:
    run_id = ready.running()
    ready.nudges.clear()
    assert act(ready, "stop", run_id).state == "stopping"
    assert ready.nudges == [("worker.stop_run", (run_id,))]


def test_a_stopped_run_resumes_as_the_same_run_with_the_next_attempt(ready: Lab) -> None:
    run_id = ready.running()
    ready.tell(run_id, checkpoint(5, kind="last"), end("stopped"))
    assert act(ready, "resume", run_id).state == "queued"
    claim = ready.claim()
    assert claim is not None
    assert (claim.run_id, claim.attempt) == (run_id, 2)


def test_a_run_without_a_state_is_retried_and_not_resumed(ready: Lab) -> None:
    run_id = ready.running()
    ready.tell(run_id, end("stopped"))
    with pytest.raises(Conflict, match="retry it from the start"):
        act(ready, "resume", run_id)
    assert act(ready, "retry", run_id).state == "queued"


def test_a_running_run_is_not_archived_and_an_ended_one_comes_back(ready: Lab) -> None:
    run_id = ready.running()
    with pytest.raises(Conflict, match="stop it before"):
        act(ready, "archive", run_id)
    ready.tell(run_id, end("finished"))
    assert act(ready, "archive", run_id).may == ["clone", "restore"]
    assert listed(ready).total == 0
    assert act(ready, "restore", run_id).archived is False


def test_a_bulk_action_names_those_it_could_not_do(ready: Lab) -> None:
    queued, running = ready.launch().id, ready.runs(1, state="finished")[0]
    with ready.sessions.begin() as db:
        asked = BulkRequest(ids=[queued, running, 99], action="stop")
        seen = service.act_on_runs(db, asked, by=db.merge(ready.user()))
    assert seen.done == [queued]
    assert [(one.id, one.reason) for one in seen.refused] == [
        (running, f"Run {running} is finished: there is nothing to stop."),
        (99, "There is no run 99."),
    ]


def test_a_run_is_renamed_and_the_deed_is_kept(ready: Lab) -> None:
    run_id = ready.launch().id
    with ready.sessions.begin() as db:
        service.edit_run(db, run_id, RunEdit(name="best", tags=["paper"]), by=db.merge(ready.user()))
        seen = run_detail(db, run_id, settings=ready.settings)
    assert (seen.name, seen.tags, seen.deeds[0].verb, seen.deeds[0].user) == (
        "best",
        ["paper"],
        "edited",
        "ada",
    )
    with pytest.raises(Invalid), ready.sessions.begin() as db:
        service.edit_run(db, run_id, RunEdit(tags=["x" * 65]), by=ready.user())


def test_a_runs_page_knows_its_seeds_attempts_and_folder(ready: Lab) -> None:
    first = ready.launch(seeds=[1, 2]).id
    ready.claim()
    with ready.sessions() as db:
        seen = run_detail(db, first, settings=ready.settings)
    assert [ref.id for ref in seen.seeds] == [first + 1]
    assert [(attempt.number, attempt.host) for attempt in seen.attempts] == [(1, "here")]
    assert seen.derived.total_steps == 50
    assert seen.folder == str(ready.settings.run_folder(first))


def test_a_run_that_is_not_there_is_not_found(record: Lab) -> None:
    with record.sessions() as db, pytest.raises(NotFound, match="There is no run 7"):
        configuration(db, 7)


def test_differences_are_told_by_dotted_path() -> None:
    before = {"a": {"b": 1, "c": [1, 2]}, "views": [{"size": 8}], "gone": 1}
    after = {"a": {"b": 2, "c": [1, 2]}, "views": [{"size": 8}, {"size": 4}]}
    found = [(change.field, change.before, change.after) for change in differences(before, after)]
    assert found == [("a.b", 1, 2), ("views.1.size", None, 4), ("gone", 1, None)]


def test_the_same_definition_has_no_differences() -> None:
    assert differences(PRETRAIN, PRETRAIN) == []


def test_a_run_that_an_older_version_stored_is_shown_with_a_sentence(ready: Lab) -> None:
    """A rule that came later refuses its definition: the page still opens, and nothing is made up."""
    run_id = ready.launch().id
    with ready.sessions.begin() as db:
        row = db.get_one(Run, run_id)
        row.definition = {**row.definition, "method": {"kind": "sce", "target_temperature": 0.5}}
    with ready.sessions() as db:
        shown = run_detail(db, run_id, settings=ready.settings)
        told = configuration(db, run_id)
    assert shown.unreadable is not None
    assert "target_temperature 0.5 must be below temperature 0.1" in shown.unreadable
    assert (shown.derived.scaled_lr, shown.health) == (None, None)
    assert told.definition["method"]["target_temperature"] == 0.5
