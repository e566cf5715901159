"""Numbers, times and tables in words, for terminals."""

from collections.abc import Sequence
from datetime import datetime

from backend.db import now

UNITS = (("d", 86_400), ("h", 3600), ("min", 60))


def as_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell. Without rows, the head alone."""
    every = [list(head), *map(list, rows)] if head else [list(row) for row in rows]
    if not every:
        return ""
    widths = [max(len(row[column]) for row in every) for column in range(len(every[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in every]
    return "\n".join(line.rstrip() for line in lines)


def number(value: float | None) -> str:
    """Four digits that mean something."""
    return "" if value is None else f"{value:.4g}"


def duration_words(seconds: float) -> str:
    """The two largest units: 1 h 5 min, 2 min 3 s, 4 s."""
    left, words = round(seconds), list[str]()
    for unit, size in UNITS:
        if left >= size or words:
            words.append(f"{left // size} {unit}")
            left %= size
    words.append(f"{left} s")
    return " ".join(words[:2])


def bytes_words(size: int) -> str:
    amount, unit = float(size), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:.3g} {unit}"


def age(moment: datetime | None) -> str:
    return "never" if moment is None else f"{duration_words((now() - moment).total_seconds())} ago"
