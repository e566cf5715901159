from backend.views import View


class SeriesSummary(View):
    key: str
    num_points: int
    first_step: int
    last_step: int
    last: float | None
    min: float | None
    max: float | None


class SeriesView(View):
    """One metric of one run, in columns: at most ``width`` buckets, so that no spike is lost."""

    run_id: int
    key: str
    step: list[int]
    """First step of each bucket."""
    epoch: list[float]
    time: list[float]
    """Unix seconds of each bucket's first point."""
    min: list[float | None]
    max: list[float | None]
    first: list[float | None]
    last: list[float | None]
    count: list[int]
    superseded: list[bool]
    """True where a later attempt went over these steps again."""
    cursor: int
    """Give it as ``after`` to get only what came since."""
    is_raw: bool
    """Every bucket is one point: nothing was folded."""


class MetricsView(View):
    series: list[SeriesView]
