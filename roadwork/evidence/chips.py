"""The figures of every view, where the view lies: tiles on the photograph, the others on a bracket beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import ImageDraw

from roadwork.evidence.boxes import Box, as_box, is_tile
from roadwork.evidence.colours import FAINT, Scale
from roadwork.evidence.plate import BADGE_PX, Lines, Run, draw_badge, draw_plate, plate_size
from roadwork.evidence.view import ViewEvidence
from roadwork.evidence.wording import change, gate, kept, logit

ROW_PX, COLUMN_PX = 46, 140
"""What a bracket takes beside the photograph: below it, or to its right."""

_DOWN = 0.27  # a tile's chip begins so far down its tile: below the usual overlap, above what stands on the road
_APART_PX = 8
_LEVELS = 4  # all tiles say equally much: as much as all have room for
_BESIDE_PX = BADGE_PX + 4
_THIN_PX, _THICK_PX, _TICK_PX, _DASH_PX = 2, 7, 9, 9


@dataclass(frozen=True)
class Figures:
    """Writes the figures of one photograph's views on a canvas."""

    draw: ImageDraw.ImageDraw
    scale: Scale
    numbers: Mapping[int, int]
    """Rank of the most telling views, from 1, by their place."""
    photograph: Box
    """Where the photograph lies on the canvas."""
    below: bool
    """Brackets lie below the photograph; otherwise to its right."""

    @staticmethod
    def have_room(boxes: NDArray[np.int32], views: Sequence[ViewEvidence]) -> bool:
        """Whether every tile of `boxes [view 4]` can carry its chip without covering a neighbour's."""
        tiles = [place for place, view in enumerate(views) if is_tile(view)]
        room = _room(boxes[tiles])
        return all(_fits([[_shortest(views[place])]], room) for place in tiles)

    def write_badges(self, boxes: NDArray[np.int32], views: Sequence[ViewEvidence]) -> None:
        """Only the numbers of the most telling tiles, where even these have room: the figures stand elsewhere."""
        room = _room(boxes[[is_tile(view) for view in views]])
        if min(room) < BADGE_PX:
            return
        for place, number in self.numbers.items():
            if is_tile(views[place]):
                left, top, right, bottom = as_box(boxes[place])
                middle = ((left + right) / 2, (top + bottom) / 2)
                draw_badge(self.draw, middle, number, self.scale.colour(views[place].deletion))

    def write(self, boxes: NDArray[np.int32], views: Sequence[ViewEvidence]) -> None:
        """Write the figures of `views`, whose `boxes [view 4]` are in pixels of the canvas and have room for them."""
        tiles = [place for place, view in enumerate(views) if is_tile(view)]
        room = _room(boxes[tiles])
        chips = {place: self._chips(views[place]) for place in tiles}
        level = next(n for n in range(_LEVELS) if all(_fits(chips[place][n], room) for place in tiles))
        for place in tiles:
            self._tile(as_box(boxes[place]), views[place], chips[place][level], place)
        others = [place for place in range(len(views)) if place not in tiles]
        for order, place in enumerate(others):
            self._bracket(as_box(boxes[place]), order, views[place], self.numbers.get(place))

    def _tile(self, box: Box, view: ViewEvidence, lines: Lines, place: int) -> None:
        left, top, right, bottom = box
        middle = min((top + bottom) / 2, top + _DOWN * (bottom - top) + plate_size(lines)[1] / 2)
        centre = ((left + right) / 2, middle)
        draw_plate(self.draw, centre, lines, self.scale.colour(view.deletion), self.numbers.get(place))

    def _chips(self, view: ViewEvidence) -> list[Lines]:
        """A tile's change of probability, gate and logit, and ever less of them: one text for each of `_LEVELS`."""
        if view.kept == 0:
            return [[[_shortest(view)]]] * _LEVELS
        colour = self.scale.colour(view.deletion)
        figure = [Run(change(view.deletion), 22, bold=True, ink=colour)]
        return [
            [figure, [Run(" · ".join(_inner(view)))]],
            [figure, *([Run(part)] for part in _inner(view))],
            [figure],
            [[_shortest(view)._replace(ink=colour)]],
        ]

    def _bracket(self, box: Box, order: int, view: ViewEvidence, number: int | None) -> None:
        """A view that isn't a tile: a bar as long as its box, name and figures on it or, if it is short, beside it."""
        colour = self.scale.colour(view.deletion)
        if self.below:
            start, end, low, high = box[0], box[2], self.photograph[0], self.photograph[2]
            middle = self.photograph[3] + 4 + order * ROW_PX + ROW_PX // 2
        else:
            start, end, low, high = box[1], box[3], self.photograph[1], self.photograph[3]
            middle = self.photograph[2] + 4 + order * COLUMN_PX + COLUMN_PX // 2
        thick = round(_THIN_PX + self.scale.strength(view.deletion) * (_THICK_PX - _THIN_PX))
        step = end - start if view.kept else 2 * _DASH_PX
        bars = [
            (at, middle - thick // 2, min(at + (step if view.kept else _DASH_PX), end), middle - thick // 2 + thick)
            for at in range(start, end, max(1, step))
        ]
        bars += [(at, middle - _TICK_PX, at + 2, middle + _TICK_PX) for at in (start, end - 2)]
        for x0, y0, x1, y1 in bars:
            self.draw.rectangle((x0, y0, x1 - 1, y1 - 1) if self.below else (y0, x0, y1 - 1, x1 - 1), fill=colour)
        parts = self._named(view)
        lines = [parts] if self.below else [[part] for part in parts]
        length = plate_size(lines)[0 if self.below else 1]
        along = (start + end) / 2
        if length > end - start - 2 * _TICK_PX:
            after = high - end > start - low
            along = end + _BESIDE_PX + length / 2 if after else start - _BESIDE_PX - length / 2
            along = min(max(along, low + length / 2), high - length / 2)
        draw_plate(self.draw, (along, middle) if self.below else (middle, along), lines, colour, number)

    def _named(self, view: ViewEvidence) -> list[Run]:
        name = Run(view.name, 16, bold=True)
        if view.kept == 0:
            return [name, Run("pruned", ink=FAINT)]
        figure = Run(change(view.deletion), 20, bold=True, ink=self.scale.colour(view.deletion))
        return [name, figure, *map(Run, _inner(view))]


def _shortest(view: ViewEvidence) -> Run:
    """The least that a tile's chip says."""
    return Run("pruned", ink=FAINT) if view.kept == 0 else Run(change(view.deletion), bold=True)


def _inner(view: ViewEvidence) -> list[str]:
    return [gate(view), logit(view), *kept(view)]


def _fits(lines: Lines, room_px: tuple[float, float]) -> bool:
    width, height = plate_size(lines)
    return width <= room_px[0] and height <= room_px[1]


def _room(tiles: NDArray[np.int32]) -> tuple[float, float]:
    """How far apart the middles of neighbouring tiles are, across and down: a chip may not be larger.

    None at all where tiles share a middle, as those of a photograph of a pixel or two do.
    """
    middles = (tiles[:, :2] + tiles[:, 2:]) / 2
    if len(np.unique(middles, axis=0)) < len(tiles):
        return 0.0, 0.0

    def apart(axis: int) -> float:
        steps = np.diff(np.unique(middles[:, axis]))
        return float(steps.min() if len(steps) else (tiles[:, axis + 2] - tiles[:, axis]).min()) - _APART_PX

    return apart(0), apart(1)
