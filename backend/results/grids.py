"""A table as text that leaves the house: CSV, LaTeX (booktabs) and Markdown."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from backend.checkpoints.card import escaped
from backend.results.views import Format, Measured, OwnTable, PaperTable

AVERAGED = (
    "Percent, mean ± standard deviation over n seeds; numbered splits are averaged for each seed before. "
    "The last checkpoint of a training counts."
)
MEDIA = {"csv": "text/csv", "latex": "application/x-tex", "markdown": "text/markdown"}
SUFFIXES = {"csv": "csv", "latex": "tex", "markdown": "md"}
_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{",
    "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$", "→": r"$\to$",
}  # fmt: skip


@dataclass(frozen=True)
class Grid:
    """Cells of text, with the sentences that belong under them."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


def said(cell: Measured | None, *, is_marked: bool = True) -> str:
    """As in '67.6 ± 0.3 (3)': mean, deviation and seeds; a star where the protocol differs."""
    if cell is None or (cell.mean is None and not cell.failed):
        return ""
    if cell.mean is None:
        return f"{cell.failed} of {cell.asked} failed"
    spread = "" if cell.std is None else f" ± {cell.std:.1f}"
    mark = "*" if cell.reasons and is_marked else ""
    failed = f", {cell.failed} of {cell.asked} failed" if cell.failed else ""
    splits = f", {cell.splits} splits" if cell.splits and cell.splits > 1 else ""
    lacking = f", {cell.left_out} without all splits" if cell.left_out else ""
    return f"{cell.mean:.1f}{spread}{mark} (n = {cell.n}{splits}{lacking}{failed})"


def printed(value: float) -> str:
    """A published number as it was printed: one decimal, or two where it has two."""
    return f"{value:.1f}" if round(value, 1) == value else f"{value:.2f}"


def of_paper(table: PaperTable) -> Grid:
    head = ("method", *(column.label for column in table.columns), "source")
    rows: list[tuple[str, ...]] = []
    notes: list[str] = []
    for row in table.published:
        name = " ".join(part for part in (row.method, row.label) if part)
        values = (row.values.get(column.key) for column in table.columns)
        rows.append((name, *("" if one is None else printed(one) for one in values), "published"))
    for own in table.ours:
        cells = (own.cells.get(column.key) for column in table.columns)
        failed = f", {own.failed} of {own.seeds} failed" if own.failed else ""
        rows.append((f"{own.name} ({own.experiment}{failed})", *(said(cell) for cell in cells), "ours"))
        notes += _reasons(own.name, table, own.cells)
    return Grid(table.title, head, tuple(rows), (f"Published: {table.source}.", f"Ours: {AVERAGED}", *notes))


def _reasons(name: str, table: PaperTable, cells: dict[str, Measured]) -> Iterable[str]:
    for column in table.columns:
        if (cell := cells.get(column.key)) and cell.reasons:
            yield f"* {name}, {column.label}: {'; '.join(cell.reasons)}."


def of_own(table: OwnTable) -> Grid:
    """Every column untrained and trained. A column's data set and protocol stand in the notes."""
    head = ["method", "experiment", "trunk", "epochs", "seeds"]
    for column in table.columns:
        head += [f"{column.label}, {column.dataset}, {when}" for when in ("untrained", "trained")]
    rows = []
    for row in table.rows:
        failed = f" ({row.failed} failed)" if row.failed else ""
        cells = [f"{row.name} ({row.method})", row.experiment, row.trunk, row.epochs, f"{row.seeds}{failed}"]
        for column in table.columns:
            cell = row.cells.get(column.key)
            cells += [said(cell.untrained), said(cell.trained)] if cell else ["", ""]
        rows.append(tuple(cells))
    notes = [AVERAGED, *(f"{column.label}, {column.dataset}: {column.protocol}." for column in table.columns)]
    return Grid("Our runs", tuple(head), tuple(rows), tuple(notes))


def as_csv(grid: Grid) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([_harmless(cell) for cell in grid.head])
    writer.writerows([[_harmless(cell) for cell in row] for row in grid.rows])
    return out.getvalue()


def _harmless(cell: str) -> str:
    """A cell that a spreadsheet does not compute."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t") else cell


def as_markdown(grid: Grid) -> str:
    lines = [f"## {escaped(grid.title)}", "", _line(map(escaped, grid.head)), "|" + " --- |" * len(grid.head)]
    lines += [_line(map(escaped, row)) for row in grid.rows]
    return "\n".join([*lines, "", *(escaped(note) for note in grid.notes)]) + "\n"


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def as_latex(grid: Grid) -> str:
    r"""A table for ``\usepackage{booktabs}``."""
    columns = "l" + "r" * (len(grid.head) - 1)
    lines = [r"\begin{table}", r"\centering", rf"\begin{{tabular}}{{{columns}}}", r"\toprule"]
    lines += [_tex_row(grid.head), r"\midrule", *(_tex_row(row) for row in grid.rows)]
    lines += [r"\bottomrule", r"\end{tabular}", rf"\caption{{{tex(grid.title)}. "]
    lines += [f"{tex(note)} " for note in grid.notes]
    return "\n".join([*lines, "}", r"\end{table}"]) + "\n"


def _tex_row(cells: Sequence[str]) -> str:
    return " & ".join(tex(cell) for cell in cells) + r" \\"


def tex(text: str) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in " ".join(text.split()))


WRITERS: dict[Format, Callable[[Grid], str]] = {
    "csv": as_csv,
    "latex": as_latex,
    "markdown": as_markdown,
}
