"""A trunk's card: what it is, how it was trained, what it scored. For people as Markdown, for programs as JSON."""

import re
from collections.abc import Iterable

from sqlalchemy.orm import Session

from backend.checkpoints.service import evaluations_of, get
from backend.checkpoints.tables import Checkpoint
from backend.checkpoints.views import CardScore, CardView
from backend.datasets import lookups as datasets
from backend.evaluations.words import as_scored, protocol_words
from backend.experiments import service as experiments
from backend.runs.life import FINISHED
from backend.runs.tables import Run
from sce.definition import Import, Pretrain, definition_adapter, learned_as
from sce.definition.exports import layouts_of
from sce.definition.sizes import trunk_size, trunk_width

SCORES = ("top", "best_top", "R@", "mAP", "mean_per_class")
"""How the names of scores begin that a card quotes."""


def card(db: Session, checkpoint_id: int) -> CardView:
    """Raises ``NotFound``."""
    row = get(db, checkpoint_id)
    run = db.get_one(Run, row.run_id)
    learned = learned_by(run)
    return CardView(
        name=run.name,
        experiment=experiments.names(db, [run.experiment_id])[run.experiment_id],
        trunk=learned.trunk.kind,
        features=trunk_width(learned.trunk),
        parameters=trunk_size(learned.trunk).learned,
        sha256=row.sha256,
        reads=_reads(learned),
        trained=_trained(run, row, learned),
        scores=_scores(db, row),
        layouts=list(layouts_of(learned.trunk)),
        definition=run.definition,
    )


def learned_by(run: Run) -> Pretrain:
    """The training that made a run's checkpoints, or what stands in for one that happened elsewhere."""
    if run.kind == "import":
        return learned_as(Import.model_validate(run.definition))
    definition = definition_adapter.validate_python(run.definition)
    assert isinstance(definition, Pretrain)
    return definition


def _reads(learned: Pretrain) -> str:
    mean, std = ("/".join(f"{one:g}" for one in values) for values in (learned.views.mean, learned.views.std))
    size = f"RGB in [0, 1], mean {mean}, deviation {std}"
    if learned.data.kind == "image":
        return f"images, {size}"
    return f"clips of {learned.data.num_frames} frames over {learned.data.clip_s:g} s, {size}"


def _trained(run: Run, row: Checkpoint, learned: Pretrain) -> dict[str, str]:
    """How, as facts by name; an import says only what it knows."""
    if run.kind == "import":
        taken = Import.model_validate(run.definition)
        own = {
            "where": "elsewhere; imported",
            "file": taken.source,
            "SHA-256 of that file": taken.source_sha256,
            "names": taken.naming + (f" behind {taken.prefix}" if taken.prefix else ""),
            "branch": taken.branch,
            "how, as its importer says": taken.origin or "not said",
            "recipe, as its importer says": taken.recipe or "not said",
        }
        is_known = taken.pretrain is not None and not taken.recipe
        return own | _facts(learned) if is_known else own
    state = "untrained weights" if row.step == 0 else f"epoch {row.epoch:g}, step {row.step}"
    return {"state": state, "recipe": run.recipe or "none", "seed": str(run.seed), **_facts(learned)}


def _facts(learned: Pretrain) -> dict[str, str]:
    learning = learned.optimisation
    return {
        "method": learned.method.kind,
        "data": f"{learned.data.root.rstrip('/').rpartition('/')[2]} ({learned.data.train_split})",
        "epochs": str(learning.epochs),
        "batch": str(learning.batch_size),
        "optimizer": f"{learning.optimizer.kind}, lr {learning.optimizer.lr:g} ({learning.optimizer.lr_scaling})",
        "views": ", ".join(f"{view.size} px" for view in learned.views.views),
    }


def _scores(db: Session, row: Checkpoint) -> list[CardScore]:
    runs = [run for run in evaluations_of(db, [row.id]).get(row.id, []) if run.state == FINISHED]
    names = datasets.by_ids(db, {run.dataset_id for run in runs if run.dataset_id})
    return [
        CardScore(
            kind=run.kind,
            dataset=names[run.dataset_id].name if run.dataset_id in names else "?",
            split=str(run.definition["data"]["val_split"]),
            protocol=protocol_words(as_scored(run.definition["protocol"], run.protocol)),
            values=run.summary,
        )
        for run in runs
        if run.summary
    ]


def as_markdown(view: CardView) -> str:
    """The card as a page of text. What people named is escaped: it may hold anything."""
    facts = {
        "Trunk": f"{view.trunk}, {view.parameters:,} parameters, {view.features} features",
        "Reads": view.reads,
        "SHA-256": view.sha256,
    }
    lines = [f"# {escaped(view.name)}", "", f"From the experiment {escaped(view.experiment)}.", ""]
    lines += [*_table(("", ""), facts.items()), "", "## How it was trained", ""]
    lines += [*_table(("", ""), view.trained.items()), "", "## What it scored", ""]
    rows = [
        (score.dataset, score.split, score.protocol, name, f"{value:.4f}")
        for score in view.scores
        for name, value in score.values.items()
        if name.startswith(SCORES)
    ]
    lines += (
        _table(("data set", "split", "protocol", "score", "value"), rows)
        if rows
        else ["Nothing measured yet."]
    )
    return "\n".join(lines) + "\n"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    body = ["| " + " | ".join(escaped(cell) for cell in row) + " |" for row in rows]
    return ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head), *body]


def escaped(text: str) -> str:
    """Text that Markdown shows as it is: no markup, no HTML, no line of its own."""
    return re.sub(r"([\\`*_{}\[\]<>#|&])", r"\\\1", " ".join(text.split()))
