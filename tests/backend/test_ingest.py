"""The journal becomes rows: whole, once, fenced by attempt, and never a crash."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from makers import KNN, PRETRAIN, Lab, checkpoint, end, lines, metrics, start
from sqlalchemy import func, select

from backend.checkpoints.tables import Checkpoint
from backend.compute.tables import Device
from backend.metrics.service import Asked, read_metrics
from backend.metrics.tables import Point, Rollup, Series
from backend.runs.ingest import ingest
from backend.runs.tables import Attempt, Run
from sce.rundir import RunDir


@pytest.fixture
def ready(record: Lab) -> Lab:
    record.dataset()
    record.host()
    return record


def num_points(lab: Lab) -> int:
    with lab.sessions() as db:
        return db.scalar(select(func.count()).select_from(Point)) or 0


def notes(lab: Lab, number: int = 1) -> list[str]:
    with lab.sessions() as db:
        return db.scalars(select(Attempt).where(Attempt.number == number)).one().notes


def test_a_start_line_makes_a_run_running(ready: Lab) -> None:
    run = ready.run(ready.running(steps=50))
    assert (run.state, run.steps, run.epochs) == ("running", 50, 10)
    with ready.sessions() as db:
        attempt = db.scalars(select(Attempt)).one()
    assert (attempt.start_step, attempt.device, attempt.versions) == (0, "cpu", {"torch": "2"})


def test_metrics_move_the_run_along(ready: Lab) -> None:
    run_id = ready.running(steps=50)
    ready.tell(run_id, metrics(5, train__loss=2.0), metrics(10, train__loss=1.5, train__lr=0.1))
    run = ready.run(run_id)
    assert (run.step, run.epoch, run.progress) == (10, 2.0, 0.2)
    assert run.summary == {"train/loss": 1.5, "train/lr": 0.1}
    with ready.sessions() as db:
        loss = db.scalars(select(Series).where(Series.key == "train/loss")).one()
    assert (loss.num_points, loss.min_value, loss.max_value, loss.last_value) == (2, 1.5, 2.0, 1.5)


def test_the_same_lines_again_change_nothing(ready: Lab) -> None:
    run_id = ready.running()
    journal = lines([metrics(1, a=1.0), metrics(2, a=2.0)], ready.run(run_id).journal_offset)
    for _ in range(2):
        with ready.sessions.begin() as db:
            ingest(db, run_id=run_id, lines=journal)
    assert num_points(ready) == 2


def test_a_crash_before_the_commit_loses_no_line_and_doubles_none(ready: Lab) -> None:
    run_id = ready.running()
    journal = lines([metrics(1, a=1.0), metrics(2, a=2.0)], ready.run(run_id).journal_offset)
    with ready.sessions() as db:
        ingest(db, run_id=run_id, lines=journal[:1])
        db.rollback()
    with ready.sessions.begin() as db:
        ingest(db, run_id=run_id, lines=journal)
    assert num_points(ready) == 2


def test_a_line_that_is_still_being_written_waits_for_its_end(ready: Lab, tmp_path: Path) -> None:
    run_id = ready.running()
    with ready.sessions.begin() as db:
        db.get_one(Run, run_id).journal_offset = 0
    folder, whole = RunDir(tmp_path), json.dumps(metrics(1, a=1.0)) + "\n"

    def look() -> None:
        with ready.sessions.begin() as db:
            new = folder.read(db.get_one(Run, run_id).journal_offset)
            ingest(db, run_id=run_id, lines=[(line.event, line.end_offset) for line in new])

    folder.journal_file.write_text(whole[:20])
    look()
    assert num_points(ready) == 0
    folder.journal_file.write_text(whole)
    look()
    look()
    assert num_points(ready) == 1


def test_a_writer_of_an_older_attempt_is_fenced_out(ready: Lab) -> None:
    run_id = ready.running()
    ready.tell(
        run_id, metrics(1, a=1.0), end("failed", kind="infrastructure", sentence="The disk went away.")
    )
    with ready.sessions.begin() as db:
        db.execute(Run.__table__.update().values(state="queued"))
    assert ready.claim() is not None
    # What it still measured before the next one began is kept, as its own; that it finished is not believed.
    ready.tell(run_id, metrics(2, a=9.0), end("finished"), start(attempt=2, step=1), metrics(3, a=9.0))
    assert ready.run(run_id).state == "running"
    assert num_points(ready) == 2
    assert ready.run(run_id).summary == {"a": 1.0}
    assert notes(ready)[-1] == "2 journal lines that came after attempt 2 took over were left out."


def test_what_an_attempt_measures_beside_its_successor_is_left_out_when_a_third_is_next(ready: Lab) -> None:
    """Its host was cut off, and came back."""
    run_id = ready.running()
    for number in (2, 3):
        ready.tell(
            run_id, end("failed", attempt=number - 1, kind="infrastructure", sentence="Its host went.")
        )
        with ready.sessions.begin() as db:
            db.execute(Run.__table__.update().values(state="queued"))
        assert ready.claim() is not None
        if number == 2:
            ready.tell(run_id, start(attempt=2, step=1))
    ready.tell(run_id, metrics(9, a=9.0), metrics(2, attempt=2, a=2.0))
    assert num_points(ready) == 1
    assert notes(ready)[-1] == "1 journal lines that came after attempt 3 took over were left out."


def test_steps_that_a_later_attempt_went_over_are_superseded(ready: Lab) -> None:
    run_id = ready.running()
    ready.tell(run_id, *(metrics(step, a=float(step)) for step in range(1, 8)), end("preempted"))
    assert ready.run(run_id).state == "queued"
    ready.claim()
    ready.tell(run_id, start(attempt=2, step=4), metrics(5, attempt=2, a=50.0))
    with ready.sessions() as db:
        curve = read_metrics(db, Asked(run_ids=[run_id], keys=["a"])).series[0]
    kept = [step for step, gone in zip(curve.step, curve.superseded, strict=True) if not gone]
    assert kept == [1, 2, 3, 4, 5]
    assert [step for step, gone in zip(curve.step, curve.superseded, strict=True) if gone] == [5, 6, 7]
    assert curve.last[curve.step.index(5) + curve.superseded[curve.step.index(5)]] == 50.0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_no_number_is_kept_as_what_it_was(ready: Lab, value: float) -> None:
    run_id = ready.running()
    ready.tell(run_id, metrics(1, a=1.0), metrics(2, a=value))
    with ready.sessions() as db:
        point = db.scalars(select(Point).order_by(Point.id.desc())).first()
    assert point is not None
    assert (point.value, point.odd) == (None, str(value))
    assert "a" not in ready.run(run_id).summary


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({"event": "party", "attempt": 1}, "does not know: 'party'"),
        ({"event": "metrics", "attempt": 1}, "metrics line of the journal could not be read"),
        (
            {"event": "metrics", "attempt": 1, "step": "x", "epoch": 0, "time": 0, "values": {}},
            "could not be",
        ),
        ({"event": "checkpoint", "attempt": 1, "kind": "odd", "path": "x"}, "checkpoint line"),
        ({"event": "end", "attempt": 1, "status": "bored"}, "end line"),
        ({"event": "torn"}, "torn by a kill"),
        ({"event": "note", "attempt": 1, "level": "warning", "text": "Three videos were skipped."}, "Three"),
    ],
)
def test_what_cannot_be_read_becomes_a_note(ready: Lab, line: dict[str, Any], words: str) -> None:
    run_id = ready.running()
    ready.tell(run_id, line, metrics(1, a=1.0))
    assert words in notes(ready)[-1]
    assert num_points(ready) == 1


def test_a_checkpoint_is_registered_and_its_removal_too(ready: Lab) -> None:
    run_id = ready.running()
    ready.tell(run_id, checkpoint(5, kind="last", path="checkpoints/last-5.ckpt"))
    ready.tell(run_id, {"event": "removed", "attempt": 1, "path": "checkpoints/last-5.ckpt"})
    with ready.sessions() as db:
        row = db.scalars(select(Checkpoint)).one()
    assert (row.step, row.bytes, row.removed_at is None) == (5, 1000, False)


def test_a_result_becomes_the_summary_and_its_protocol(ready: Lab) -> None:
    run_id = ready.running()
    event = {"event": "result", "attempt": 1, "values": {"top1": 0.5}, "protocol": {"k": 5}, "files": []}
    ready.tell(run_id, event)
    assert (ready.run(run_id).summary, ready.run(run_id).protocol) == ({"top1": 0.5}, {"k": 5})


@pytest.mark.parametrize("status", ["finished", "stopped", "failed"])
def test_an_end_line_ends_the_run_and_frees_its_devices(ready: Lab, status: str) -> None:
    run_id = ready.running()
    ready.nudges.clear()
    ready.tell(run_id, end(status, kind="user_error" if status == "failed" else None, sentence="Said why."))
    run = ready.run(run_id)
    assert (run.state, run.ended_at is None) == (status, False)
    with ready.sessions() as db:
        assert db.scalars(select(Device.run_id)).all() == [None]
        assert db.scalars(select(Attempt)).one().sentence == "Said why."
    assert ("worker.start_runs", ()) in ready.nudges


def test_a_preempted_run_queues_itself_again(ready: Lab) -> None:
    run_id = ready.running()
    ready.tell(run_id, end("preempted"))
    assert ready.run(run_id).state == "queued"


def test_an_end_after_the_run_was_given_up_is_noted(ready: Lab) -> None:
    run_id = ready.running()
    with ready.sessions.begin() as db:
        db.execute(Run.__table__.update().values(state="failed"))
    ready.tell(run_id, end("finished"))
    assert ready.run(run_id).state == "failed"
    assert "after it was already failed" in notes(ready)[-1]


def test_rollups_hold_what_the_points_hold(ready: Lab) -> None:
    run_id = ready.running()
    for first in range(0, 300, 30):
        ready.tell(run_id, *(metrics(step, a=float((step * 37) % 101)) for step in range(first, first + 30)))
    with ready.sessions() as db:
        for level in range(1, 5):
            rows = db.scalars(select(Rollup).where(Rollup.level == level)).all()
            assert sum(row.count for row in rows) == 300
            assert max(row.max or 0 for row in rows) == 100.0
            assert all(row.step // 8**level == row.block for row in rows)


# -- evaluations that follow by themselves


def with_plan(*plans: dict[str, Any]) -> dict[str, Any]:
    return {**PRETRAIN, "evaluations": list(plans)}


def planned(lab: Lab) -> list[Run]:
    with lab.sessions() as db:
        return list(db.scalars(select(Run).where(Run.plan_index.is_not(None)).order_by(Run.id)))


@pytest.mark.parametrize(
    ("when", "steps"), [("every", [0, 25, 50]), ("first_and_last", [0, 50]), ("last", [50])]
)
def test_a_plan_follows_the_checkpoints_it_names(ready: Lab, when: str, steps: list[int]) -> None:
    run_id = ready.running(with_plan({"when": when, "protocol": KNN}))
    ready.tell(run_id, checkpoint(0, kind="initial"), checkpoint(10, kind="last"))
    ready.tell(run_id, checkpoint(25), checkpoint(50))
    with ready.sessions() as db:
        at = [db.get_one(Checkpoint, row.checkpoint_id).step for row in planned(ready)]
    assert at == steps


def test_a_planned_evaluation_is_a_child_that_names_the_file(ready: Lab) -> None:
    run_id = ready.running(with_plan({"protocol": KNN}), name="mine", priority=3)
    ready.tell(run_id, checkpoint(0, kind="initial"))
    (child,) = planned(ready)
    assert (child.parent_id, child.state, child.kind, child.priority) == (run_id, "queued", "knn", 4)
    assert child.name == "k-NN of mine untrained"
    assert child.definition["checkpoint"]["path"] == f"{run_id}/checkpoints/initial-0.ckpt"
    assert child.definition["checkpoint"]["sha256"] == "0" * 64


def test_a_plan_is_launched_once_for_a_checkpoint_that_is_made_again(ready: Lab) -> None:
    run_id = ready.running(with_plan({"protocol": KNN}))
    ready.tell(run_id, checkpoint(25), end("preempted"))
    with ready.sessions.begin() as db:
        db.execute(Run.__table__.update().where(Run.id != run_id).values(state="stopped"))
    assert ready.claim() is not None
    ready.tell(run_id, start(attempt=2, step=20), checkpoint(25, attempt=2))
    assert len(planned(ready)) == 1
