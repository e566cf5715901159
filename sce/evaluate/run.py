"""One evaluation from its definition to its end line."""

from collections.abc import Callable
from pathlib import Path

from sce.data.index import load_index
from sce.definition import (
    EvalProtocol,
    Evaluation,
    ExtractProtocol,
    FinetuneProtocol,
    KnnProtocol,
    LinearProtocol,
    RetrievalProtocol,
    SvmProtocol,
    TestProtocol,
    TransferProtocol,
)
from sce.devices import colours_last
from sce.evaluate.bench import Bench, Reporter, Stopped, check_data, pick_device, splits_of
from sce.evaluate.features import extract, read_features
from sce.evaluate.finetune import finetune
from sce.evaluate.knn import knn
from sce.evaluate.linear import linear
from sce.evaluate.ranks import joined
from sce.evaluate.results import Features, Scores
from sce.evaluate.retrieval import retrieval
from sce.evaluate.testing import check_classes, load_tested, test_classifiers
from sce.foreign import load_checkpoint_file
from sce.rundir import EndEvent, EndStatus, ResultEvent, RunDir, StopReason


def run_evaluation(
    run: RunDir, definition: Evaluation, *, attempt: int, runs_dir: Path, heard: list[StopReason]
) -> EndStatus:
    """Measure, journal, and say how it ended; see ``sce.evaluate.evaluate``."""
    compute = definition.compute
    on_gpu = pick_device(compute.accelerator).type == "cuda"
    with joined(compute.devices * compute.nodes, on_gpu=on_gpu):
        return _run(run, definition, Reporter(run, attempt, heard=heard), runs_dir)


def _run(run: RunDir, definition: Evaluation, report: Reporter, runs_dir: Path) -> EndStatus:
    attempt = report.attempt
    work = _work(run, definition, report, runs_dir)
    try:
        with report.listening():
            scores = work()
    except Stopped as stopped:
        status: EndStatus = "preempted" if stopped.reason == "preempt" else "stopped"
    else:
        status = "finished"
    if not report.is_writer:
        return status
    if status == "finished":
        result: ResultEvent = {
            "event": "result",
            "values": scores.values,
            "protocol": {**definition.protocol.model_dump(mode="json"), **scores.remarks},
            "files": scores.files,
        }
        run.append(result, attempt=attempt)
    end: EndEvent = {"event": "end", "status": status, "kind": None, "sentence": None}
    run.append(end, attempt=attempt)
    return status


def _work(run: RunDir, definition: Evaluation, report: Reporter, runs_dir: Path) -> Callable[[], Scores]:
    """What is to be done once everything that can be refused has been looked at."""
    if isinstance(definition.protocol, TestProtocol):
        return _test(run, definition, definition.protocol, report, runs_dir)
    bench = _bench(run, definition, report, runs_dir)
    return lambda: _measure(bench, definition.protocol)


def _test(
    run: RunDir, definition: Evaluation, protocol: TestProtocol, report: Reporter, runs_dir: Path
) -> Callable[[], Scores]:
    device, index = pick_device(definition.compute.accelerator), load_index(Path(definition.data.root))
    models, pretrain, classes = load_tested(definition, protocol, runs_dir / definition.checkpoint.path)
    check_data(definition, pretrain, index)
    check_classes(classes, index.classes, definition.data.root)
    trunk = next(iter(models.values())).trunk
    bench = Bench(run, definition, trunk, pretrain, index, device, report)
    return lambda: test_classifiers(bench, protocol, models)


def _bench(run: RunDir, definition: Evaluation, report: Reporter, runs_dir: Path) -> Bench:
    file = runs_dir / definition.checkpoint.path  # an absolute path stays as it is
    index = load_index(Path(definition.data.root))
    device = pick_device(definition.compute.accelerator)
    data = definition.data
    trunk, pretrain = load_checkpoint_file(
        definition.checkpoint, file, num_frames=data.num_frames, clip_s=data.clip_s
    )
    check_data(definition, pretrain, index)
    report.warn_of_other_clips(definition, pretrain)
    trunk = trunk.eval().requires_grad_(False)
    if device.type == "cuda":
        colours_last(trunk)
    if definition.compute.compile:
        trunk.compile()
    trunk = trunk.to(device)
    return Bench(run, definition, trunk, pretrain, index, device, report)


def _measure(bench: Bench, protocol: EvalProtocol) -> Scores:
    match protocol:
        case LinearProtocol():
            return linear(bench, protocol)
        case FinetuneProtocol():
            return finetune(bench, protocol)
    splits = splits_of(bench.definition)
    items = sum(len(bench.index.splits[split]) for split in splits.values())
    bench.report.start(step=0, steps=items, epochs=1, device=bench.device, resumed=None)
    for role, split in splits.items():
        extract(bench, role, split, protocol.views)
    if not bench.report.is_writer:
        return Scores({}, {})  # the first process compares, and journals what it finds
    found = {role: read_features(bench, role, split) for role, split in splits.items()}
    return _compare(bench, protocol, found["train"], found["val"], found.get("penalty"))


def _compare(
    bench: Bench, protocol: EvalProtocol, train: Features, val: Features, penalty: Features | None
) -> Scores:
    """What the features of the splits say."""
    seed, num_classes = bench.definition.seed, len(bench.index.classes)
    match protocol:
        case KnnProtocol():
            return knn(protocol, train, val, num_classes=num_classes)
        case RetrievalProtocol():
            return retrieval(protocol, train, val, bench.run)
        case SvmProtocol():
            from sce.evaluate.svm import svm  # scikit-learn takes a second to import

            return svm(protocol, train, val, num_classes=num_classes, seed=seed, report=bench.report)
        case TransferProtocol():
            from sce.evaluate.transfer import transfer

            return transfer(
                protocol, train, val, penalty, num_classes=num_classes, seed=seed, report=bench.report
            )
        case ExtractProtocol():
            files = ["features/train.npz", "features/val.npz"]
            return Scores({}, {"bank": train.scored, "queries": val.scored}, files)
    raise AssertionError(f"{protocol.kind} compares no features")
