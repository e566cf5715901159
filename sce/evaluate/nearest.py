"""The exact nearest neighbours by inner product, in memory that does not grow with the bank.

Q queries - M bank rows - D feature width - k neighbours - B queries and P bank rows at a time - N candidates
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# 32 MB of products and, at 2,048 features, as much of prepared bank rows.
QUERIES_AT_A_TIME, ROWS_AT_A_TIME = 2048, 4096


@dataclass(frozen=True)
class Side:
    """Features as they are to be compared; made ready a few rows at a time, so that no second copy is held."""

    features_ND: NDArray[np.float32]
    mean_D: NDArray[np.float32] | None = None
    """Subtracted from every row."""
    is_unit: bool = False
    """Rows are then scaled to unit length; a zero row stays zero."""

    def __len__(self) -> int:
        return len(self.features_ND)

    def rows(self, first: int, last: int) -> NDArray[np.float32]:
        rows = self.features_ND[first:last]
        if self.mean_D is not None:
            rows = rows - self.mean_D
            return unit(rows, out=rows) if self.is_unit else rows
        return unit(rows) if self.is_unit else rows


def unit(features_ND: NDArray[np.float32], out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
    """Rows scaled to unit length, into ``out`` if it is given; a zero row stays zero."""
    length_N = np.sqrt(np.einsum("nd,nd->n", features_ND, features_ND))
    scaled: NDArray[np.float32] = np.divide(
        features_ND, np.maximum(length_N, np.float32(1e-12))[:, None], out=out
    )
    return scaled


def nearest(query: Side, bank: Side, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The k bank rows of largest inner product, best first: places (Q, k) and products (Q, k).

    Of equal products the earlier row comes first. Raises ``ValueError`` for features that are no numbers.
    """
    place_Qk = np.zeros((len(query), k), np.int64)
    product_Qk = np.full((len(query), k), -np.inf, np.float32)
    held = np.empty(QUERIES_AT_A_TIME * max(ROWS_AT_A_TIME, k), np.float32)
    for first, last in _parts(len(bank), max(ROWS_AT_A_TIME, k)):
        rows_DP = bank.rows(first, last).T
        # Here, as a product that is no number would be larger than nothing and simply not be found.
        _refuse_no_numbers(rows_DP)
        for start, stop in _parts(len(query), QUERIES_AT_A_TIME):
            product_BP = held[: (stop - start) * (last - first)].reshape(stop - start, last - first)
            # numpy's own BLAS: torch's is an eighth slower here, and both share this memory anyway.
            np.matmul(query.rows(start, stop), rows_DP, out=product_BP)
            _take(product_BP, first, place_Qk[start:stop], product_Qk[start:stop])
    _refuse_no_numbers(product_Qk)
    return place_Qk, product_Qk


def _refuse_no_numbers(values: NDArray[np.float32]) -> None:
    if not np.isfinite(values).all():
        raise ValueError("The features hold values that are no numbers: choose another checkpoint")


def _parts(total: int, size: int) -> Iterator[tuple[int, int]]:
    return ((first, min(first + size, total)) for first in range(0, total, size))


def _take(
    product_BP: NDArray[np.float32],
    first: int,
    place_Bk: NDArray[np.int64],
    best_Bk: NDArray[np.float32],
) -> None:
    """Let the rows from ``first`` on into the best so far, in place."""
    k = best_Bk.shape[1]
    if first == 0:
        # Nobody is left out who may be among the k: all that equal the k-th come in as well.
        floor_B1 = np.nextafter(np.partition(product_BP, -k, axis=1)[:, -k, None], np.float32(-np.inf))
    else:
        floor_B1 = best_Bk[:, -1:]  # an equal one comes later, and stays out
    # Flat: numpy walks a matrix of truth values ten times as slowly.
    row_N, column_N = np.divmod(np.flatnonzero(product_BP > floor_B1), product_BP.shape[1])
    if not len(row_N):
        return
    count_B = np.bincount(row_N, minlength=len(best_Bk))
    slot_N = k + np.arange(len(row_N)) - np.repeat(np.cumsum(count_B) - count_B, count_B)
    some = np.flatnonzero(count_B)
    line_N = np.searchsorted(some, row_N)
    products = np.full((len(some), k + int(count_B.max())), -np.inf, np.float32)
    places = np.zeros(products.shape, np.int64)
    products[:, :k], places[:, :k] = best_Bk[some], place_Bk[some]
    products[line_N, slot_N], places[line_N, slot_N] = product_BP[row_N, column_N], first + column_N
    # Stable, and the columns are in order of place.
    order = np.argsort(-products, axis=1, kind="stable")[:, :k]
    best_Bk[some] = np.take_along_axis(products, order, axis=1)
    place_Bk[some] = np.take_along_axis(places, order, axis=1)
