"""Laws of reading a journal: however it was cut, and however often it is read, the rows are the same."""

from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.settings import Settings
from tests.worker.conftest import open_shop
from tests.worker.test_journal import END, line, look, metric, start_line, write
from worker.journal import drain
from worker.launchers.fake import FakeLauncher
from worker.runs import start_runs
from worker.watch import Watch

NOISE = (b"\n", b"{\n", b"not json\n", b'"a string"\n', b"[1, 2]\n", b"null\n", b"\xff\xfe\n")
EVERYTHING = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@EVERYTHING
@given(
    steps=st.integers(1, 12),
    cuts=st.lists(st.floats(0, 1), max_size=8),
    noise=st.lists(st.sampled_from(NOISE), max_size=4),
    with_restart=st.booleans(),
)
def test_cuts_noise_and_restarts_change_no_row(
    steps: int, cuts: list[float], noise: list[bytes], with_restart: bool
) -> None:
    """The trainer's writes arrive in arbitrary pieces; the watch looks after each."""
    lines = [start_line(), *(metric(step) for step in range(1, steps + 1))]
    content = b"".join(
        one + (noise[number] if number < len(noise) else b"") for number, one in enumerate(lines)
    )
    with TemporaryDirectory() as folder:
        fake = FakeLauncher()
        shop = open_shop(Settings(home=Path(folder), min_free_disk_gb=0), fake)
        run_id = shop.queue()
        start_runs(shop.place)
        watch = Watch(shop.place)
        places = sorted({0, len(content), *(round(cut * len(content)) for cut in cuts)})
        for begin, end in pairwise(places):
            write(shop, run_id, content[begin:end])
            if with_restart:
                watch = Watch(shop.place)
            watch.look()
        write(shop, run_id, END)
        fake.alive.clear()
        watch.look()
        assert shop.losses(run_id) == list(range(1, steps + 1))
        assert shop.run(run_id).state == "finished"
        assert shop.run(run_id).journal_offset == len(content) + len(END)
        assert watch.told == {}
        shop.place.engine.dispose()


@EVERYTHING
@given(offsets=st.lists(st.integers(0, 400), min_size=1, max_size=5))
def test_a_reader_that_begins_anywhere_records_nothing_twice(offsets: list[int]) -> None:
    """A worker that lost its place, or a second one that is behind."""
    with TemporaryDirectory() as folder:
        shop = open_shop(Settings(home=Path(folder), min_free_disk_gb=0), FakeLauncher())
        run_id = shop.queue()
        start_runs(shop.place)
        write(shop, run_id, start_line() + metric(1) + metric(2) + metric(3))
        look(shop, run_id)
        for offset in offsets:
            drain(shop.place, shop.watched(run_id, offset=offset), hold_end=True)
        assert shop.losses(run_id) == [1, 2, 3]
        shop.place.engine.dispose()


def test_lines_of_an_attempt_that_is_over_do_not_move_the_newer_one(tmp_path: Path) -> None:
    fake = FakeLauncher()
    shop = open_shop(Settings(home=tmp_path, min_free_disk_gb=0), fake)
    run_id = shop.queue()
    start_runs(shop.place)
    late = line("end", attempt=7, status="failed", kind="user_error", sentence="of another attempt")
    write(shop, run_id, start_line() + metric(1) + late + metric(2))
    Watch(shop.place).look()
    assert shop.run(run_id).state == "running"
    assert shop.run(run_id).failure_sentence is None
    shop.place.engine.dispose()
