"""What many runs wrote is recorded in one transaction, and each run's trouble stays its own."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, event, update

from backend.runs.claims import lock_run, mark_gone
from backend.runs.tables import Run
from backend.runs.watched import Watched, watched
from backend.settings import Settings
from tests.worker.conftest import Shop, open_shop
from tests.worker.test_journal import END, metric, start_line, write
from tests.worker.test_postgres import elsewhere  # noqa: F401 - a fixture
from worker.journal import FEW_LINES, drain_together
from worker.launchers.fake import FakeLauncher
from worker.place import Workplace
from worker.runs import start_runs
from worker.watch import Watch

TOO_LARGE = 2**70
"""A step that no database takes."""


@pytest.fixture
def many(settings: Settings, fake: FakeLauncher) -> Iterator[Shop]:
    shop = open_shop(settings, fake, cpu_slots=3)
    yield shop
    shop.place.engine.dispose()


@pytest.fixture
def runs(many: Shop) -> list[int]:
    return started(many, 3)


def started(shop: Shop, count: int) -> list[int]:
    """Runs that have said that they started."""
    runs = [shop.queue() for _ in range(count)]
    start_runs(shop.place)
    for run_id in runs:
        write(shop, run_id, start_line())
    Watch(shop.place).look()
    return runs


def rows_of(place: Workplace) -> list[Watched]:
    with place.looks.begin() as db:
        return watched(db)


@contextmanager
def commits(engine: Engine) -> Iterator[list[object]]:
    """Those that wrote; a look that only reads is not counted."""
    seen: list[object] = []

    def note(connection: object) -> None:
        if not connection.get_execution_options().get("read_only"):  # type: ignore[attr-defined]  # a Connection
            seen.append(connection)

    event.listen(engine, "commit", note)
    yield seen
    event.remove(engine, "commit", note)


def test_lines_of_many_runs_are_one_transaction(many: Shop, runs: list[int]) -> None:
    for run_id in runs:
        write(many, run_id, metric(run_id) + metric(run_id + 1))
    with commits(many.place.engine) as seen:
        Watch(many.place).look()
    assert [many.losses(run_id) for run_id in runs] == [[run_id, run_id + 1] for run_id in runs]
    assert len(seen) == 1


def test_a_look_at_runs_that_wrote_nothing_writes_nothing(many: Shop, runs: list[int]) -> None:
    with commits(many.place.engine) as seen:
        Watch(many.place).look()
    assert seen == []
    assert runs


def test_a_run_that_was_taken_back_is_refused_and_the_others_are_not(many: Shop, runs: list[int]) -> None:
    seen_before = rows_of(many.place)
    superseded = runs[0]
    for run_id in runs:
        write(many, run_id, metric(5))
    with many.place.sessions.begin() as db:
        mark_gone(db, run_id=superseded, attempt=1, sentence="It is gone.")
        db.execute(update(Run).where(Run.id == superseded).values(state="queued"))
    start_runs(many.place)
    began = start_line().replace(b'"attempt": 1', b'"attempt": 2')
    write(many, superseded, began + metric(3, attempt=2) + metric(6))
    Watch(many.place).look()
    assert drain_together(many.place, seen_before) == set(runs[1:])
    write(many, superseded, metric(7))
    drain_together(many.place, [row for row in seen_before if row.run_id == superseded])
    Watch(many.place).look()
    assert many.losses(superseded) == [5, 3], "what came after the next attempt began is left out"
    assert [many.losses(run_id) for run_id in runs[1:]] == [[5], [5]]
    assert "left out" in " ".join(many.attempts(superseded)[0].notes)


def test_lines_that_cannot_be_recorded_lose_nobody_elses(
    many: Shop, runs: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    spoiled, *sound = runs
    write(many, spoiled, metric(1) + metric(TOO_LARGE))
    for run_id in sound:
        write(many, run_id, metric(1))
    watch = Watch(many.place)
    watch.look()
    assert [many.losses(run_id) for run_id in runs] == [[], [1], [1]]
    assert list(watch.told) == [spoiled]
    assert "one by one" in caplog.text
    for run_id in sound:
        write(many, run_id, metric(2))
    with commits(many.place.engine) as seen:
        watch.look()
    assert [many.losses(run_id) for run_id in sound] == [[1, 2], [1, 2]]
    assert len(seen) == 1, "those that are sound are together again"


def test_a_transaction_that_comes_to_nothing_is_made_up_for_once(
    many: Shop, runs: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for run_id in runs:
        write(many, run_id, metric(1))

    def away(*_: object) -> None:
        raise ConnectionError("The database went away.")

    watch = Watch(many.place)
    with monkeypatch.context() as broken:
        broken.setattr("backend.runs.ingest._Reader.close", away)
        watch.look()
    assert [many.losses(run_id) for run_id in runs] == [[], [], []]
    for _ in range(2):
        watch.look()
    assert [many.losses(run_id) for run_id in runs] == [[1], [1], [1]]


def test_a_run_that_wrote_much_or_something_else_is_left_to_itself(many: Shop, runs: list[int]) -> None:
    much, ending, plain = runs
    write(many, much, b"".join(map(metric, range(1, FEW_LINES + 2))))
    write(many, ending, metric(1) + END)
    write(many, plain, metric(1))
    assert drain_together(many.place, rows_of(many.place)) == {plain}
    Watch(many.place).look()
    assert [len(many.losses(run_id)) for run_id in runs] == [FEW_LINES + 1, 1, 1]


def test_many_lines_are_several_transactions(
    many: Shop, runs: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.journal.LINES_AT_A_TIME", 4)
    for run_id in runs:
        write(many, run_id, metric(1) + metric(2) + metric(3))
    with commits(many.place.engine) as seen:
        assert drain_together(many.place, rows_of(many.place)) == set(runs)
    assert len(seen) == 2
    assert [many.losses(run_id) for run_id in runs] == [[1, 2, 3]] * 3


def test_a_run_that_somebody_holds_is_not_waited_for(elsewhere: Shop, fake: FakeLauncher) -> None:  # noqa: F811 - a fixture
    """On PostgreSQL: who stops a run may wait for what we hold."""
    shop = open_shop(elsewhere.place.settings, fake, cpu_slots=2)
    held, free = started(shop, 2)
    for run_id in (held, free):
        write(shop, run_id, metric(1))
    with shop.place.sessions.begin() as db:
        lock_run(db, held)
        drain_together(shop.place, rows_of(shop.place))
        assert [shop.losses(held), shop.losses(free)] == [[], [1]]
    drain_together(shop.place, rows_of(shop.place))
    assert [shop.losses(held), shop.losses(free)] == [[1], [1]]
    shop.place.engine.dispose()
