"""How every figure is drawn: one look, and SVG whose bytes depend on the data alone."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from roadwork.report.palette import GREY, INK, LINE

_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "roadwork", "svg.fonttype": "path", "font.size": 11, "axes.spines.top": False,
    "axes.spines.right": False, "axes.edgecolor": GREY, "axes.labelcolor": INK, "text.color": INK,
    "xtick.color": INK, "ytick.color": INK, "axes.grid": True, "grid.color": LINE, "grid.linewidth": 0.7,
    "axes.axisbelow": True, "legend.frameon": False, "legend.fontsize": 10, "axes.titlesize": 11,
    "axes.titleweight": "bold", "axes.titlelocation": "left",
}  # fmt: skip


class Drawing:
    """A figure in the making; `svg` is its text once the `drawing` is over. No dates, text as outlines."""

    def __init__(self, figure: Figure, axes: Axes) -> None:
        self.figure, self.axes, self.svg = figure, axes, ""


@contextmanager
def drawing(title: str, *, width_in: float = 4.6, height_in: float = 3.2) -> Iterator[Drawing]:
    """A figure of one panel in the report's look. Its width is a phone's, so that its text stays readable there."""
    with rc_context(_STYLE):
        figure = Figure(figsize=(width_in, height_in), layout="constrained")
        FigureCanvasSVG(figure)  # text is measured as it will be drawn
        made = Drawing(figure, figure.subplots())
        yield made
        # `savefig` would draw everything once more to lay it out.
        ConstrainedLayoutEngine().execute(figure)
        figure.set_layout_engine("none")
        stream = io.StringIO()
        metadata: dict[str, Any] = {"Date": None, "Creator": None, "Title": title}
        figure.savefig(stream, format="svg", metadata=metadata)
        made.svg = stream.getvalue()
