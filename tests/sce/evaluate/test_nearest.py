"""Nearest neighbours, part by part, held against sorting everything."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from sce.evaluate.nearest import ROWS_AT_A_TIME, Side, nearest, unit


def drawn(count: int, *, width: int = 6, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)


def sorted_whole(query: NDArray[np.float32], bank: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Every product at once, in a stable order: the earlier row of equal ones comes first."""
    return np.argsort(-(query @ bank.T), axis=1, kind="stable")[:, :k]


@pytest.fixture
def few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sce.evaluate.nearest.QUERIES_AT_A_TIME", 7)
    monkeypatch.setattr("sce.evaluate.nearest.ROWS_AT_A_TIME", 8)


@pytest.mark.usefixtures("few_at_a_time")
@pytest.mark.parametrize("k", [1, 5, 8, 11, 50])
def test_part_by_part_the_same_are_nearest(k: int) -> None:
    query, bank = unit(drawn(30)), unit(drawn(50, seed=1))
    places, products = nearest(Side(query), Side(bank), k)
    np.testing.assert_array_equal(places, sorted_whole(query, bank, k))
    np.testing.assert_allclose(products, np.take_along_axis(query @ bank.T, places, axis=1), rtol=1e-6)


@pytest.mark.usefixtures("few_at_a_time")
@given(seed=st.integers(0, 1000), k=st.integers(1, 40))
def test_of_equal_products_the_earlier_row_comes_first(seed: int, k: int) -> None:
    """Whole numbers have exact products, and many of them are equal, within a part and over parts."""
    rng = np.random.default_rng(seed)
    query, bank = (rng.integers(-1, 2, (rows, 2)).astype(np.float32) for rows in (9, 40))
    np.testing.assert_array_equal(nearest(Side(query), Side(bank), k)[0], sorted_whole(query, bank, k))


@pytest.mark.usefixtures("few_at_a_time")
def test_a_side_is_centred_and_scaled_part_by_part_as_it_would_be_whole() -> None:
    query, bank = drawn(20) + 3, drawn(45, seed=1) + 3
    whole = (unit(query - query.mean(0)), unit(bank - bank.mean(0)))
    places, _ = nearest(Side(query, query.mean(0), True), Side(bank, bank.mean(0), True), 6)
    np.testing.assert_array_equal(places, sorted_whole(*whole, 6))


def test_memory_does_not_grow_with_the_bank(monkeypatch: pytest.MonkeyPatch) -> None:
    """All products would take 16 MB here, and a prepared copy of the bank 5 MB."""
    monkeypatch.setattr("sce.evaluate.nearest.QUERIES_AT_A_TIME", 64)
    monkeypatch.setattr("sce.evaluate.nearest.ROWS_AT_A_TIME", 256)
    query, bank = drawn(200, width=64), drawn(20_000, width=64, seed=1)
    sides = Side(query, query.mean(0), True), Side(bank, bank.mean(0), True)
    tracemalloc.start()
    nearest(*sides, 10)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20


def test_a_zero_feature_stays_zero() -> None:
    assert not unit(np.zeros((1, 4), np.float32)).any()


def test_features_that_are_no_numbers_are_refused() -> None:
    query = drawn(3)
    query[1, 2] = np.nan
    with pytest.raises(ValueError, match="no numbers"):
        nearest(Side(query), Side(drawn(5)), 2)


def test_one_row_that_is_no_number_is_refused_wherever_it_lies() -> None:
    """A product that is no number is larger than nothing: it would be left out without a word."""
    bank = drawn(ROWS_AT_A_TIME + 10)
    bank[-1, 0] = np.nan
    with pytest.raises(ValueError, match="no numbers"):
        nearest(Side(drawn(3)), Side(bank), 2)
