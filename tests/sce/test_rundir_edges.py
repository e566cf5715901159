"""The run folder under kills, foreign bytes and readers that come late."""

import json
import math
from pathlib import Path

import pytest
from pydantic import ValidationError

from sce.definition import Pretrain, VideoData
from sce.rundir import MetricsEvent, NoteEvent, RunDir, write_whole

NOTE: NoteEvent = {"event": "note", "level": "info", "text": "Größe 大"}


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    return RunDir(tmp_path)


def metrics(value: float) -> MetricsEvent:
    return {"event": "metrics", "step": 1, "epoch": 0.0, "values": {"train/loss": value}}


def test_offsets_count_bytes_and_not_letters(run: RunDir) -> None:
    for _ in range(3):
        run.append(NOTE, attempt=1)
    lines = list(run.read())
    assert lines[-1].end_offset == run.journal_file.stat().st_size
    assert [line.event["text"] for line in run.read(lines[0].end_offset)] == [NOTE["text"]] * 2


@pytest.mark.parametrize("junk", [b"\xff\xfe", b"[1, 2]", b"7", b'"end"', b"null", b""])
def test_a_line_that_is_no_event_is_torn_and_the_next_one_is_read(junk: bytes, run: RunDir) -> None:
    run.journal_file.write_bytes(junk + b"\n")
    run.append(NOTE, attempt=1)
    assert [line.event["event"] for line in run.read()] == ["torn", "note"]


def test_reading_from_the_end_or_beyond_gives_nothing(run: RunDir) -> None:
    run.append(NOTE, attempt=1)
    size = run.journal_file.stat().st_size
    assert list(run.read(size)) == list(run.read(size + 100)) == []


@pytest.mark.parametrize("value", [math.inf, -math.inf, 0.0, 1e-300])
def test_any_number_survives_the_journal(value: float, run: RunDir) -> None:
    run.append(metrics(value), attempt=1)
    assert next(run.read()).event["values"]["train/loss"] == value


def test_a_line_break_in_a_note_does_not_break_the_line(run: RunDir) -> None:
    run.append({**NOTE, "text": "one\ntwo"}, attempt=1)
    (line,) = run.read()
    assert line.event["text"] == "one\ntwo"


@pytest.mark.parametrize(
    ("written", "reason"), [("preempt", "preempt"), ("preempt\n", "preempt"), ("stop", "stop"), ("", "stop")]
)
def test_a_stop_file_made_by_hand_is_a_stop(written: str, reason: str, run: RunDir) -> None:
    (run.path / "stop").write_text(written)
    assert run.stop_requested() == reason


def test_a_stop_that_was_never_asked_may_be_cleared(run: RunDir) -> None:
    run.clear_stop()
    assert run.stop_requested() is None


def test_a_folder_without_definition_says_so(run: RunDir) -> None:
    with pytest.raises(FileNotFoundError):
        run.definition()


def test_a_definition_changed_by_hand_is_refused(run: RunDir) -> None:
    run.write_definition(Pretrain(data=VideoData(root="demo")))
    changed = json.loads(run.definition_file.read_text()) | {"colour": "red"}
    run.definition_file.write_text(json.dumps(changed))
    with pytest.raises(ValidationError, match="colour"):
        run.definition()


def test_a_small_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    write_whole(tmp_path / "attempt", "1")
    write_whole(tmp_path / "attempt", "2")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("attempt", "2")]
