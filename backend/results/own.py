"""Our own experiments as a table: a row for each group of seeds, untrained beside trained in every column."""

import hashlib
import json
from collections import defaultdict

from sqlalchemy.orm import Session

from backend.evaluations.words import kind_word, protocol_words
from backend.results.groups import Group, Score, groups, measured
from backend.results.views import OwnCell, OwnColumn, OwnTable, OwnTableRow

METRIC_WORDS = {"top1": "top-1", "mean_per_class": "mean per class", "mAP@full": "mAP"}
ORDER = ("knn", "linear", "retrieval", "finetune", "svm", "transfer")


def own_table(db: Session, experiment_id: int | None) -> OwnTable:
    """Groups that were measured or failed; a training that is under way has no row yet."""
    found = [group for group in groups(db, experiment_id) if group.scores or group.failed]
    columns: dict[str, OwnColumn] = {}
    rows = []
    for group in found:
        by_column: dict[str, list[Score]] = defaultdict(list)
        for score in group.scores:
            if score.headline:
                column = _column(score, score.headline)
                columns.setdefault(column.key, column)
                by_column[column.key].append(score)
        rows.append(_row(group, by_column))
    ordered = sorted(columns.values(), key=lambda one: (_place(one), one.dataset, one.protocol))
    return OwnTable(columns=ordered, rows=rows)


def _column(score: Score, metric: str) -> OwnColumn:
    """The column of an evaluation: its protocol on its data, whichever of numbered splits it scored."""
    kind, protocol = score.kind, score.protocol
    shown = {name: score.data.get(name) for name in ("num_frames", "clip_s")}
    key = json.dumps([kind, score.dataset, score.split[0], shown, protocol], sort_keys=True)
    return OwnColumn(
        key=_short(key),
        label=f"{kind_word(kind)} {METRIC_WORDS.get(metric, metric)}",
        dataset=score.dataset,
        protocol=protocol_words(protocol),
    )


def _short(key: str) -> str:
    """A key that is the same wherever it is computed."""
    return hashlib.sha256(key.encode()).hexdigest()[:12]


def _place(column: OwnColumn) -> int:
    words = [kind_word(kind) for kind in ORDER]
    return next((number for number, word in enumerate(words) if column.label.startswith(word)), len(ORDER))


def _row(group: Group, by_column: dict[str, list[Score]]) -> OwnTableRow:
    learned = group.learned
    return OwnTableRow(
        name=group.name,
        experiment=group.experiment,
        experiment_id=group.experiment_id,
        method=str(learned.get("method", {}).get("kind", "not said")),
        trunk=str(learned.get("trunk", {}).get("kind", "?")),
        epochs=str(learned.get("optimisation", {}).get("epochs", "not known")),
        seeds=len(group.trainings),
        failed=group.failed,
        run_ids=[run.id for run in group.trainings],
        cells={key: _cell(scores) for key, scores in by_column.items()},
    )


def _cell(scores: list[Score]) -> OwnCell:
    metric = scores[0].headline
    assert metric, "a score without a headline has no column"
    before = [score for score in scores if score.is_untrained]
    after = [score for score in scores if not score.is_untrained]
    return OwnCell(
        untrained=measured(before, metric) if before else None,
        trained=measured(after, metric) if after else None,
    )
