"""Fine-tuning and the test runs of what it left, from a definition in a folder to a result in its journal."""

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from sce.checkpoints import UnusableCheckpoint, load_trunk
from sce.definition import EvalClips, Evaluation, FinetuneProtocol, Pretrain, VideoData, definition_adapter
from sce.evaluate import training
from sce.evaluate.bench import CannotEvaluate, Reporter
from sce.evaluate.classifier import BEST, LAST, load_classifier
from sce.evaluate.finetune import model_of, optimizer_of, set_apart, thaw
from sce.evaluate.run import _bench
from sce.evaluate.training import Training
from sce.rundir import RunDir
from tests.sce.evaluate.conftest import CPU, VIEWS, ARun, evaluated, events, result_of, stop_after

FINETUNE: dict[str, Any] = {
    "kind": "finetune",
    "optimisation": {
        "epochs": 4,
        "batch_size": 4,
        "optimizer": {"kind": "sgd", "lr": 0.05, "lr_scaling": "none"},
        "schedule": {"kind": "cosine"},
    },
    "dropout": 0.5,
    "train_view": {"size": 32, "jitter": {"p": 0.8}, "grey_p": 0.2, "blur_p": 0, "flip_p": 0},
    "views": VIEWS,
    "validate_every_epochs": 2,
}


def finetuning(**changes: Any) -> FinetuneProtocol:
    return FinetuneProtocol.model_validate({**FINETUNE, **changes})


@pytest.fixture
def at_work(a_run: ARun) -> Callable[..., Any]:
    """A bench with an untrained trunk on it, for a protocol."""

    def make(**changes: Any) -> Any:
        run = a_run({**FINETUNE, **changes})
        definition = run.definition()
        assert isinstance(definition, Evaluation)
        return _bench(run, definition, Reporter(run, 1), run.path.parent)

    return make


def test_it_trains_the_trunk_and_keeps_two_classifiers_that_the_journal_names(
    a_run: ARun, checkpoint: Path
) -> None:
    run = a_run(FINETUNE)
    assert evaluated(run) == "finished"
    result = result_of(run)
    assert set(result["values"]) == {"top1", "top5", "best_top1"}
    assert result["files"] == [LAST, BEST]
    assert [event["epoch"] for event in events(run, "metrics") if "val/top1" in event["values"]] == [2, 4]
    kept = {event["path"]: event for event in events(run, "checkpoint")}
    assert {path: event["kind"] for path, event in kept.items()} == {BEST: "best", LAST: "final"}
    model, definition, _, classes = load_classifier(run.path / LAST, kept[LAST]["sha256"])
    assert (definition, classes) == (run.definition(), ("brighten", "darken"))
    before = load_trunk(checkpoint, None, "online")[0].state_dict()
    assert any(not torch.equal(before[key], value) for key, value in model.trunk.state_dict().items())


def test_stopped_between_epochs_it_ends_as_one_never_stopped(
    a_run: ARun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights, running statistics, momentum, dropout and order are all as they were."""
    whole = a_run(FINETUNE)
    evaluated(whole)
    whole.path.rename(tmp_path / "whole")
    run = a_run(FINETUNE)
    stop_after(run, epochs=3, monkeypatch=monkeypatch)
    assert evaluated(run) == "stopped"
    run.clear_stop()
    run.begin_attempt(2)
    assert evaluated(run, attempt=2) == "finished"
    first, second = (
        torch.load(folder / LAST, weights_only=True)["state_dict"]
        for folder in (tmp_path / "whole", run.path)
    )
    assert [key for key in first if not torch.equal(first[key], second[key])] == []


def one_step(bench: Any, protocol: FinetuneProtocol, *, epoch: int = 0) -> dict[str, bool]:
    """Which parts an epoch moved: trunk's weights, its running statistics, the classifier."""
    model = model_of(bench, protocol)
    optimizer = optimizer_of(protocol, model)
    one = training._training(bench, protocol, model, optimizer, score=None)  # type: ignore[arg-type]  # never asked
    one.epoch = epoch
    before = copy.deepcopy(model.state_dict())
    thaw(one, protocol)
    training._train_epoch(one)
    after = model.state_dict()
    moved = {key for key in before if not torch.equal(before[key], after[key])}
    return {
        "convolutions": any(key.startswith("trunk.") and after[key].ndim > 1 for key in moved),
        "statistics": any("running" in key for key in moved),
        "norms": any(
            key.startswith("trunk.") and after[key].ndim == 1 and "running" not in key for key in moved
        ),
        "head": any(key.startswith("head.") for key in moved),
    }


@pytest.mark.parametrize(
    ("changes", "epoch", "moved"),
    [
        ({}, 0, {"convolutions", "statistics", "norms", "head"}),
        ({"freeze_trunk_epochs": 2}, 1, {"head"}),
        ({"freeze_trunk_epochs": 2}, 2, {"convolutions", "statistics", "norms", "head"}),
        ({"freeze_norms": True}, 0, {"convolutions", "head"}),
    ],
)
def test_an_epoch_moves_what_is_not_frozen(
    at_work: Callable[..., Any], changes: dict[str, Any], epoch: int, moved: set[str]
) -> None:
    found = one_step(at_work(**changes), finetuning(**changes), epoch=epoch)
    assert {part for part, is_moved in found.items() if is_moved} == moved


def rates(training_: Training) -> dict[str, float]:
    """The learning rate of the next step, for a weight of the trunk and one of the classifier."""
    training._move(training_, 0, torch.amp.GradScaler("cpu", enabled=False))
    head = {id(weight) for weight in training_.model.head.parameters()}
    return {
        "head" if id(weight) in head else "trunk": group["lr"]
        for group in training_.optimizer.param_groups
        for weight in group["params"]
    }


@pytest.mark.parametrize(("head_lr", "expected"), [(None, 0.05), (0.5, 0.5)])
@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_the_classifier_has_the_trunks_rate_or_its_own(
    at_work: Callable[..., Any], head_lr: float | None, expected: float, kind: str
) -> None:
    moves = {**FINETUNE["optimisation"], "optimizer": {"kind": kind, "lr": 0.05, "lr_scaling": "none"}}
    protocol = finetuning(head_lr=head_lr, optimisation=moves)
    bench = at_work()
    model = model_of(bench, protocol)
    one = training._training(bench, protocol, model, optimizer_of(protocol, model), score=None)  # type: ignore[arg-type]  # never asked
    assert rates(one) == pytest.approx({"trunk": 0.05, "head": expected})
    listed = [id(weight) for group in one.optimizer.param_groups for weight in group["params"]]
    assert len(listed) == len(set(listed)) == len(list(model.parameters()))


def test_a_part_set_apart_keeps_the_other_settings_of_its_group() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.8, weight_decay=0.3)
    set_apart(optimizer, model[1], factor=10)
    trunk, head = optimizer.param_groups
    assert (head["momentum"], head["weight_decay"], head["factor"]) == (0.8, 0.3, 10)
    assert (len(trunk["params"]), len(head["params"])) == (2, 2)


def test_parts_of_a_batch_add_up_to_its_gradient(at_work: Callable[..., Any]) -> None:
    """Without batch statistics and dropout, two parts of two clips move the weights as four at once do."""
    ends, whole = [], at_work()
    for accumulate in (1, 2):
        changes: dict[str, Any] = {"freeze_norms": True, "dropout": 0.0}
        changes["optimisation"] = {**FINETUNE["optimisation"], "accumulate": accumulate}
        protocol = finetuning(**changes)
        bench = replace(whole, definition=whole.definition.model_copy(update={"protocol": protocol}))
        model = model_of(bench, protocol)
        one = training._training(bench, protocol, model, optimizer_of(protocol, model), score=None)  # type: ignore[arg-type]  # never asked
        thaw(one, protocol)
        training._train_epoch(one)
        ends.append(model.state_dict())
    for key, value in ends[0].items():
        torch.testing.assert_close(value, ends[1][key], msg=key, rtol=1e-4, atol=1e-5)


def test_half_precision_trains_as_well(a_run: ARun) -> None:
    run = a_run(
        {**FINETUNE, "validation": "none", "final_test": False},
        compute={**CPU.model_dump(), "precision": "bf16-mixed"},
    )
    assert evaluated(run) == "finished"


# -- speed


def test_without_validation_the_last_classifier_alone_is_scored(a_run: ARun) -> None:
    run = a_run({**FINETUNE, "validation": "none"})
    evaluated(run)
    assert set(result_of(run)["values"]) == {"top1", "top5"}
    assert not [event for event in events(run, "metrics") if "val/top1" in event["values"]]
    assert {event["kind"] for event in events(run, "checkpoint")} == {"final"}


@pytest.mark.parametrize("kind", ["finetune", "linear"])
def test_one_view_validates_and_all_views_are_quoted(a_run: ARun, kind: str, monkeypatch: Any) -> None:
    seen: list[tuple[set[str], EvalClips]] = []
    score = training._score

    def looked(one: Training, models: Any, views: EvalClips) -> Any:
        seen.append((set(models), views))
        return score(one, models, views)

    monkeypatch.setattr(training, "_score", looked)
    run = a_run(protocol_of(kind, validation="one_view"))
    evaluated(run)
    one, every = EvalClips(clips=1, crops=1, size=32), EvalClips(**VIEWS)
    assert seen == [({"last"}, one), ({"last"}, one), ({"last", "best"}, every)]
    result = result_of(run)
    assert set(result["values"]) == {"top1", "top5", "best_top1"}
    assert result["protocol"]["views"]["clips"] == 2


def protocol_of(kind: str, **changes: Any) -> dict[str, Any]:
    own = {"kind": kind, **changes}
    return {
        key: value for key, value in {**FINETUNE, **own}.items() if kind == "finetune" or key != "dropout"
    }


def test_scores_of_one_view_are_not_said_to_be_of_all(a_run: ARun) -> None:
    run = a_run({**FINETUNE, "validation": "one_view", "final_test": False})
    evaluated(run)
    assert result_of(run)["protocol"]["views"] == {"clips": 1, "crops": 1, "size": 32, "short_side": None}


def test_no_validation_and_no_test_leave_a_classifier_and_no_score(a_run: ARun) -> None:
    run = a_run({**FINETUNE, "validation": "none", "final_test": False})
    assert evaluated(run) == "finished"
    assert result_of(run)["values"] == {}
    assert "test the classifiers" in result_of(run)["protocol"]["scores"]


# -- test runs


@pytest.fixture(params=["finetune", "linear"])
def trained(request: pytest.FixtureRequest, a_run: ARun, tmp_path: Path) -> RunDir:
    """A finished training of each kind, in folder 5."""
    run = a_run(protocol_of(request.param))
    evaluated(run)
    run.path.rename(tmp_path / "5")
    return RunDir(tmp_path / "5")


@pytest.mark.parametrize("which", ["best", "last", "both"])
def test_a_test_gives_the_scores_that_the_training_gave(trained: RunDir, a_run: ARun, which: str) -> None:
    name = BEST if which == "best" else LAST
    run = a_run({"kind": "test", "which": which, "views": VIEWS}, checkpoint={"path": f"5/{name}"})
    assert evaluated(run) == "finished"
    expected, found = result_of(trained)["values"], result_of(run)["values"]
    if which == "both":
        assert (found["top1"], found["best_top1"]) == (expected["top1"], expected["best_top1"])
        rows = result_of(run)["protocol"]["rows"]
        assert [row["checkpoint"] for row in rows] == ["best", "last"]
    else:
        assert found["top1"] == expected["top1" if which == "last" else "best_top1"]


def test_a_torn_classifier_beside_the_named_one_is_found_out(trained: RunDir, a_run: ARun) -> None:
    (trained.path / BEST).write_bytes(b"torn")
    run = a_run({"kind": "test", "which": "both", "views": VIEWS}, checkpoint={"path": f"5/{LAST}"})
    with pytest.raises(UnusableCheckpoint, match="not the checkpoint that was asked for"):
        evaluated(run)


def test_a_trunk_alone_cannot_be_tested(a_run: ARun, tmp_path: Path, checkpoint: Path) -> None:
    file = tmp_path / "1" / BEST
    file.write_bytes(checkpoint.read_bytes())
    run = a_run({"kind": "test", "views": VIEWS}, checkpoint={"path": f"1/{BEST}"})
    with pytest.raises(UnusableCheckpoint, match="holds no classifier"):
        evaluated(run)


def test_other_classes_than_it_learned_are_refused(
    a_run: ARun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = a_run({**FINETUNE, "validation": "none", "final_test": False})
    evaluated(run)
    run.path.rename(tmp_path / "5")
    again = a_run({"kind": "test", "which": "last", "views": VIEWS}, checkpoint={"path": f"5/{LAST}"})
    state = torch.load(tmp_path / "5" / LAST, weights_only=True)
    torch.save({**state, "scelab_classes": ["brighten", "dusk"]}, tmp_path / "5" / LAST)
    (tmp_path / "5/journal.jsonl").unlink()
    with pytest.raises(CannotEvaluate, match=r"2 classes .* darken, dusk and maybe more"):
        evaluated(again)


# -- definitions


def test_a_trunk_that_never_thaws_is_a_linear_probe() -> None:
    with pytest.raises(ValueError, match="choose the protocol linear"):
        finetuning(freeze_trunk_epochs=4)


def test_definitions_of_before_mean_what_they_meant() -> None:
    data = VideoData(root="demo")
    old = {
        "kind": "evaluation",
        "checkpoint": {"path": "1/a.ckpt"},
        "data": data.model_dump(),
        "protocol": {"kind": "linear", "views": {"clips": 10, "crops": 3, "size": 256}},
    }
    protocol = definition_adapter.validate_python(old)
    assert not isinstance(protocol, Pretrain)
    assert (protocol.protocol.validation, protocol.protocol.final_test) == ("all_views", True)  # type: ignore[union-attr]  # linear
