"""Evaluations: a checkpoint's trunk, frozen, and what its features are worth.

The protocols are those of the SCE papers, for images (arXiv 2111.14585) and for video (arXiv 2212.11187).
"""

from pathlib import Path

from sce.definition import Evaluation
from sce.rundir import EndStatus, RunDir, StopReason


def evaluate(
    run: RunDir,
    definition: Evaluation,
    *,
    attempt: int,
    runs_dir: Path | None = None,
    heard: list[StopReason] | None = None,
) -> EndStatus:
    """Measure the checkpoint that ``definition`` names and journal the scores; say how it ended.

    A relative path of a checkpoint starts at ``runs_dir``, by default the folder that holds the run's own;
    ``heard`` are signals that came before.
    Raises ``sce.evaluate.bench.CannotEvaluate`` with a sentence for the user; the caller journals failures.
    """
    # torch takes seconds to import: only a run that computes pays for it.
    from sce.evaluate.run import run_evaluation

    folder = runs_dir or run.path.resolve().parent
    return run_evaluation(
        run, definition, attempt=attempt, runs_dir=folder, heard=[] if heard is None else heard
    )
