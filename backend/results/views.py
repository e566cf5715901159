"""Published tables with our runs beside them, and tables of our own experiments."""

from typing import Literal

from pydantic import Field

from backend.views import View

Format = Literal["csv", "latex", "markdown"]


class PublishedRow(View):
    method: str
    label: str
    values: dict[str, float]
    """Percent, by column."""


class ColumnView(View):
    key: str
    label: str
    dataset: str


class Measured(View):
    """Our score in one cell: the mean over seeds, each averaged over its splits first."""

    mean: float | None
    """Percent; None when nothing has finished yet."""
    std: float | None
    """Standard deviation over seeds (n - 1); None for one seed."""
    n: int
    """Seeds that count: trainings, or several classifiers of one training where only their seeds differ."""
    splits: int | None
    """Splits that each seed's score is the mean of; None when the data set has but one."""
    failed: int
    """Evaluations that failed, of ``asked``."""
    asked: int
    left_out: int = 0
    """Seeds without a number in the mean: not yet scored on each split that the others were."""
    run_ids: list[int]
    """Evaluations that the cell was made of."""
    difference: float | None = None
    """Points above the published number that it is held against."""
    reasons: list[str] = Field(default=[])
    """Where its protocol differs from that number's, a sentence each; empty when they may be compared."""


class OwnRow(View):
    """Runs of ours that differ only by seed."""

    name: str
    experiment: str
    method: str
    seeds: int
    failed: int
    """Trainings that failed, of ``seeds``."""
    run_ids: list[int]
    cells: dict[str, Measured]
    against: str | None = None
    """Published row that the differences are to."""


class PaperTable(View):
    name: str
    title: str
    source: str
    tolerance: float | None
    """Points by which a reproduction may differ."""
    columns: list[ColumnView]
    published: list[PublishedRow]
    ours: list[OwnRow]


class OwnColumn(View):
    key: str
    label: str
    """What is measured, as in 'k-NN top-1'."""
    dataset: str
    protocol: str
    """The protocol in words."""


class OwnCell(View):
    untrained: Measured | None
    trained: Measured | None


class OwnTableRow(View):
    name: str
    experiment: str
    experiment_id: int
    method: str
    trunk: str
    epochs: str
    """Of the pretraining; words where it is not known."""
    seeds: int
    failed: int
    run_ids: list[int]
    cells: dict[str, OwnCell]


class OwnTable(View):
    """Our own experiments: one row for runs that differ only by seed."""

    columns: list[OwnColumn]
    rows: list[OwnTableRow]
