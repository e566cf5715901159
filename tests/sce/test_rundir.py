"""The run folder as two processes meet in it: one writes, one reads, either may die."""

import json
from pathlib import Path

import pytest

from sce.definition import Compute, Pretrain, VideoData
from sce.rundir import EndEvent, MetricsEvent, RunDir

METRICS: MetricsEvent = {"event": "metrics", "step": 1, "epoch": 0.5, "values": {"train/loss": 2.0}}
END: EndEvent = {"event": "end", "status": "finished", "kind": None, "sentence": None}


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    return RunDir(tmp_path / "7")


@pytest.fixture
def started(run: RunDir) -> RunDir:
    run.write_definition(Pretrain(data=VideoData(root="demo")))
    return run


def test_a_definition_comes_back_as_it_was_asked(run: RunDir) -> None:
    definition = Pretrain(data=VideoData(root="demo"), seed=5)
    run.write_definition(definition)
    assert run.definition() == definition


def test_a_run_cannot_be_asked_for_something_else(started: RunDir) -> None:
    started.write_definition(Pretrain(data=VideoData(root="demo")))
    with pytest.raises(FileExistsError, match="take a new run folder"):
        started.write_definition(Pretrain(data=VideoData(root="demo"), seed=6))


def test_a_run_may_go_on_over_other_devices_but_asks_for_nothing_else(started: RunDir) -> None:
    spread = Pretrain(data=VideoData(root="demo"), compute=Compute(devices=2, nodes=2))
    started.write_definition(spread)
    assert started.definition() == spread
    with pytest.raises(FileExistsError, match="take a new run folder"):
        started.write_definition(spread.model_copy(update={"compute": Compute(precision="16-mixed")}))


def test_a_folder_of_an_older_version_asks_for_the_same_where_what_is_new_has_its_default(
    started: RunDir,
) -> None:
    """A run that was interrupted before an upgrade resumes after it; its folder stays as it was written."""
    old = json.loads(started.definition_file.read_text())
    del old["probe"]
    for view in old["views"]["views"]:
        del view["blur_kernel"]
    started.definition_file.write_text(json.dumps(old))
    started.write_definition(Pretrain(data=VideoData(root="demo")))
    assert json.loads(started.definition_file.read_text()) == old


def test_a_folder_whose_definition_cannot_be_read_any_more_asks_for_something_else(started: RunDir) -> None:
    started.definition_file.write_text('{"kind": "pretrain"}')
    with pytest.raises(FileExistsError, match="take a new run folder"):
        started.write_definition(Pretrain(data=VideoData(root="demo")))


def test_lines_are_read_from_where_the_reader_was(started: RunDir) -> None:
    started.append(METRICS, attempt=1)
    (first,) = started.read()
    started.append(END, attempt=1)
    (second,) = started.read(first.end_offset)
    assert (first.event["event"], second.event["event"]) == ("metrics", "end")
    assert list(started.read(second.end_offset)) == []


def test_every_line_says_when_and_which_attempt(started: RunDir) -> None:
    started.append(METRICS, attempt=3)
    (line,) = started.read()
    assert line.event["attempt"] == 3
    assert line.event["time"] > 1_700_000_000


def test_a_half_line_waits_for_its_end(started: RunDir) -> None:
    text = json.dumps(METRICS)
    started.journal_file.write_text(text[:20])
    assert list(started.read()) == []
    started.journal_file.write_text(text + "\n")
    assert len(list(started.read())) == 1


def test_a_line_torn_by_a_kill_costs_itself_only(started: RunDir) -> None:
    started.journal_file.write_text(json.dumps(METRICS)[:20])
    started.append(END, attempt=2)
    assert [line.event["event"] for line in started.read()] == ["torn", "end"]


def test_nan_survives_the_journal(started: RunDir) -> None:
    started.append({**METRICS, "values": {"train/loss": float("nan")}}, attempt=1)
    (line,) = started.read()
    assert line.event["values"]["train/loss"] != line.event["values"]["train/loss"]


def test_no_journal_is_an_empty_one(run: RunDir) -> None:
    assert list(run.read()) == []


def test_a_stop_is_asked_and_taken_back(started: RunDir) -> None:
    assert started.stop_requested() is None
    started.request_stop("preempt")
    assert started.stop_requested() == "preempt"
    started.clear_stop()
    assert started.stop_requested() is None


def test_attempts_are_counted_in_the_folder(started: RunDir) -> None:
    assert started.attempt() == 0
    started.begin_attempt(2)
    assert started.attempt() == 2


def test_a_folder_goes_back_to_no_older_attempt(started: RunDir) -> None:
    """A worker that slept since it was to start attempt 2."""
    started.begin_attempt(3)
    started.begin_attempt(2)
    assert started.attempt() == 3


def test_nothing_temporary_is_left(started: RunDir) -> None:
    started.begin_attempt(1)
    started.request_stop()
    assert sorted(file.name for file in started.path.iterdir()) == ["attempt", "definition.json", "stop"]
