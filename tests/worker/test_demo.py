"""The demo's verdict and its settings; the demo itself is run whole by `make demo ONCE=1`."""

from pathlib import Path

import pytest

from backend.evaluations.views import EvaluationCurve, EvaluationsView, ScoredCheckpoint
from worker.demo import Comparison, _parse, compare, num_evaluations, settings_of, table


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
    assert num_evaluations() == 5 + 2 + 2


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
