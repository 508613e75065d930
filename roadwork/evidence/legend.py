"""What the colours, lines and figures of an overlay mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from PIL import Image, ImageDraw

from roadwork.evidence.colours import AGAINST, FAINT, MIST, NEUTRAL, PAPER, TOWARD, Scale, mixed
from roadwork.evidence.plate import BADGE_PX, Run, draw_badge, line_width, write_line
from roadwork.evidence.wording import signed

_ROW_PX, _GAP_PX, _KEY_GAP_PX, _PAD_PX = 34, 36, 10, 12
_RAMP_PX, _PRUNED_PX = 180, 54

Place = tuple[int, int]


class _Item(NamedTuple):
    key_px: int
    draw: Callable[[ImageDraw.ImageDraw, Place], None]
    line: list[Run]

    @property
    def width_px(self) -> float:
        return self.key_px + (_KEY_GAP_PX if self.key_px else 0) + line_width(self.line)


def legend(width_px: int, scale: Scale, *, views: int, telling: int) -> Image.Image:
    """`width_px` wide and as high as it takes; `telling` views are enlarged."""
    rows = _rows(_items(scale, views, telling), width_px)
    picture = Image.new("RGB", (width_px, len(rows) * _ROW_PX + 2 * _PAD_PX), PAPER)
    draw = ImageDraw.Draw(picture)
    draw.line((0, 0, width_px, 0), fill=mixed(FAINT, 0.4), width=1)
    for row, items in enumerate(rows):
        x, middle = 0.0, _PAD_PX + row * _ROW_PX + _ROW_PX // 2
        for item in items:
            item.draw(draw, (round(x), middle))
            write_line(draw, (x + item.width_px - line_width(item.line), middle + 6), item.line)
            x += item.width_px + _GAP_PX
    return picture


def _items(scale: Scale, views: int, telling: int) -> list[_Item]:
    largest = f"{scale.largest:.2f}"

    def ramp(draw: ImageDraw.ImageDraw, place: Place) -> None:
        x, y = place
        for step in range(_RAMP_PX):
            share = 2 * step / (_RAMP_PX - 1) - 1
            colour = mixed(TOWARD if share > 0 else AGAINST, 0.12 + 0.88 * abs(share))
            draw.line((x + step, y - 9, x + step, y + 9), fill=colour)

    def pruned(draw: ImageDraw.ImageDraw, place: Place) -> None:
        x, y = place
        draw.rectangle((x, y - 11, x + _PRUNED_PX, y + 11), fill=MIST)
        for offset in range(-11, _PRUNED_PX, 12):
            low, high = max(0, -offset), min(22, _PRUNED_PX - offset)
            draw.line((x + offset + low, y + 11 - low, x + offset + high, y + 11 - high), fill=NEUTRAL, width=1)
        for at in range(x, x + _PRUNED_PX, 12):
            for side in (y - 11, y + 10):
                draw.rectangle((at, side, min(at + 6, x + _PRUNED_PX), side + 1), fill=NEUTRAL)

    def badge(draw: ImageDraw.ImageDraw, place: Place) -> None:
        draw_badge(draw, (place[0] + BADGE_PX // 2, place[1]), 1, NEUTRAL)

    items = [
        _Item(
            _RAMP_PX,
            ramp,
            [
                Run(f"{signed(-scale.largest, 2)} … +{largest}", 16, bold=True),
                Run(f"probability with all {views} views minus without this one", 16),
            ],
        ),
        _words(Run("orange speaks for roadwork,", 16, ink=TOWARD), Run("blue against it", 16, ink=AGAINST)),
        _Item(_PRUNED_PX, pruned, [Run("pruned: dropped by the head, withholding it changes nothing", 16)]),
    ]
    if telling:
        items.append(_Item(BADGE_PX, badge, [Run("most telling, enlarged", 16)]))
    return [
        *items,
        _words(Run("gate", 16, bold=True), Run("weight in the fusion of the views, 0 to 1", 16)),
        _words(
            Run("logit", 16, bold=True),
            Run("margin of the view's own classifier, only to be compared between views of one photograph", 16),
        ),
    ]


def _words(*line: Run) -> _Item:
    """An item without a picture."""
    return _Item(0, lambda draw, place: None, list(line))


def _rows(items: list[_Item], width_px: int) -> list[list[_Item]]:
    rows: list[list[_Item]] = [[]]
    for item in items:
        taken = sum(other.width_px + _GAP_PX for other in rows[-1])
        if rows[-1] and taken + item.width_px > width_px:
            rows.append([])
        rows[-1].append(item)
    return rows
