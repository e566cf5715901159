"""Evaluations as runs: from a definition in a folder to a result in its journal."""

import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from sce.checkpoints import UnusableCheckpoint, load_trunk
from sce.data.index import build_index, save_index
from sce.data.module import eval_loader
from sce.data.views import Normalise
from sce.definition import R18, EvalClips, Evaluation, ImageData, LinearProtocol, Pretrain, VideoData
from sce.evaluate import evaluate
from sce.evaluate import linear as probing
from sce.evaluate.bench import CannotEvaluate, Reporter
from sce.evaluate.classifier import LAST
from sce.evaluate.run import _bench
from sce.rundir import StopReason
from tests.sce.evaluate.conftest import (
    CPU,
    VIEWS,
    ARun,
    evaluated,
    events,
    result_of,
    stop_after,
    write_checkpoint,
)

KNN = {"kind": "knn", "k": 3, "views": VIEWS}
RETRIEVAL = {"kind": "retrieval", "ranks": [1, 5], "views": VIEWS}
LINEAR = {
    "kind": "linear",
    "optimisation": {
        "epochs": 12,
        "batch_size": 4,
        "optimizer": {"kind": "adamw", "lr": 0.1},
        "schedule": {"kind": "cosine"},
    },
    "train_view": {
        "size": 32,
        "scale": [0.5, 1.0],
        "jitter": {"p": 0},
        "grey_p": 0,
        "blur_p": 0,
        "flip_p": 0,
    },
    "views": VIEWS,
    "validate_every_epochs": 3,
}


def test_knn_journals_its_scores_and_what_was_compared(a_run: ARun) -> None:
    run = a_run(KNN)
    assert evaluated(run) == "finished"
    result = result_of(run)
    assert set(result["values"]) == {"top1", "top5"}
    assert result["protocol"]["bank"] == "8 of 8"
    assert result["protocol"]["queries"] == "4 of 4"
    assert next(run.read()).event["event"] == "start"
    assert events(run, "end")[-1]["status"] == "finished"


def test_features_are_the_mean_over_views(a_run: ARun, video_data: VideoData, checkpoint: Path) -> None:
    run = a_run({"kind": "extract", "views": VIEWS})
    evaluated(run)
    kept = np.load(run.features / "val.npz", allow_pickle=False)
    trunk, pretrain = load_trunk(checkpoint, None, "online")
    normalise = Normalise(pretrain.views.mean, pretrain.views.std)
    loader = eval_loader(video_data, "val", EvalClips(**VIEWS), batch_videos=1, workers=0)
    with torch.no_grad():
        one_by_one = [trunk.eval()(normalise(batch.clips_BVCTHW[0])).mean(0) for batch in loader]
    np.testing.assert_allclose(kept["features"], torch.stack(one_by_one).numpy(), atol=1e-5)
    assert kept["position"].tolist() == [0, 1, 2, 3]


def test_a_retrieval_keeps_every_querys_neighbours(a_run: ARun) -> None:
    run = a_run(RETRIEVAL)
    evaluated(run)
    kept = np.load(run.results / "retrieval.npz", allow_pickle=False)
    assert kept["neighbour_position"].shape == (4, 8)
    assert set(result_of(run)["values"]) == {"R@1", "R@5"}
    assert all((run.path / file).is_file() for file in result_of(run)["files"])


def test_a_linear_probe_learns_what_an_untrained_trunk_can_tell(a_run: ARun) -> None:
    run = a_run(LINEAR)
    assert evaluated(run) == "finished"
    assert result_of(run)["values"]["top1"] == 1.0
    assert [event["epoch"] for event in events(run, "metrics") if "val/top1" in event["values"]] == [
        3,
        6,
        9,
        12,
    ]
    assert {event["kind"] for event in events(run, "checkpoint")} == {"best", "final"}
    assert all((run.path / event["path"]).is_file() for event in events(run, "checkpoint"))


def test_a_linear_probe_leaves_the_trunk_as_it_is(a_run: ARun, checkpoint: Path) -> None:
    run = a_run(LINEAR)
    definition = run.definition()
    assert isinstance(definition, Evaluation)
    bench = _bench(run, definition, Reporter(run, 1), run.path.parent)
    assert isinstance(definition.protocol, LinearProtocol)
    probing.linear(bench, definition.protocol)
    fresh, _ = load_trunk(checkpoint, None, "online")
    for key, value in fresh.state_dict().items():
        assert torch.equal(bench.trunk.state_dict()[key], value), key


def test_a_probe_stopped_between_epochs_ends_as_one_never_stopped(
    a_run: ARun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = a_run(LINEAR)
    evaluated(whole)
    whole.path.rename(tmp_path / "whole")
    run = a_run(LINEAR)
    stop_after(run, epochs=5, monkeypatch=monkeypatch)
    assert evaluated(run) == "stopped"
    assert not events(run, "result")
    run.clear_stop()
    run.begin_attempt(2)
    assert evaluated(run, attempt=2) == "finished"
    assert events(run, "start")[-1]["step"] == 10
    first, second = (
        torch.load(folder / LAST, weights_only=True)["state_dict"]
        for folder in (tmp_path / "whole", run.path)
    )
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_an_asked_stop_ends_an_extraction_without_a_result(a_run: ARun) -> None:
    run = a_run(KNN)
    run.request_stop("preempt")
    assert evaluated(run) == "preempted"
    assert not events(run, "result")
    assert events(run, "end")[-1]["status"] == "preempted"


def test_a_signal_asks_to_leave_and_its_handler_is_gone_afterwards(
    a_run: ARun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, before = a_run(KNN), signal.getsignal(signal.SIGTERM)
    told = Reporter.progress

    def tell_and_end(report: Reporter, phase: str, done: int, total: int) -> None:
        told(report, phase, done, total)
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(Reporter, "progress", tell_and_end)
    assert evaluated(run) == "preempted"
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_second_attempt_reads_features_that_the_first_one_kept(a_run: ARun) -> None:
    run = a_run(KNN)
    evaluated(run)
    written = (run.features / "train.npz").stat().st_mtime_ns
    run.begin_attempt(2)
    evaluated(run, attempt=2)
    assert (run.features / "train.npz").stat().st_mtime_ns == written


def test_an_unreadable_video_is_named_and_not_scored(a_run: ARun, dataset: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    copy_of(dataset, broken)
    (broken / "val/darken/1.mp4").write_bytes(b"no video")
    save_index(build_index(broken, "video", processes=1))
    run = a_run(KNN, data={"kind": "video", "root": str(broken), "num_frames": 4, "clip_s": 1.0})
    evaluated(run)
    assert result_of(run)["protocol"]["queries"] == "3 of 4"
    assert "val/darken/1.mp4" in events(run, "note")[-1]["text"]


def test_a_video_that_breaks_after_indexing_is_left_out_and_never_replaced(
    a_run: ARun, dataset: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    copy_of(dataset, broken)
    save_index(build_index(broken, "video", processes=1))
    (broken / "val/brighten/0.mp4").write_bytes(b"no video")
    run = a_run(KNN, data={"kind": "video", "root": str(broken), "num_frames": 4, "clip_s": 1.0})
    evaluated(run)
    assert np.load(run.features / "val.npz")["position"].tolist() == [1, 2, 3]
    assert result_of(run)["protocol"]["queries"] == "3 of 4"
    assert "val/brighten/0.mp4" in events(run, "note")[-1]["text"]


def copy_of(dataset: Path, folder: Path) -> None:
    for file in dataset.rglob("*.mp4"):
        target = folder / file.relative_to(dataset)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())


def test_a_missing_checkpoint_is_said(a_run: ARun) -> None:
    run = a_run(KNN, checkpoint={"path": "7/checkpoints/gone.ckpt"})
    with pytest.raises(UnusableCheckpoint, match="There is no checkpoint"):
        evaluated(run)


def test_a_checkpoint_with_another_digest_is_refused(a_run: ARun) -> None:
    run = a_run(KNN, checkpoint={"path": "1/checkpoints/initial.ckpt", "sha256": "0" * 64})
    with pytest.raises(UnusableCheckpoint, match="not the checkpoint that was asked for"):
        evaluated(run)


def test_a_trunk_of_images_is_not_asked_to_read_videos(a_run: ARun, tmp_path: Path) -> None:
    images = Pretrain(data=ImageData(root="digits"), trunk=R18(), compute=CPU)
    write_checkpoint(tmp_path / "3/initial.ckpt", images)
    run = a_run(KNN, checkpoint={"path": "3/initial.ckpt"})
    with pytest.raises(CannotEvaluate, match="r18 reads image data"):
        evaluated(run)


def test_the_scored_split_may_not_be_the_one_learned_from(a_run: ARun, video_data: VideoData) -> None:
    run = a_run(KNN, data={**video_data.model_dump(), "val_split": "train"})
    with pytest.raises(CannotEvaluate, match="choose two splits"):
        evaluated(run)


def test_a_batch_larger_than_the_split_is_refused_in_words(a_run: ARun) -> None:
    too_large = {**LINEAR, "optimisation": {"epochs": 1, "batch_size": 512}}
    with pytest.raises(ValueError, match="more than the 8"):
        evaluated(
            a_run(
                {**too_large, "optimisation": {**too_large["optimisation"], "schedule": {"kind": "cosine"}}}
            )
        )


def test_a_gpu_that_is_not_there_is_said(a_run: ARun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(CannotEvaluate, match="this host has none"):
        evaluated(a_run(KNN, compute={"accelerator": "gpu"}))


def test_a_classifier_whose_loss_is_no_number_ends_in_a_sentence(a_run: ARun) -> None:
    optimizer = {"kind": "sgd", "lr": 1e38, "lr_scaling": "none"}
    learning = {**LINEAR["optimisation"], "optimizer": optimizer}
    run = a_run({**LINEAR, "optimisation": learning})
    with pytest.raises(CannotEvaluate, match=r"loss is (nan|inf) at step \d+: lower protocol\.optimisation"):
        evaluated(run)
    assert not events(run, "result")


@pytest.mark.parametrize(("num_frames", "clip_s", "warnings"), [(4, 1.0, 0), (8, 1.0, 1), (4, 0.5, 1)])
def test_other_clips_than_the_trunk_learned_from_are_remarked(
    num_frames: int, clip_s: float, warnings: int, a_run: ARun, video_data: VideoData
) -> None:
    data = {**video_data.model_dump(), "num_frames": num_frames, "clip_s": clip_s}
    run = a_run(KNN, data=data)
    assert evaluated(run) == "finished"
    notes = [event["text"] for event in events(run, "note")]
    assert len(notes) == warnings
    assert all(f"shown {num_frames} over {clip_s:g} s" in text for text in notes)


@pytest.mark.parametrize(("heard", "status"), [("stop", "stopped"), ("preempt", "preempted")])
def test_a_signal_that_came_before_the_evaluation_began_is_heard(
    heard: StopReason, status: str, a_run: ARun
) -> None:
    run = a_run(KNN)
    definition = run.definition()
    assert isinstance(definition, Evaluation)
    assert evaluate(run, definition, attempt=1, heard=[heard]) == status
    assert not events(run, "result")
