"""What a trainer writes is recorded once and whole, however often and whenever we look."""

import json
from typing import Any

import pytest

from sce.rundir import RunDir
from tests.worker.conftest import Shop
from worker.journal import drain
from worker.launchers.fake import FakeLauncher
from worker.runs import start_runs
from worker.watch import Watch


@pytest.fixture
def run_id(shop: Shop) -> int:
    """A run whose processes are there, as far as the launcher says."""
    run_id = shop.queue()
    start_runs(shop.place)
    return run_id


def line(event: str, *, attempt: int = 1, **values: Any) -> bytes:
    return json.dumps({"event": event, "attempt": attempt, "time": 1.0, **values}).encode() + b"\n"


def start_line() -> bytes:
    return line(
        "start", step=0, steps=9, epochs=1, resumed_from=None, host="h", pid=1, world_size=1, device="cpu",
        versions={},
    )  # fmt: skip


def metric(step: int, *, attempt: int = 1) -> bytes:
    return line("metrics", attempt=attempt, step=step, epoch=0.0, values={"train/loss": 1.0})


END = line("end", status="finished", kind=None, sentence=None)


def write(shop: Shop, run_id: int, content: bytes) -> RunDir:
    folder = shop.place.folder(run_id)
    with folder.journal_file.open("ab") as file:
        file.write(content)
    return folder


def look(shop: Shop, run_id: int) -> float | None:
    return drain(shop.place, shop.watched(run_id), hold_end=True)


def test_a_half_line_waits_until_it_is_whole(shop: Shop, run_id: int) -> None:
    whole, half = metric(1), metric(2)
    write(shop, run_id, start_line() + whole + half[:20])
    look(shop, run_id)
    assert shop.losses(run_id) == [1]
    write(shop, run_id, half[20:])
    look(shop, run_id)
    assert shop.losses(run_id) == [1, 2]


def test_a_restart_goes_on_where_the_rows_end(shop: Shop, run_id: int) -> None:
    write(shop, run_id, start_line() + metric(1))
    Watch(shop.place).look()
    write(shop, run_id, metric(2))
    Watch(shop.place).look()
    assert shop.losses(run_id) == [1, 2]


def test_reading_the_same_lines_twice_records_them_once(shop: Shop, run_id: int) -> None:
    write(shop, run_id, start_line() + metric(1))
    for _ in range(2):
        drain(shop.place, shop.watched(run_id, offset=0), hold_end=True)
    assert shop.losses(run_id) == [1]


def test_a_long_journal_is_read_in_parts(shop: Shop, run_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.journal.LINES_AT_A_TIME", 3)
    write(shop, run_id, start_line() + b"".join(map(metric, range(1, 9))))
    look(shop, run_id)
    assert shop.losses(run_id) == list(range(1, 9))
    assert shop.run(run_id).journal_offset == shop.place.folder(run_id).journal_file.stat().st_size


def test_the_end_line_waits_for_the_processes(shop: Shop, fake: FakeLauncher, run_id: int) -> None:
    write(shop, run_id, start_line() + metric(1) + END)
    assert look(shop, run_id) == 1.0
    assert shop.run(run_id).state == "running"
    fake.alive.clear()
    Watch(shop.place).look()
    assert shop.run(run_id).state == "finished"


def test_lines_written_just_before_the_processes_went_are_not_lost(
    shop: Shop, fake: FakeLauncher, run_id: int
) -> None:
    write(shop, run_id, start_line())
    fake.alive.clear()
    write(shop, run_id, metric(1) + END)
    Watch(shop.place).look()
    assert shop.losses(run_id) == [1]
    assert shop.run(run_id).state == "finished"


def test_an_older_attempts_end_does_not_end_the_newer_one(
    shop: Shop, fake: FakeLauncher, run_id: int
) -> None:
    write(shop, run_id, start_line() + line("end", attempt=0, status="finished", kind=None, sentence=None))
    assert look(shop, run_id) is None
    fake.alive.clear()
    Watch(shop.place).look()
    run = shop.run(run_id)
    assert (run.state, run.failure_kind) == ("failed", "lost")


def test_a_torn_line_is_stepped_over(shop: Shop, run_id: int) -> None:
    write(shop, run_id, start_line() + b'{"event": "met\n' + metric(1))
    look(shop, run_id)
    assert shop.losses(run_id) == [1]


def test_a_run_that_wrote_nothing_costs_no_transaction(shop: Shop, run_id: int) -> None:
    before = shop.run(run_id).journal_offset
    assert look(shop, run_id) is None
    assert shop.run(run_id).journal_offset == before == 0
