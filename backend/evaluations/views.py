from backend.runs.views import RunState, RunView
from backend.trees import Tree
from backend.views import View
from sce.definition import RunKind


class ScoredCheckpoint(View):
    """One evaluation of one checkpoint: a point on the pretraining's epoch axis."""

    run_id: int
    checkpoint_id: int
    step: int
    epoch: float
    state: RunState
    values: dict[str, float]


class EvaluationCurve(View):
    """Evaluations by one protocol on one data set, in the order of the checkpoints."""

    kind: RunKind
    protocol: Tree
    protocol_words: str
    """The protocol as a sentence, as in 'k-NN, k 20, 1 clip x 1 crop'."""
    dataset: str | None
    points: list[ScoredCheckpoint]


class EvaluationsView(View):
    curves: list[EvaluationCurve]
    runs: list[RunView]


class ClipView(View):
    """A video of a retrieval."""

    item_id: int
    name: str
    class_name: str | None
    duration_s: float | None
    preview_url: str


class NeighbourView(View):
    rank: int
    """From 1."""
    clip: ClipView
    similarity: float
    is_correct: bool
    """It has the query's class."""


class QueryView(View):
    """One video that asked, and whom it found."""

    query: ClipView
    position: int
    first_correct_rank: int | None
    """Rank of the first neighbour of its class; None if there is none among those stored."""
    neighbours: list[NeighbourView]


class RankScore(View):
    k: int
    recall: float
    """Share of queries with a video of their class among the k nearest."""


class RetrievalView(View):
    run: RunView
    ranks: list[RankScore]
    protocol_words: str
    num_queries: int
    num_bank: int
    num_stored: int
    """Neighbours stored per query."""
    classes: list[str]
    recall_by_class: dict[str, float]
    """R@1 by class."""
    siblings: list[ScoredCheckpoint]
    """The same protocol on other checkpoints of the same pretraining, itself included."""


class QueryPage(View):
    items: list[QueryView]
    total: int
    page: int
    size: int
