"""The report's figures as SVG text. Equal data give equal bytes: no dates, salted ids, text as outlines."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from roadwork.report.palette import BLUE, GREEN, GREY, INK, LINE, ORANGE, PURPLE, VERMILION

_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "roadwork", "svg.fonttype": "path", "font.size": 11, "axes.spines.top": False,
    "axes.spines.right": False, "axes.edgecolor": GREY, "axes.labelcolor": INK, "text.color": INK,
    "xtick.color": INK, "ytick.color": INK, "axes.grid": True, "grid.color": LINE, "grid.linewidth": 0.7,
    "axes.axisbelow": True, "legend.frameon": False, "axes.titlesize": 11, "axes.titleweight": "bold",
    "axes.titlelocation": "left",
}  # fmt: skip

Points = Sequence[tuple[int, float]]


def intervals_figure(rows: Sequence[tuple[str, float, Sequence[float] | None, bool]]) -> str:
    """MCC with its interval per row: (title, mcc, interval or None, whether it is a baseline)."""
    with rc_context(_STYLE):
        figure = Figure(figsize=(7.2, 0.9 + 0.42 * len(rows)), layout="constrained")
        axes = figure.subplots()
        for place, (_, mcc, interval, baseline) in enumerate(rows):
            colour, marker = (GREY, "s") if baseline else (BLUE, "o")
            if interval is not None:
                axes.plot(interval, [place, place], color=colour, linewidth=2.5, solid_capstyle="round")
            axes.plot([mcc], [place], marker, color=colour, markersize=8, markeredgecolor="white")
        axes.axvline(0, color=INK, linewidth=1, linestyle=":")
        axes.set(yticks=range(len(rows)), yticklabels=[row[0] for row in rows], xlabel="MCC")
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.grid(visible=False, axis="y")
        return _svg(figure, "MCC with intervals")


def roc_figure(points: Sequence[Mapping[str, float]], at: tuple[float, float]) -> str:
    """True over false positive rate; `at` is where the decision threshold lies."""
    with rc_context(_STYLE):
        figure, axes = _square("false positive rate", "true positive rate")
        axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="chance")
        axes.plot([p["fpr"] for p in points], [p["tpr"] for p in points], color=BLUE, linewidth=2, label="head")
        axes.plot(*at, "o", color=VERMILION, markersize=8, markeredgecolor="white", label="decision threshold")
        axes.legend(loc="lower right")
        return _svg(figure, "ROC")


def precision_recall_figure(points: Sequence[Mapping[str, float]], at: tuple[float, float], share: float) -> str:
    """Precision over recall; `at` is (recall, precision) at the decision threshold, `share` that of roadwork."""
    with rc_context(_STYLE):
        figure, axes = _square("recall", "precision")
        axes.axhline(share, color=GREY, linestyle=":", label="share of roadwork")
        recall, precision = [p["recall"] for p in points], [p["precision"] for p in points]
        axes.step(recall, precision, where="pre", color=BLUE, linewidth=2, label="head")
        axes.plot(*at, "o", color=VERMILION, markersize=8, markeredgecolor="white", label="decision threshold")
        axes.legend(loc="lower left")
        return _svg(figure, "Precision and recall")


def reliability_figure(bins: Sequence[Mapping[str, float]]) -> str:
    """Observed share of roadwork over predicted probability, a disc's area growing with the images in its bin."""
    with rc_context(_STYLE):
        figure, axes = _square("predicted probability", "observed share of roadwork")
        axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="perfectly calibrated")
        x, y, n = ([b[key] for b in bins] for key in ("predicted", "observed", "n"))
        axes.plot(x, y, color=BLUE, linewidth=1)
        area = [30 + 400 * count / max(n) for count in n]
        axes.scatter(x, y, s=area, color=BLUE, alpha=0.75, edgecolors="white", label="head (area: images)")
        axes.legend(loc="upper left", markerscale=0.5)
        return _svg(figure, "Reliability")


def training_figure(curves: Mapping[str, Points]) -> str:
    """Loss, validation MCC and learning rate over epochs, side by side."""
    panels = (
        ("Focal loss", {"train/focal": ("train", BLUE, "-"), "val/loss": ("validation", VERMILION, "--")}),
        (
            "Validation MCC",
            {
                "val/mcc_image_only": ("image only", BLUE, "-"),
                "val/mcc_with_metadata": ("with metadata", ORANGE, "--"),
            },
        ),
        ("Learning rate", {"learning_rate": ("", GREEN, "-")}),
    )
    with rc_context(_STYLE):
        figure = Figure(figsize=(10.5, 3.2), layout="constrained")
        for axes, (title, lines) in zip(figure.subplots(1, len(panels)), panels, strict=True):
            _lines(axes, title, curves, lines)
        return _svg(figure, "Training curves")


def losses_figure(curves: Mapping[str, Points]) -> str:
    """The three unweighted parts of the training loss over epochs."""
    lines = {
        "train/focal": ("focal", BLUE, "-"),
        "train/consistency": ("consistency", PURPLE, "--"),
        "train/weather": ("weather", GREEN, "-."),
    }
    with rc_context(_STYLE):
        figure = Figure(figsize=(5.2, 3.2), layout="constrained")
        _lines(figure.subplots(), "Parts of the training loss", curves, lines)
        return _svg(figure, "Loss parts")


def _lines(axes: Axes, title: str, curves: Mapping[str, Points], lines: Mapping[str, tuple[str, str, str]]) -> None:
    axes.set(title=title, xlabel="epoch")
    for name, (label, colour, style) in lines.items():
        points = curves.get(name, ())
        marker = "o" if len(points) < 40 else None
        x, y = [step for step, _ in points], [value for _, value in points]
        axes.plot(x, y, color=colour, linestyle=style, linewidth=2, marker=marker, markersize=4, label=label)
    if any(label for label, _, _ in lines.values()):
        axes.legend()
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _square(x: str, y: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(4.4, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.set(xlabel=x, ylabel=y, xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    return figure, axes


def _svg(figure: Figure, title: str) -> str:
    stream = io.StringIO()
    metadata: dict[str, Any] = {"Date": None, "Creator": None, "Title": title}
    figure.savefig(stream, format="svg", metadata=metadata)
    return stream.getvalue()
