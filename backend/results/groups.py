"""Our runs, gathered into what a line of a table is made of: groups of seeds, and their evaluations."""

import json
import math
import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.checkpoints import registry
from backend.checkpoints.tables import Checkpoint
from backend.datasets import lookups as datasets
from backend.evaluations.words import as_scored
from backend.experiments import service as experiments
from backend.results.views import Measured
from backend.runs.life import FAILED, FINISHED
from backend.runs.tables import Run

MAX_TRAININGS = 2000
# What two seeds of one experiment may differ in without being another method.
APART = frozenset({"seed", "probe", "evaluations", "checkpoints", "compute"})
HEADLINES = {"knn": "top1", "retrieval": "R@1", "linear": "top1", "finetune": "top1", "svm": "mAP@full"}
_SPLIT = re.compile(r"^(.*?)[_-]?0*([0-9]+)$")


@dataclass(frozen=True)
class Score:
    """One evaluation of one seed."""

    run: Run
    checkpoint: Checkpoint
    """The pretraining's checkpoint that is measured, also where a test names the classifier trained on it."""
    dataset: str
    tested: Run | None = None
    """The probe or fine-tuning whose classifier ``run`` tests."""

    @property
    def kind(self) -> str:
        """A test is a score of what it tests."""
        return (self.tested or self.run).kind

    @property
    def protocol(self) -> Mapping[str, Any]:
        """What was scored and how: a tested classifier's own protocol, on the views of its test."""
        asked: Mapping[str, Any] = self.run.definition["protocol"]
        if self.tested is None:
            return as_scored(asked, self.run.protocol)
        return {**self.tested.definition["protocol"], "views": asked["views"], "which": asked["which"]}

    @property
    def headline(self) -> str | None:
        """Name of the score that people quote; None where nothing is scored. A transfer says its own."""
        return str(self.protocol["metric"]) if self.kind == "transfer" else HEADLINES.get(self.kind)

    @property
    def is_untrained(self) -> bool:
        return self.checkpoint.kind == "initial"

    @property
    def data(self) -> Mapping[str, Any]:
        data: Mapping[str, Any] = self.run.definition["data"]
        return data

    @property
    def seed(self) -> "Seed":
        trained = self.tested or self.run
        trains = trained.kind in ("linear", "finetune")
        return (trained.parent_id or 0, int(trained.definition.get("seed", 0)) if trains else 0)

    @property
    def split(self) -> tuple[str, str | None]:
        """The scored split's name without its number, and the number: HMDB51's three are one protocol."""
        found = _SPLIT.match(str(self.data["val_split"]))
        return (found[1], found[2]) if found else (str(self.data["val_split"]), None)


Seed = tuple[int, int]
"""A training, and the seed of the classifier that was trained on it; 0 where the evaluation trains nothing."""


@dataclass
class Group:
    """Trainings of one experiment that differ only by seed, and every evaluation of them."""

    experiment: str
    experiment_id: int
    trainings: list[Run]
    scores: list[Score] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.trainings[0].name.partition(", seed ")[0]

    @property
    def learned(self) -> Mapping[str, Any]:
        """The training's definition; that of an import which says no training is nearly empty."""
        definition = self.trainings[0].definition
        if definition.get("kind") != "import":
            return definition
        known: Mapping[str, Any] = definition.get("pretrain") or {"trunk": definition["trunk"]}
        return known

    @property
    def failed(self) -> int:
        return sum(run.state == FAILED for run in self.trainings)


def groups(db: Session, experiment_id: int | None = None) -> list[Group]:
    """Every group with at least one training that is not archived, the newest first."""
    asked = select(Run).where(Run.kind.in_(("pretrain", "import")), Run.archived_at.is_(None))
    if experiment_id is not None:
        asked = asked.where(Run.experiment_id == experiment_id)
    trainings = db.scalars(asked.order_by(Run.id.desc()).limit(MAX_TRAININGS)).all()
    names = experiments.names(db, {run.experiment_id for run in trainings})
    found: dict[str, Group] = {}
    for run in trainings:
        key = _key(run)
        if key not in found:
            found[key] = Group(names[run.experiment_id], run.experiment_id, [])
        found[key].trainings.insert(0, run)
    _add_scores(db, list(found.values()))
    return list(found.values())


def _key(run: Run) -> str:
    kept = {name: value for name, value in run.definition.items() if name not in APART}
    return json.dumps([run.experiment_id, kept], sort_keys=True)


def _add_scores(db: Session, found: Sequence[Group]) -> None:
    home = {run.id: group for group in found for run in group.trainings}
    asked = select(Run).where(Run.parent_id.in_(home), Run.archived_at.is_(None)).order_by(Run.id)
    runs = [run for run in db.scalars(asked) if run.kind in (*HEADLINES, "transfer") or run.summary]
    probes = {run.id: run for run in runs}
    tests = select(Run).where(Run.parent_id.in_(probes), Run.kind == "test", Run.archived_at.is_(None))
    pairs: list[tuple[Run, Run | None]] = [(run, None) for run in runs]
    pairs += [(test, probes[test.parent_id or 0]) for test in db.scalars(tests.order_by(Run.id))]
    checkpoints = registry.by_ids(db, {run.checkpoint_id for run in runs if run.checkpoint_id})
    names = datasets.by_ids(db, {run.dataset_id for run, _ in pairs if run.dataset_id})
    for run, tested in pairs:
        measured_run = tested or run
        row = checkpoints.get(measured_run.checkpoint_id or 0)
        if row is not None and measured_run.parent_id is not None and "data" in run.definition:
            name = names[run.dataset_id].name if run.dataset_id in names else "?"
            home[measured_run.parent_id].scores.append(Score(run, row, name, tested))


def measured(scores: Iterable[Score], metric: str) -> Measured:
    """One cell: for each seed the mean over its splits, and the mean and deviation over seeds.

    Of several checkpoints of a training the last one's score counts, and of several tries the newest that gave
    one. A seed that lacks a split which others have is left out of the mean: it would be one of other videos.
    """
    chosen = _chosen(scores)
    good = {place: one for place, one in chosen.items() if _value(one, metric) is not None}
    by_seed: dict[Seed, dict[str | None, float]] = defaultdict(dict)
    for (seed, split), one in good.items():
        by_seed[seed][split] = 100 * (_value(one, metric) or 0.0)
    splits = _most_splits(by_seed)
    values = [statistics.fmean(own.values()) for own in by_seed.values() if own.keys() == splits]
    return Measured(
        mean=statistics.fmean(values) if values else None,
        std=statistics.stdev(values) if len(values) > 1 else None,
        n=len(values),
        splits=len(splits - {None}) or None,
        failed=sum(one.run.state == FAILED for one in chosen.values()),
        asked=len(chosen),
        left_out=len(by_seed) - len(values),
        run_ids=sorted(one.run.id for (seed, _), one in good.items() if by_seed[seed].keys() == splits),
    )


def _chosen(scores: Iterable[Score]) -> dict[tuple[Seed, str | None], Score]:
    """One evaluation of each seed on each split."""
    tries: dict[tuple[Seed, str | None], list[Score]] = defaultdict(list)
    for score in scores:
        tries[(score.seed, score.split[1])].append(score)
    return {place: _last(own) for place, own in tries.items()}


def _most_splits(by_seed: Mapping[Seed, Mapping[str | None, float]]) -> frozenset[str | None]:
    """The largest set of splits that a seed was scored on; of equally large ones that of the most seeds."""
    counted = Counter(frozenset(own) for own in by_seed.values())
    return max(counted, key=lambda splits: (len(splits), counted[splits]), default=frozenset())


def _last(tries: Sequence[Score]) -> Score:
    return max(tries, key=lambda one: (one.checkpoint.step, one.run.state == FINISHED, one.run.id))


def _value(score: Score, metric: str) -> float | None:
    value = score.run.summary.get(metric)
    return value if score.run.state == FINISHED and value is not None and math.isfinite(value) else None
