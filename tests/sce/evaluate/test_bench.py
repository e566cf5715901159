"""What an evaluation refuses, reports and leaves out, in words."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from sce.data.index import Index, Item, Unreadable
from sce.definition import R18, Evaluation, ImageData, Pretrain, VideoData
from sce.evaluate.bench import Bench, CannotEvaluate, Reporter, Stopped, check_data, pick_device
from sce.rundir import RunDir
from tests.sce.evaluate.conftest import events

PRETRAIN = Pretrain(data=VideoData(root="demo"))


def index_of(labels: dict[str, list[int]], unreadable: tuple[Unreadable, ...] = ()) -> Index:
    splits = {
        split: tuple(Item(f"{n}.mp4", label, 9, 9.0, 1.0, 8, 8, "h264", 1) for n, label in enumerate(given))
        for split, given in labels.items()
    }
    return Index(Path("demo"), "video", ("a", "b"), splits, unreadable, "f")


def asked(kind: str = "knn", **data: str) -> Evaluation:
    return Evaluation.model_validate(
        {
            "checkpoint": {"path": "1/a.ckpt"},
            "data": {"kind": "video", "root": "demo", **data},
            "protocol": {"kind": kind},
        }
    )


BOTH = {"train": [0, 1], "val": [0, 1]}


@pytest.mark.parametrize("kind", ["knn", "retrieval", "linear"])
@pytest.mark.parametrize("split", ["train", "val"])
def test_items_without_label_cannot_be_scored(kind: str, split: str) -> None:
    """All of them would count as one class: a retrieval would find a friend every time."""
    index = index_of(BOTH | {split: [-1, -1, 0]})
    with pytest.raises(CannotEvaluate, match=f"2 of 3 items of split '{split}' of demo have no label"):
        check_data(asked(kind), PRETRAIN, index)


def several() -> Index:
    """Two pictures, of which the first shows both classes."""
    item = Item("a.jpg", 0, 1, 1.0, 1.0, 8, 8, "jpeg", 1)
    both, one = replace(item, labels=(0, 1)), replace(item, path="b.jpg", label=1, labels=(1,))
    splits = {"train": (both, one), "val": (one, both), "test": (both,)}
    return Index(Path("demo"), "video", ("a", "b"), splits, (), "f")


@pytest.mark.parametrize("kind", ["knn", "retrieval", "linear", "finetune", "transfer"])
def test_a_score_of_one_class_is_refused_where_several_are_shown(kind: str) -> None:
    with pytest.raises(CannotEvaluate, match=r"show several classes each, and .* scores one: choose svm"):
        check_data(asked(kind), PRETRAIN, several())


@pytest.mark.parametrize(
    "protocol", [{"kind": "svm"}, {"kind": "transfer", "metric": "mAP"}, {"kind": "extract"}]
)
def test_what_scores_each_class_takes_them(protocol: dict[str, str]) -> None:
    definition = asked().model_dump() | {"protocol": protocol}
    check_data(Evaluation.model_validate(definition), PRETRAIN, several())


def test_a_penalty_is_never_chosen_on_what_is_scored() -> None:
    protocol = {"kind": "transfer", "validation_split": "val"}
    definition = Evaluation.model_validate(asked().model_dump() | {"protocol": protocol})
    with pytest.raises(CannotEvaluate, match=r"protocol\.validation_split and val_split are both 'val'"):
        check_data(definition, PRETRAIN, index_of(BOTH))


def test_items_without_label_have_features_all_the_same() -> None:
    check_data(asked("extract"), PRETRAIN, index_of({"train": [-1], "val": [-1]}))


def test_a_split_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(CannotEvaluate, match="no readable item in split 'test'; its splits are train, val"):
        check_data(asked(val_split="test"), PRETRAIN, index_of(BOTH))


def test_a_split_of_nothing_readable_is_refused() -> None:
    with pytest.raises(CannotEvaluate, match="no readable item in split 'val'"):
        check_data(asked(), PRETRAIN, index_of(BOTH | {"val": []}))


def test_a_trunk_of_images_names_what_it_reads() -> None:
    images = Pretrain(data=ImageData(root="cifar"), trunk=R18())
    with pytest.raises(CannotEvaluate, match="trunk r18 reads image data, and demo is video data"):
        check_data(asked(), images, index_of(BOTH))


@pytest.mark.parametrize(
    ("has_gpu", "accelerator", "device"),
    [
        (False, "auto", "cpu"),
        (False, "cpu", "cpu"),
        (True, "cpu", "cpu"),
        (True, "auto", "cuda"),
        (True, "gpu", "cuda"),
    ],
)
def test_a_gpu_is_taken_where_there_is_one_and_nobody_minds(
    has_gpu: bool, accelerator: str, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: has_gpu)
    assert pick_device(accelerator).type == device


# -- what is reported


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    return RunDir(tmp_path)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def report(run: RunDir, clock: Clock) -> Reporter:
    return Reporter(run, 1, clock=clock)


def test_progress_is_told_once_a_second_and_at_its_end(run: RunDir, report: Reporter, clock: Clock) -> None:
    for done in range(1, 41):
        clock.now += 0.1
        report.progress("features of val", done, 40)
    told = [event["done"] for event in events(run, "progress")]
    assert told[0] == 1
    assert told[-1] == 40
    assert len(told) in (5, 6)


def test_the_time_left_is_that_of_the_pace_so_far(run: RunDir, report: Reporter, clock: Clock) -> None:
    report.progress("features of val", 0, 100)
    clock.now += 10
    report.progress("features of val", 20, 100)
    assert [event["eta_s"] for event in events(run, "progress")] == [None, 40.0]


def test_a_new_phase_has_a_pace_of_its_own(run: RunDir, report: Reporter, clock: Clock) -> None:
    report.progress("features of train", 0, 10)
    clock.now += 50
    report.progress("features of val", 0, 10)
    clock.now += 2
    report.progress("features of val", 5, 10)
    assert events(run, "progress")[-1]["eta_s"] == 2.0


@pytest.mark.parametrize("reason", ["stop", "preempt"])
def test_it_leaves_for_the_reason_that_was_given(run: RunDir, report: Reporter, reason: str) -> None:
    report.leave_if_asked()
    run.request_stop(reason)  # type: ignore[arg-type]  # parametrised literal
    with pytest.raises(Stopped) as stopped:
        report.leave_if_asked()
    assert stopped.value.reason == reason


def test_it_leaves_when_a_newer_attempt_has_begun(run: RunDir, report: Reporter) -> None:
    run.begin_attempt(1)
    report.leave_if_asked()
    run.begin_attempt(2)
    with pytest.raises(Stopped):
        report.leave_if_asked()


def bench_of(run: RunDir, report: Reporter, index: Index) -> Bench:
    return Bench(run, asked(), nn.Identity(), PRETRAIN, index, torch.device("cpu"), report)


def test_a_whole_split_is_scored_without_a_note(run: RunDir, report: Reporter) -> None:
    assert bench_of(run, report, index_of(BOTH)).scored("val", [0, 1]) == "2 of 2"
    assert events(run, "note") == []


def test_what_was_left_out_is_counted_and_named_with_its_reason(run: RunDir, report: Reporter) -> None:
    index = index_of(BOTH, (Unreadable("x.mp4", "val", "The file is empty."), Unreadable("y", "train", "no")))
    bench = bench_of(run, report, index)
    bench.skipped["1.mp4"] = "It was cut off."
    assert bench.scored("val", [0]) == "1 of 3"
    (note,) = events(run, "note")
    assert note["text"] == (
        "1 of 3 items of val were read; left out: x.mp4 (The file is empty), 1.mp4 (It was cut off)"
    )


def test_a_long_list_of_the_unreadable_is_cut(run: RunDir, report: Reporter) -> None:
    bad = tuple(Unreadable(f"bad-{n}.mp4", "val", "Empty.") for n in range(9))
    assert bench_of(run, report, index_of(BOTH, bad)).scored("val", [0, 1]) == "2 of 11"
    assert events(run, "note")[0]["text"].endswith("bad-4.mp4 (Empty) and 4 more")


@pytest.mark.parametrize(("num_clips", "workers"), [(1, 0), (2000, 0), (2001, 1)])
def test_few_clips_are_read_without_loader_processes(
    num_clips: int, workers: int, run: RunDir, report: Reporter
) -> None:
    assert bench_of(run, report, index_of(BOTH)).loader_workers(num_clips) == workers
