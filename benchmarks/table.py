"""The rows as a table: for a terminal, and for the page."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from benchmarks.row import Row

_HEAD = ("what", "measured", "lowest to highest", "wanted", "")


def verdict(row: Row) -> str:
    """`met`, `NOT met`, `not measured`, or nothing where nothing is asked."""
    if row.figure is None:
        return "not measured"
    return {True: "met", False: "NOT met", None: ""}[row.met]


def terminal_table(name: str, rows: Sequence[Row]) -> Table:
    """A table of one benchmark."""
    table = Table(*_HEAD, title=name, title_justify="left", title_style="bold")
    for row in rows:
        table.add_row(*_cells(row))
    return table


def summary(rows: Sequence[Row]) -> str:
    """How many of the targets are met, and the names of those that aren't."""
    asked = [row for row in rows if row.target is not None]
    met = sum(row.met is True for row in asked)
    lines = [f"{met} of {len(asked)} targets are met"]
    lines += [f"  {verdict(row)}: {row.name}" for row in asked if not row.met]
    return "\n".join(lines)


def markdown_table(rows: Sequence[Row]) -> str:
    """The same as Markdown."""
    lines = ["| " + " | ".join(_HEAD[:-1]) + " | verdict |", "|" + "---|" * len(_HEAD)]
    return "\n".join(
        lines + ["| " + " | ".join(cell.replace("|", "\\|") for cell in _cells(row)) + " |" for row in rows]
    )


def _cells(row: Row) -> tuple[str, ...]:
    spread = "" if row.low is None or row.high is None else f"{_number(row.low)} to {_number(row.high)}"
    target = "" if row.target is None else f"{row.target.kind} {_number(row.target.value)}"
    figure = "–" if row.figure is None else f"{_told(row, row.figure)} {row.unit}".strip()
    what = row.what if not row.note else f"{row.what} ({row.note})"
    return what, figure, spread, target, verdict(row)


def _told(row: Row, figure: float) -> str:
    """The figure; with a digit more where it would read like a target that it misses."""
    told = _number(figure)
    missed = row.target is not None and row.met is False and told == _number(row.target.value)
    return _number(figure, digits=4) if missed else told


def _number(value: float, *, digits: int = 3) -> str:
    """Three significant digits, whole numbers whole, thousands set apart."""
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"
