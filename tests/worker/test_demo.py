"""The demo's verdict and its settings; the demo itself is run whole by `make demo ONCE=1`."""

import socket
from pathlib import Path

import pytest

from backend.evaluations.views import EvaluationCurve, EvaluationsView, ScoredCheckpoint
from backend.runs.views import Failure, RunDetail
from sce.data.demo import MARK
from worker.demo import (
    Comparison,
    DemoFailed,
    Line,
    _parse,
    _progress,
    _refuse_failed,
    compare,
    main,
    num_evaluations,
    settings_of,
    table,
)


def curve(kind: str, *points: tuple[float, dict[str, float]]) -> EvaluationCurve:
    scored = [
        ScoredCheckpoint(
            run_id=9, checkpoint_id=number, step=int(epoch * 9), epoch=epoch, state="finished", values=values
        )
        for number, (epoch, values) in enumerate(points)
    ]
    return EvaluationCurve.model_validate(
        {"kind": kind, "protocol": {}, "protocol_words": kind, "dataset": "demo", "points": scored}
    )


@pytest.mark.parametrize(
    ("untrained", "trained", "is_clear"),
    [(0.20, 0.26, True), (0.20, 0.25, False), (0.60, 0.75, True), (0.60, 0.70, False), (0.0, 0.1, False)],
)
def test_clearly_better_is_a_third_more_or_fifteen_points(
    untrained: float, trained: float, is_clear: bool
) -> None:
    assert Comparison("k-NN", untrained, trained, decides=True).is_clear is is_clear


def test_the_untrained_checkpoint_is_held_against_the_last_one() -> None:
    knn = curve("knn", (40.0, {"top1": 0.8}), (0.0, {"top1": 0.2}), (20.0, {"top1": 0.5}))
    (found,) = compare(EvaluationsView(curves=[knn], runs=[]))
    assert (found.untrained, found.trained, found.decides) == (0.2, 0.8, True)


def test_without_the_untrained_checkpoint_nothing_is_claimed() -> None:
    knn = curve("knn", (10.0, {"top1": 0.8}), (40.0, {"top1": 0.9}))
    assert compare(EvaluationsView(curves=[knn], runs=[])) == []


def test_the_table_is_in_percent() -> None:
    lines = table([Comparison("Retrieval R@1", 0.158, 0.8, decides=True)])
    assert lines[1].split() == ["Retrieval", "R@1", "15.8%", "80.0%"]


def test_the_plan_scores_five_checkpoints_and_twice_two_more() -> None:
    assert num_evaluations("demo-sce") == 5 + 2 + 2


def test_the_demo_keeps_to_a_folder_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SCELAB_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    settings = settings_of(_parse(["--once"]))
    assert settings.home == tmp_path / "demo-home"
    assert settings.port == 0


def test_what_the_environment_says_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SCELAB_HOME", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("SCELAB_CPU_SLOTS", "3")
    settings = settings_of(_parse([]))
    assert (settings.home, settings.cpu_slots, settings.port) == (tmp_path / "elsewhere", 3, 8265)


# -- what a person reads while it goes on, and when it cannot


def run_of(**changed: object) -> RunDetail:
    """A run as the server tells it, half way through."""
    return RunDetail.model_construct(
        **{
            "id": 7,
            "name": "SCE on demo videos",
            "state": "running",
            "epoch": 12.0,
            "epochs": 40,
            "eta_s": 75.4,
            "summary": {"train/loss": 4.25},
            "failure": None,
            **changed,
        }
    )


def test_progress_is_one_line_of_words() -> None:
    evaluation = run_of(name="k-NN at epoch 10", state="running")
    assert _progress(run_of(), [evaluation], 2, 9) == (
        "Pretraining running, epoch 12.0 of 40, loss 4.250, 75 s left, evaluations 2 of 9, now k-NN at epoch 10"
    )


def test_progress_says_only_what_is_known() -> None:
    queued = run_of(state="queued", epoch=0.0, epochs=None, eta_s=None, summary={})
    assert _progress(queued, [], 0, 9) == "Pretraining queued, epoch 0.0 of ?, evaluations 0 of 9"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            {"state": "failed", "failure": Failure(kind="lost", sentence="The GPU went.")},
            "failed: The GPU went.",
        ),
        ({"state": "failed"}, "failed: nobody knows why"),
        ({"state": "stopped"}, "was stopped"),
    ],
)
def test_a_run_that_did_not_end_well_ends_the_demo_with_its_reason(
    changed: dict[str, object], words: str
) -> None:
    with pytest.raises(DemoFailed, match=words):
        _refuse_failed(run_of(**changed))


@pytest.mark.parametrize("state", ["queued", "starting", "running", "stopping", "finished"])
def test_a_run_on_its_way_does_not(state: str) -> None:
    _refuse_failed(run_of(state=state))


def test_in_a_file_progress_is_a_line_every_ten_seconds_and_the_last_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    moments = iter([100.0, 103.0, 109.9, 111.0, 112.0])
    monkeypatch.setattr("worker.demo.time.monotonic", lambda: next(moments))
    line = Line()
    for number in range(4):
        line.show(f"{number} of 5")
    line.show("5 of 5", is_last=True)
    assert capsys.readouterr().out.splitlines() == ["0 of 5", "3 of 5", "5 of 5"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCELAB_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(arguments) == 1
    return capsys.readouterr().err.strip()


def test_other_demo_videos_are_never_mixed_with(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "data" / "demo").mkdir(parents=True)
    (home / "data" / "demo" / MARK).write_text('{"seed": 999}')
    assert "choose another folder" in complaint(capsys, "--once")


def test_a_port_in_use_is_told_before_any_video_is_made(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert "is in use: choose another" in complaint(capsys, "--port", str(taken.getsockname()[1]))
    assert not home.exists()


def test_a_missing_package_is_told_with_how_to_install_it(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sce.data.demo.find_spec", lambda _: None)
    sentence = complaint(capsys, "--once")
    assert "pip install 'scelab[demo]'" in sentence
    assert len(sentence.splitlines()) == 1


def test_a_folder_that_cannot_be_written_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SCELAB_HOME", "/proc/nowhere")
    assert "choose another folder with SCELAB_HOME" in complaint(capsys, "--once")


def test_a_setting_that_cannot_be_names_its_variable(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCELAB_CPU_SLOTS", "many")
    assert complaint(capsys, "--once").startswith("SCELAB_CPU_SLOTS: ")
