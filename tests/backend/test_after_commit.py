"""What leaves with a commit: nudges to workers and changes to pages; a rollback forgets both."""

import logging
from datetime import timedelta

import pytest
from kombu.exceptions import OperationalError
from makers import Lab
from sqlalchemy import update

from backend.db import now, open_sessions
from backend.nudge import celery_publisher, nudge
from backend.stream.service import changes_after, forget_old_changes, newest_cursor, tell
from backend.stream.tables import Change


def test_a_nudge_leaves_after_the_commit_and_once(record: Lab) -> None:
    with record.sessions() as db:
        nudge(db, "worker.stop_run", 7)
        nudge(db, "worker.stop_run", 7)
        assert record.nudges == []
        db.commit()
    assert record.nudges == [("worker.stop_run", (7,))]


def test_a_rollback_forgets_nudges_and_changes(record: Lab) -> None:
    with record.sessions() as db:
        nudge(db, "worker.stop_run", 7)
        tell(db, "run", 7)
        db.rollback()
        db.commit()
        assert newest_cursor(db) == 0
    assert record.nudges == []


def test_a_savepoint_neither_sends_nor_forgets(record: Lab) -> None:
    with record.sessions() as db:
        nudge(db, "worker.stop_run", 7)
        tell(db, "run", 7)
        with db.begin_nested():
            pass
        db.begin_nested().rollback()
        assert record.nudges == []
        db.commit()
        assert len(changes_after(db, 0)) == 1
    assert record.nudges == [("worker.stop_run", (7,))]


def test_a_broker_that_is_away_loses_a_nudge_and_no_row(
    record: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(name: str, args: tuple[int, ...]) -> None:
        raise OperationalError("connection refused")

    away = open_sessions(record.sessions.kw["bind"], refuse)
    with caplog.at_level(logging.WARNING), away.begin() as db:
        tell(db, "run", 7)
        nudge(db, "worker.stop_run", 7)
    assert "lost nudge worker.stop_run(7,)" in caplog.text
    with record.sessions() as db:
        assert newest_cursor(db) > 0


def test_a_publisher_gives_up_when_nobody_listens() -> None:
    publish = celery_publisher("redis://127.0.0.1:1/0")
    with pytest.raises((OperationalError, OSError)):
        publish("worker.sweep", ())


def test_a_change_is_told_once_per_transaction_and_followed_by_cursor(record: Lab) -> None:
    for run_id in (1, 2):
        with record.sessions.begin() as db:
            tell(db, "run", run_id)
            tell(db, "run", run_id)
    with record.sessions() as db:
        first, second = changes_after(db, 0)
        assert (first.subject_id, second.subject_id) == (1, 2)
        assert [change.id for change in changes_after(db, first.id)] == [second.id]
        assert newest_cursor(db) == second.id


def test_old_changes_are_forgotten_and_the_cursor_never_goes_back(record: Lab) -> None:
    for run_id in (1, 2):
        with record.sessions.begin() as db:
            tell(db, "run", run_id)
    with record.sessions.begin() as db:
        newest = newest_cursor(db)
        db.execute(update(Change).values(at=now() - timedelta(hours=2)))
        assert forget_old_changes(db) == 1
        assert newest_cursor(db) == newest
