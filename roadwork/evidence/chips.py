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

    def write(self, boxes: NDArray[np.int32], views: Sequence[ViewEvidence]) -> None:
        """Write the figures of `views`, whose `boxes [view 4]` are in pixels of the canvas."""
        tiles = [place for place, view in enumerate(views) if is_tile(view)]
        room = _room(boxes[tiles])
        chips = {place: self._chips(views[place]) for place in tiles}
        kept_tiles = [place for place in tiles if views[place].kept > 0]
        level = next((n for n in range(_LEVELS) if all(_fits(chips[place][n], room) for place in kept_tiles)), None)
        for place in tiles:
            self._tile(as_box(boxes[place]), views[place], None if level is None else chips[place][level], room, place)
        others = [place for place in range(len(views)) if place not in tiles]
        for order, place in enumerate(others):
            self._bracket(as_box(boxes[place]), order, views[place], self.numbers.get(place))

    def _tile(
        self, box: Box, view: ViewEvidence, lines: Lines | None, room_px: tuple[float, float], place: int
    ) -> None:
        """A tile's chip; where there is no room, only the number of a most telling one."""
        left, top, right, bottom = box
        colour, number, across = self.scale.colour(view.deletion), self.numbers.get(place), (left + right) / 2
        if lines is not None and _fits(lines, room_px):
            middle = min((top + bottom) / 2, top + _DOWN * (bottom - top) + plate_size(lines)[1] / 2)
            draw_plate(self.draw, (across, middle), lines, colour, number)
        elif number is not None:
            draw_badge(self.draw, (across, (top + bottom) / 2), number, colour)

    def _chips(self, view: ViewEvidence) -> list[Lines]:
        """A tile's change of probability, gate and logit, and ever less of them: one text for each of `_LEVELS`."""
        if view.kept == 0:
            return [[[Run("pruned", ink=FAINT)]]] * _LEVELS
        colour, text = self.scale.colour(view.deletion), change(view.deletion)
        figure = [Run(text, 22, bold=True, ink=colour)]
        return [
            [figure, [Run(" · ".join(_inner(view)))]],
            [figure, *([Run(part)] for part in _inner(view))],
            [figure],
            [[Run(text, bold=True, ink=colour)]],
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


def _inner(view: ViewEvidence) -> list[str]:
    return [gate(view), logit(view), *kept(view)]


def _fits(lines: Lines, room_px: tuple[float, float]) -> bool:
    width, height = plate_size(lines)
    return width <= room_px[0] and height <= room_px[1]


def _room(tiles: NDArray[np.int32]) -> tuple[float, float]:
    """How far apart the middles of neighbouring tiles are, across and down: a chip may not be larger."""

    def apart(start: NDArray[np.int32], end: NDArray[np.int32]) -> float:
        middles = np.unique(start + end) / 2
        return float(np.diff(middles).min() if len(middles) > 1 else (end - start).min()) - _APART_PX

    return apart(tiles[:, 0], tiles[:, 2]), apart(tiles[:, 1], tiles[:, 3])
