"""Test runs: score the classifiers that a linear probe or a fine-tuning left, without training anything."""

from pathlib import Path

from sce.definition import Evaluation, Pretrain, TestProtocol
from sce.evaluate.bench import Bench, CannotEvaluate
from sce.evaluate.classifier import FILES, KINDS, Classifier, load_classifier
from sce.evaluate.results import Scores
from sce.evaluate.scoring import score_classifiers
from sce.rundir import RunDir

Loaded = tuple[dict[str, Classifier], Pretrain, tuple[str, ...]]


def load_tested(definition: Evaluation, protocol: TestProtocol, file: Path) -> Loaded:
    """The classifiers to test by name, their trunk's training, and the classes that they know.

    ``file`` is either of them: both lie in one folder. Raises UnusableCheckpoint.
    """
    folder = file.parent.parent
    digests = journaled_digests(RunDir(folder))
    if definition.checkpoint.sha256 is not None:
        digests[file.name] = definition.checkpoint.sha256
    models: dict[str, Classifier] = {}
    for name in ("best", "last") if protocol.which == "both" else (protocol.which,):
        path = file.with_name(Path(FILES[name]).name)
        models[name], _, pretrain, classes = load_classifier(path, digests.get(path.name))
    return models, pretrain, classes


def journaled_digests(run: RunDir) -> dict[str, str]:
    """The newest digest of each classifier that the tested run journaled, by file name."""
    kinds = set(KINDS.values())
    return {
        Path(event["path"]).name: event["sha256"]
        for event in (line.event for line in run.read())
        if event["event"] == "checkpoint" and event["kind"] in kinds
    }


def check_classes(classes: tuple[str, ...], known: tuple[str, ...], root: str) -> None:
    """Raises ``CannotEvaluate`` when the data set's classes are not those that the classifier was trained on."""
    if classes == known:
        return
    odd = sorted(set(classes) ^ set(known))[:3]
    named = f": {', '.join(odd)} and maybe more are in one of them only" if odd else ", in another order"
    raise CannotEvaluate(
        f"The classifier knows {len(known)} classes and {root} has {len(classes)}{named}; choose the data set "
        "that it was trained on"
    )


def test_classifiers(bench: Bench, protocol: TestProtocol, models: dict[str, Classifier]) -> Scores:
    """``top1`` of what was asked for; of ``both``, ``top1`` is the last epoch's and ``best_top1`` the best one's."""
    items = len(bench.index.splits[bench.definition.data.val_split])
    bench.report.start(step=0, steps=items, epochs=1, device=bench.device, resumed=None)
    moved = {name: model.to(bench.device) for name, model in models.items()}
    found = score_classifiers(bench, moved, protocol.views)
    values = {name: found.values.get("last", found.values.get("best", {}))[name] for name in ("top1", "top5")}
    if protocol.which == "both":
        values |= {f"best_{name}": found.values["best"][name] for name in ("top1", "top5")}
    remarks = {
        "queries": bench.scored(bench.definition.data.val_split, found.positions),
        "rows": [{"checkpoint": name, **scores} for name, scores in found.values.items()],
    }
    return Scores(values, remarks)
