"""Curves: at most so many buckets, and no spike is ever lost."""

import itertools
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from makers import Lab, end, metrics, start
from sqlalchemy import func, select

from backend.errors import NotFound
from backend.metrics.buckets import bucket_size, fold_rows, level_for, pieces
from backend.metrics.points import NewPoint
from backend.metrics.service import Asked, list_series, read_metrics
from backend.metrics.store import AT_ONCE, add_points
from backend.metrics.tables import Rollup, Series
from backend.metrics.views import SeriesView


@pytest.fixture
def ready(record: Lab) -> Lab:
    record.dataset()
    record.host()
    return record


def curve(
    lab: Lab, run_id: int, *, first: int | None = None, last: int | None = None, width: int = 800
) -> SeriesView:
    with lab.sessions() as db:
        asked = Asked(run_ids=[run_id], keys=["a"], first_step=first, last_step=last, width=width)
        return read_metrics(db, asked).series[0]


def fill(lab: Lab, values: list[float], *, every: int = 1, attempt: int = 1) -> int:
    """A run with these values of the metric ``a``, one each ``every`` steps."""
    (run_id,) = lab.runs(1)
    with lab.sessions.begin() as db:
        points = [
            NewPoint("a", step * every, step / 10, float(step), value, attempt)
            for step, value in enumerate(values)
        ]
        add_points(db, run_id=run_id, points=points)
    return run_id


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.lists(st.floats(-1e6, 1e6) | st.just(math.nan), min_size=1, max_size=400),
    every=st.sampled_from([1, 3, 50]),
    width=st.integers(1, 60),
)
def test_the_smallest_and_largest_value_are_always_in_the_answer(
    record: Lab, values: list[float], every: int, width: int
) -> None:
    seen = curve(record, fill(record, values, every=every), width=width)
    finite = [value for value in values if math.isfinite(value)]
    assert len(seen.step) <= width
    assert sum(seen.count) == len(values)
    assert [value for value in seen.min if value is not None] or not finite
    assert min((value for value in seen.min if value is not None), default=None) == min(finite, default=None)
    assert max((value for value in seen.max if value is not None), default=None) == max(finite, default=None)
    assert seen.step == sorted(seen.step)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ends=st.tuples(st.integers(0, 999), st.integers(0, 999)).map(sorted), width=st.integers(1, 50))
def test_a_zoom_holds_the_range_and_nothing_else(record: Lab, ends: list[int], width: int) -> None:
    first, last = ends
    values = [math.sin(step) for step in range(1000)]
    seen = curve(record, fill(record, values), first=first, last=last, width=width)
    assert sum(seen.count) == last - first + 1
    assert min(value for value in seen.min if value is not None) == min(values[first : last + 1])
    assert max(value for value in seen.max if value is not None) == max(values[first : last + 1])
    assert len(seen.step) <= width


def test_a_short_curve_is_given_as_it_is(record: Lab) -> None:
    seen = curve(record, fill(record, [3.0, 1.0, 2.0]))
    assert (seen.step, seen.first, seen.is_raw) == ([0, 1, 2], [3.0, 1.0, 2.0], True)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.lists(st.floats(-1e6, 1e6) | st.just(math.nan), min_size=1, max_size=200),
    cuts=st.lists(st.integers(0, 200), max_size=12),
    width=st.integers(1, 30),
    zoom=st.tuples(st.integers(0, 199), st.integers(0, 199)).map(sorted),
)
def test_a_curve_is_the_same_however_its_points_came(
    record: Lab, values: list[float], cuts: list[int], width: int, zoom: list[int]
) -> None:
    """In one go all are folded; in pieces some wait, and are read as they are."""
    whole, pieced = fill(record, values), record.runs(1)[0]
    points = [NewPoint("a", step, step / 10, float(step), value, 1) for step, value in enumerate(values)]
    for begin, stop in itertools.pairwise(sorted({0, len(values), *(min(cut, len(values)) for cut in cuts)})):
        with record.sessions.begin() as db:
            add_points(db, run_id=pieced, points=points[begin:stop])
    for first, last in ((None, None), (zoom[0], zoom[1])):
        one, other = (curve(record, run, first=first, last=last, width=width) for run in (whole, pieced))
        for column in ("step", "min", "max", "first", "last", "count"):
            assert getattr(one, column) == getattr(other, column), column


def test_single_points_wait_until_a_few_can_be_folded(record: Lab) -> None:
    (run_id,) = record.runs(1)
    for step in range(AT_ONCE + 1):
        with record.sessions.begin() as db:
            add_points(db, run_id=run_id, points=[NewPoint("a", step, 0.0, 0.0, float(step), 1)])
            folded = db.scalar(select(func.sum(Rollup.count)).where(Rollup.level == 1)) or 0
            waiting = db.scalars(select(Series.num_unfolded)).one()
        assert (folded, waiting) == ((0, step + 1) if step + 1 < AT_ONCE else (AT_ONCE, step + 1 - AT_ONCE))
    assert curve(record, run_id, width=1).max == [float(AT_ONCE)]


def test_a_number_that_is_none_waits_as_one(record: Lab) -> None:
    (run_id,) = record.runs(1)
    for step in range(AT_ONCE):
        with record.sessions.begin() as db:
            value = math.inf if step else 2.0
            add_points(db, run_id=run_id, points=[NewPoint("a", step, 0.0, 0.0, value, 1)])
    seen = curve(record, run_id, width=1)
    assert (seen.min, seen.max, seen.first, seen.last, seen.count) == ([2.0], [2.0], [2.0], [None], [AT_ONCE])


def test_a_zoom_gives_finer_buckets(record: Lab) -> None:
    run_id = fill(record, [float(step) for step in range(4000)])
    whole, part = curve(record, run_id, width=100), curve(record, run_id, first=1000, last=1099, width=100)
    assert not whole.is_raw
    assert part.is_raw
    assert part.step == list(range(1000, 1100))


def test_first_and_last_of_a_bucket_are_its_own(record: Lab) -> None:
    seen = curve(record, fill(record, [float(step) for step in range(64)]), width=8)
    assert seen.step == [0, 8, 16, 24, 32, 40, 48, 56]
    assert seen.first[1:3] == [8.0, 16.0]
    assert seen.last[1:3] == [15.0, 23.0]
    assert seen.count == [8] * 8


def test_the_cursor_gives_what_came_since_and_moves_on(ready: Lab) -> None:
    run_id = ready.running()
    ready.tell(run_id, metrics(1, a=1.0, b=1.0))
    with ready.sessions() as db:
        cursor = read_metrics(db, Asked(run_ids=[run_id], keys=["a", "b"])).series[0].cursor
    ready.tell(run_id, metrics(2, a=2.0), metrics(3, b=3.0))
    with ready.sessions() as db:
        since = read_metrics(db, Asked(run_ids=[run_id], keys=["a", "b"], after=cursor)).series
        assert [(series.key, series.step, series.last) for series in since] == [
            ("a", [2], [2.0]),
            ("b", [3], [3.0]),
        ]
        assert since[0].cursor == since[1].cursor
        again = read_metrics(db, Asked(run_ids=[run_id], keys=["a"], after=since[0].cursor)).series[0]
    assert (again.step, again.cursor) == ([], since[0].cursor)


def test_superseded_steps_are_folded_apart(ready: Lab) -> None:
    run_id = ready.running()
    ready.tell(run_id, *(metrics(step, a=-1.0) for step in range(1, 201)), end("preempted"))
    ready.claim()
    ready.tell(
        run_id, start(attempt=2, step=100), *(metrics(step, attempt=2, a=1.0) for step in range(101, 151))
    )
    seen = curve(ready, run_id, width=40)
    superseded = sum(count for count, gone in zip(seen.count, seen.superseded, strict=True) if gone)
    assert (superseded, sum(seen.count), len(seen.step) <= 40) == (100, 250, True)
    kept = [value for value, gone in zip(seen.max, seen.superseded, strict=True) if not gone]
    assert max(value for value in kept if value is not None) == 1.0


def test_a_summary_tells_the_range_of_each_metric(record: Lab) -> None:
    run_id = fill(record, [2.0, 5.0, math.nan])
    with record.sessions() as db:
        (seen,) = list_series(db, run_id)
    assert (seen.key, seen.num_points, seen.last_step) == ("a", 3, 2)
    assert (seen.min, seen.max, seen.last) == (2.0, 5.0, None)


def test_metrics_of_no_run_are_not_found(record: Lab) -> None:
    with record.sessions() as db, pytest.raises(NotFound):
        list_series(db, 7)


@given(first=st.integers(0, 10_000), length=st.integers(1, 10_000), level=st.integers(0, 4))
def test_pieces_cover_a_range_once(first: int, length: int, level: int) -> None:
    last = first + length - 1
    cut = pieces(first, last, level)
    edges = [(p.first_block * 8**p.level, (p.last_block + 1) * 8**p.level - 1) for p in cut]
    assert (edges[0][0], edges[-1][1]) == (first, last)
    assert all(one[1] + 1 == other[0] for one, other in itertools.pairwise(edges))


@given(length=st.integers(1, 10**9), width=st.integers(1, 5000))
def test_a_bucket_is_a_power_of_two_and_its_level_fits(length: int, width: int) -> None:
    size = bucket_size(0, length - 1, width)
    assert size & (size - 1) == 0
    assert size * width >= length
    assert 8 ** level_for(size) <= size


def test_a_bucket_without_a_number_says_none() -> None:
    rows = [(1, 0.1, 1.0, None, None, None, None, 1, 0), (2, 0.2, 2.0, None, None, None, None, 1, 0)]
    seen = fold_rows(rows, size=8, width=4)
    assert (seen.min, seen.max, seen.first, seen.count) == ([None], [None], [None], [2])
