"""The strip above the photograph: verdict, probability, and which photograph it is."""

from __future__ import annotations

from functools import cache

from matplotlib.ft2font import FT2Font
from PIL import Image, ImageDraw

from roadwork.evidence.colours import AGAINST, FAINT, INK, PAPER, TOWARD, mixed
from roadwork.evidence.plate import Run, line_width, write_line
from roadwork.views.font import sans

_TITLE_PX, _LINE_PX = 96, 26
_GAUGE_PX, _BAR_PX = 380, 16
_ELLIPSIS = "…"


def title_strip(width_px: int, *, probability: float, name: str, about: str) -> Image.Image:
    """`width_px` wide: left the verdict over `name` and `about`, right the probability on a scale.

    `name` gets a line of its own, the strip being higher, where it has no room beside `about`.
    """
    aside = Run(about, 17, ink=FAINT)
    title = Run(written(name), 17)
    beside = line_width([title, aside]) <= width_px - _GAUGE_PX - 40
    picture = Image.new("RGB", (width_px, _TITLE_PX + (0 if beside else _LINE_PX)), PAPER)
    draw = ImageDraw.Draw(picture)
    verdict, colour = ("roadwork", TOWARD) if probability >= 0.5 else ("no roadwork", AGAINST)
    write_line(draw, (0, 40), [Run(verdict, 38, bold=True, ink=colour), Run(f"{probability:.3f}", 38, ink=INK)])
    if beside:
        write_line(draw, (1, 76), [title, aside])
    else:
        write_line(draw, (1, 76), [aside])
        write_line(draw, (1, 76 + _LINE_PX), [_shortened(title.text, title, width_px - 2)])
    _gauge(draw, width_px - _GAUGE_PX, probability)
    return picture


def written(text: str) -> str:
    r"""`text` with every character that the typeface lacks as its escape: `道` becomes `\u9053`."""
    known = _characters()
    return "".join(letter if ord(letter) in known else ascii(letter)[1:-1] for letter in text)


@cache
def _characters() -> frozenset[int]:
    """What the typeface can draw."""
    return frozenset(FT2Font(str(sans(17).path)).get_charmap())


def _gauge(draw: ImageDraw.ImageDraw, left: int, probability: float) -> None:
    """A bar from 0 to 1, the decision boundary in its middle, a mark at `probability`."""
    top, inset = 30, 14
    start, end = left + inset, left + _GAUGE_PX - inset
    middle = (start + end) // 2
    draw.rectangle((start, top, middle - 1, top + _BAR_PX), fill=mixed(AGAINST, 0.3))
    draw.rectangle((middle, top, end, top + _BAR_PX), fill=mixed(TOWARD, 0.3))
    x = start + probability * (end - start)
    colour = TOWARD if probability >= 0.5 else AGAINST
    low, high = sorted((float(middle), x))
    draw.rectangle((low, top, high, top + _BAR_PX), fill=colour)
    draw.line((middle, top - 5, middle, top + _BAR_PX + 5), fill=INK, width=2)
    draw.polygon([(x, top + 1), (x - 9, top - 15), (x + 9, top - 15)], fill=INK)
    base = top + _BAR_PX + 24
    for text, at in (("0", start), ("0.5", middle), ("1", end)):
        run = [Run(text, 15, ink=FAINT)]
        write_line(draw, (at - line_width(run) / 2, base), run)


def _shortened(text: str, style: Run, room_px: float) -> Run:
    """`text` in one line of `room_px`, its beginning left out where it is too long: a file's name stands at the end."""
    run = style._replace(text=text)
    while line_width([run]) > room_px and len(text) > 1:
        text = text[1:]
        run = style._replace(text=_ELLIPSIS + text)
    return run
