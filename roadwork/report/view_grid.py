"""One quantity of every view, laid out as the views lie in a photograph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from roadwork.report.numerals import percent, score, signed
from roadwork.report.palette import BLUE, VERMILION, ink_on, mixed
from roadwork.views.geometry import view_names

_DEEPEST = 0.65


@dataclass(frozen=True)
class Cell:
    """A view with its value as text, on `fill` with the ink that reads best there."""

    name: str
    text: str
    fill: str
    ink: str


@dataclass(frozen=True)
class ViewGrid:
    """`tiles [row column]` as they lie in the photograph; `whole` are global, center and right."""

    tiles: Sequence[Sequence[Cell]]
    whole: Sequence[Cell]


def view_grid(views: Mapping[str, Mapping[str, Any]], quantity: str, grid: int) -> ViewGrid:
    """`quantity` (gate, kept, deletion or toward) of the scorecard's `views`; the deeper the colour the more.

    White is 0. `toward` has a sign: vermilion speaks for roadwork, blue against it.
    """
    names = view_names(grid)
    values = {name: views[name][quantity] for name in names}
    largest = max((abs(value) for value in values.values() if value is not None), default=0.0)

    def cell(name: str) -> Cell:
        value = values[name]
        share = abs(value) / largest if value is not None and largest else 0.0
        colour = VERMILION if quantity == "toward" and value is not None and value > 0 else BLUE
        fill = mixed(colour, _DEEPEST * share)
        return Cell(name, _TEXT[quantity](value), fill, ink_on(fill))

    tiles = names[1 : 1 + grid * grid]
    rows = [[cell(name) for name in tiles[row * grid : (row + 1) * grid]] for row in range(grid)]
    return ViewGrid(rows, [cell(name) for name in ("global", "center", "right")])


_TEXT = {"gate": score, "kept": percent, "deletion": score, "toward": signed}
