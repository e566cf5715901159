"""``python -m sce.train RUN_DIR`` as a person at a shell meets it: sentences, progress, and how to go on."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sce.rundir import RunDir, StopReason
from sce.signals import listen
from sce.terminal import ProgressLine, duration
from sce.train import main, run_attempt
from tests.sce.tiny import asked, events, tiny

ONE_EPOCH = {"epochs": 1, "batch_size": 4}


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    """Start the program with arguments; what it exits with."""

    def start(*arguments: object) -> object:
        monkeypatch.setattr(sys, "argv", ["sce.train", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code

    return start


Shell = Callable[..., object]
Printed = pytest.CaptureFixture[str]


def test_a_training_shows_its_progress_and_where_it_lies(
    videos: Path, tmp_path: Path, shell: Shell, capsys: Printed
) -> None:
    run = asked(tmp_path / "run", tiny(videos, optimisation=ONE_EPOCH))
    assert shell(run.path) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == ["step: 3 of 3, 0 s left", f"finished: {run.path}"]
    assert run.attempt() == 1


def test_an_evaluation_shows_its_progress_and_its_scores(
    videos: Path, tmp_path: Path, shell: Shell, capsys: Printed
) -> None:
    trained = asked(tmp_path / "1", tiny(videos, optimisation=ONE_EPOCH))
    run_attempt(trained, attempt=1)
    protocol = {"kind": "retrieval", "ranks": [1, 5], "views": {"clips": 1, "crops": 1, "size": 16}}
    definition = {
        "kind": "evaluation",
        "checkpoint": {"path": "1/checkpoints/initial.ckpt"},
        "data": trained.definition().data.model_dump(),
        "protocol": protocol,
        "compute": {"accelerator": "cpu", "loader_workers": 0},
    }
    run = RunDir(tmp_path / "2")
    run.write_definition(type_of_evaluation(definition))
    capsys.readouterr()
    assert shell(run.path) == 0
    printed = capsys.readouterr().out
    assert "features of val: 2 of 2" in printed
    values = events(run, "result")[-1]["values"]
    assert printed.splitlines()[-1] == f"finished: R@1 {values['R@1']:.3f}, R@5 {values['R@5']:.3f}"


def type_of_evaluation(definition: dict[str, object]):  # type: ignore[no-untyped-def]  # pydantic's union
    from sce.definition import definition_adapter

    return definition_adapter.validate_python(definition)


def test_a_folder_without_definition_is_named(tmp_path: Path, shell: Shell) -> None:
    assert shell(tmp_path) == (
        f"{tmp_path / 'definition.json'} is not there: a run folder holds a definition.json"
    )


def test_a_definition_that_is_no_json_is_said_without_a_traceback(
    tmp_path: Path, shell: Shell, capsys: Printed
) -> None:
    (tmp_path / "definition.json").write_text("{oops")
    assert shell(tmp_path) == 1
    assert capsys.readouterr().err == "definition.json is no JSON: write it again\n"
    assert events(RunDir(tmp_path), "end")[-1]["kind"] == "user_error"


def test_a_users_mistake_is_one_sentence_and_a_bug_is_a_traceback(
    videos: Path, tmp_path: Path, shell: Shell, capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = asked(tmp_path / "run", tiny(videos, optimisation={"epochs": 1, "batch_size": 64}))
    assert shell(run.path) == 1
    told = capsys.readouterr()
    assert told.err.startswith("optimisation.batch_size 64 is more than the 13 readable items")
    assert "Traceback" not in told.err

    monkeypatch.setattr("sce.train._trainer", lambda *_: 1 / 0)
    assert shell(run.path) == 1
    assert "Traceback" in (told := capsys.readouterr().err)
    assert told.endswith("ZeroDivisionError: division by zero (see the log)\n")


def test_a_stopped_training_says_how_it_goes_on_and_goes_on(
    videos: Path, tmp_path: Path, shell: Shell, capsys: Printed
) -> None:
    run = asked(tmp_path / "run", tiny(videos, optimisation=ONE_EPOCH))
    run.request_stop()
    assert shell(run.path) == 0
    expected = f"stopped: to go on, remove {run.path / 'stop'}, then run the same command again"
    assert capsys.readouterr().out.splitlines()[-1] == expected
    run.clear_stop()
    assert shell(run.path) == 0
    assert [event["attempt"] for event in events(run, "end")] == [1, 2]
    assert events(run, "end")[-1]["status"] == "finished"


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, "stopped"), (signal.SIGTERM, "preempted"), (signal.SIGUSR2, "preempted")],
)
def test_a_signal_that_comes_before_the_first_step_is_heard(
    number: signal.Signals,
    status: str,
    videos: Path,
    tmp_path: Path,
    shell: Shell,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = asked(tmp_path / "run", tiny(videos, optimisation=ONE_EPOCH))
    read = RunDir.definition

    def read_and_warn(folder: RunDir):  # type: ignore[no-untyped-def]  # the union that it reads
        os.kill(os.getpid(), number)
        return read(folder)

    monkeypatch.setattr(RunDir, "definition", read_and_warn)
    assert shell(run.path) == 0
    assert events(run, "end")[-1]["status"] == status
    assert events(run, "checkpoint")[-1]["kind"] == "last"


def test_an_attempt_that_was_given_is_taken_and_never_taken_back(
    videos: Path, tmp_path: Path, shell: Shell
) -> None:
    run = asked(tmp_path / "run", tiny(videos, optimisation=ONE_EPOCH))
    assert shell(run.path, "--attempt", 4) == 0
    assert run.attempt() == 4
    assert shell(run.path, "--attempt", 2) == 0
    assert run.attempt() == 4
    assert [event["attempt"] for event in events(run, "end")] == [4]


@pytest.mark.parametrize("name", ["RANK", "LOCAL_RANK"])
def test_only_the_first_process_counts_attempts_and_says_goodbye(
    name: str, tmp_path: Path, shell: Shell, capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "1")
    monkeypatch.setattr("sce.train.RANK_0_FIRST_S", 0.0)
    (tmp_path / "definition.json").write_text("{oops")
    assert shell(tmp_path) == 1
    assert RunDir(tmp_path).attempt() == 0
    assert capsys.readouterr().out == ""


# -- signals


@pytest.mark.parametrize(
    ("number", "reason"),
    [(signal.SIGINT, "stop"), (signal.SIGTERM, "preempt"), (signal.SIGUSR2, "preempt")],
)
def test_ctrl_c_is_a_stop_and_every_other_signal_a_preemption(
    number: signal.Signals, reason: StopReason
) -> None:
    heard: list[StopReason] = []
    listen(heard)
    signal.raise_signal(number)
    assert heard == [reason]


# -- the line of progress


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (200, "3 min 20 s"),
        (3600, "1 h 0 min"),
        (7_500, "2 h 5 min"),
        (86_399, "23 h 59 min"),
        (273_600, "3 d 4 h"),
        (40 * 86_400, "40 d 0 h"),
    ],
)
def test_a_duration_is_told_in_the_two_units_that_matter(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_a_log_gets_a_line_at_first_every_ten_seconds_and_at_the_end(
    capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter([100.0, 100.0, 104.0, 111.0, 111.0, 112.0])
    monkeypatch.setattr("sce.terminal.time.monotonic", lambda: next(now))
    line = ProgressLine()
    for done in (1, 2, 3, 4):
        line.show("step", done, 4, None)
    assert capsys.readouterr().out.splitlines() == ["step: 1 of 4", "step: 3 of 4", "step: 4 of 4"]


def test_a_terminal_gets_one_line_that_is_written_over(
    capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    line = ProgressLine()
    line.show("step", 1, 2, 90)
    line.show("step", 2, 2, 0)
    assert capsys.readouterr().out == "\rstep: 1 of 2, 1 min 30 s left\x1b[K\rstep: 2 of 2, 0 s left\x1b[K\n"
