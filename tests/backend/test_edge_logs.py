"""Logs: the end at once, any part by number, searched on the server, while they grow."""

import time
from pathlib import Path

import pytest

from backend.runs.logs import EVERY, MAX_HITS, MAX_LINE, LogReader, shown, whole
from backend.runs.views import LogView


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "output.log"


def read(
    log: Path,
    *,
    first_line: int | None = None,
    num_lines: int = 500,
    search: str | None = None,
    by: LogReader | None = None,
) -> LogView:
    return (by or LogReader()).read(log, first_line=first_line, num_lines=num_lines, search=search)


def write(log: Path, count: int, *, first: int = 0) -> None:
    with log.open("a") as file:
        file.writelines(f"step {number} loss {number / 7:.3f}\n" for number in range(first, first + count))


def test_a_log_that_is_not_there_yet_is_empty(log: Path) -> None:
    assert read(log) == LogView(lines=[], first_line=0, total_lines=0, bytes=0, hits=[])


def test_a_log_that_grows_while_it_is_taken_away_ends_where_it_ended(log: Path) -> None:
    log.write_bytes(b"before\n")
    taken = whole(log)
    write(log, 3)
    assert b"".join(taken) == b"before\n"


def test_an_empty_log_is_empty(log: Path) -> None:
    log.touch()
    assert read(log, search="x").total_lines == 0


def test_the_last_lines_come_first_to_mind(log: Path) -> None:
    write(log, 5000)
    view = read(log, num_lines=2)
    assert view.lines == ["step 4998 loss 714.000", "step 4999 loss 714.143"]
    assert (view.first_line, view.total_lines) == (4998, 5000)


@pytest.mark.parametrize("first", [0, 1, EVERY - 1, EVERY, EVERY + 1, 3 * EVERY, 4999])
def test_any_part_is_found_by_its_number(log: Path, first: int) -> None:
    write(log, 5000)
    view = read(log, first_line=first, num_lines=3)
    assert view.lines[0].startswith(f"step {first} ")
    assert view.first_line == first


def test_beyond_the_end_there_is_nothing(log: Path) -> None:
    write(log, 10)
    assert read(log, first_line=99).lines == []
    assert read(log, first_line=99).first_line == 10


def test_a_negative_number_counts_from_the_end(log: Path) -> None:
    write(log, 10)
    assert read(log, first_line=-3, num_lines=1).lines[0].startswith("step 7 ")


def test_what_is_added_is_read_from_where_we_were(log: Path) -> None:
    reader = LogReader()
    write(log, 2500)
    read(log, by=reader)
    write(log, 2500, first=2500)
    view = read(log, by=reader, first_line=4100, num_lines=1)
    assert view.lines[0].startswith("step 4100 ")
    assert view.total_lines == 5000


def test_a_line_still_being_written_is_shown_and_counted_once(log: Path) -> None:
    reader = LogReader()
    log.write_text("one\ntw")
    assert read(log, by=reader).lines == ["one", "tw"]
    log.write_text("one\ntwo\n")
    view = read(log, by=reader)
    assert (view.lines, view.total_lines) == (["one", "two"], 2)


def test_a_log_that_begins_anew_is_counted_anew(log: Path) -> None:
    reader = LogReader()
    write(log, 3000)
    read(log, by=reader)
    log.write_text("fresh\n")
    assert read(log, by=reader).lines == ["fresh"]


def test_only_so_many_logs_are_remembered(tmp_path: Path) -> None:
    reader = LogReader(remembered=2)
    for name in "abc":
        write(tmp_path / name, 1)
        read(tmp_path / name, by=reader)
    assert len(reader._indexes) == 2


@pytest.mark.parametrize("search", ["step 1234 ", "STEP 1234 "])
def test_a_search_gives_the_numbers_of_the_lines(log: Path, search: str) -> None:
    write(log, 5000)
    assert read(log, search=search, num_lines=1).hits == [1234]


def test_a_search_is_no_pattern(log: Path) -> None:
    log.write_text("a.b\naxb\n(((\n")
    assert read(log, search="a.b").hits == [0]
    assert read(log, search="(((").hits == [2]


def test_a_search_that_finds_everything_gives_the_newest(log: Path) -> None:
    write(log, 5000)
    hits = read(log, search="step").hits
    assert (len(hits), hits[0], hits[-1]) == (MAX_HITS, 5000 - MAX_HITS, 4999)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"10%\r20%\r100%\n", "100%"),
        (b"windows\r\n", "windows"),
        (b"caf\xc3\xa9 \xff\n", "café \N{REPLACEMENT CHARACTER}"),
        (b"<script>alert(1)</script>\n", "<script>alert(1)</script>"),
    ],
)
def test_a_line_is_shown_as_a_terminal_would_leave_it(line: bytes, text: str) -> None:
    assert shown(line) == text


def test_a_monstrous_line_is_cut_and_says_so() -> None:
    text = shown(b"x" * 50_000)
    assert len(text) < MAX_LINE + 50
    assert text.endswith("(50000 characters)")


def test_an_answer_has_a_largest_size(log: Path) -> None:
    log.write_text(("y" * 9_999 + "\n") * 400)
    assert sum(map(len, read(log, num_lines=400).lines)) <= 2_000_000


def test_the_end_of_a_large_log_comes_at_once_the_second_time(log: Path) -> None:
    log.write_bytes(b"".join(b"step %07d loss 0.123456\n" % number for number in range(2_000_000)))
    reader = LogReader()
    read(log, by=reader)
    began = time.perf_counter()
    view = read(log, by=reader, num_lines=100)
    assert view.lines[-1] == "step 1999999 loss 0.123456"
    assert time.perf_counter() - began < 0.1
