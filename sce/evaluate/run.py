"""One evaluation from its definition to its end line."""

from pathlib import Path

from sce.data.index import load_index
from sce.definition import (
    EvalProtocol,
    Evaluation,
    ExtractProtocol,
    KnnProtocol,
    LinearProtocol,
    RetrievalProtocol,
)
from sce.evaluate.bench import Bench, Reporter, Stopped, check_data, pick_device
from sce.evaluate.features import split_features
from sce.evaluate.knn import knn
from sce.evaluate.linear import linear
from sce.evaluate.results import Scores
from sce.evaluate.retrieval import retrieval
from sce.foreign import load_checkpoint_file
from sce.rundir import EndEvent, EndStatus, ResultEvent, RunDir, StopReason


def run_evaluation(
    run: RunDir, definition: Evaluation, *, attempt: int, runs_dir: Path, heard: list[StopReason]
) -> EndStatus:
    """Measure, journal, and say how it ended; see ``sce.evaluate.evaluate``."""
    report = Reporter(run, attempt, heard=heard)
    bench = _bench(run, definition, report, runs_dir)
    try:
        with report.listening():
            scores = _measure(bench, definition.protocol)
    except Stopped as stopped:
        status: EndStatus = "preempted" if stopped.reason == "preempt" else "stopped"
    else:
        status = "finished"
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
    trunk = trunk.to(device).eval().requires_grad_(False)
    return Bench(run, definition, trunk, pretrain, index, device, report)


def _measure(bench: Bench, protocol: EvalProtocol) -> Scores:
    if isinstance(protocol, LinearProtocol):
        return linear(bench, protocol)
    items = sum(len(bench.index.splits[split]) for split in _splits(bench))
    bench.report.start(step=0, steps=items, epochs=1, device=bench.device, resumed=None)
    train, val = (split_features(bench, split, protocol.views) for split in _splits(bench))
    match protocol:
        case KnnProtocol():
            return knn(protocol, train, val, num_classes=len(bench.index.classes))
        case RetrievalProtocol():
            return retrieval(protocol, train, val, bench.run)
        case ExtractProtocol():
            return Scores(
                {}, {"bank": train.scored, "queries": val.scored}, ["features/train.npz", "features/val.npz"]
            )


def _splits(bench: Bench) -> tuple[str, str]:
    return bench.definition.data.train_split, bench.definition.data.val_split
