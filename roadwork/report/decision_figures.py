"""Figures of decisions and probabilities: ROC, precision over recall, reliability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

from roadwork.report.drawing import drawing
from roadwork.report.palette import BLUE, GREY, ORANGE, VERMILION

Points = Sequence[Mapping[str, float]]


def roc_figure(points: Points, at: tuple[float, float]) -> str:
    """True over false positive rate; `at` is where the decision threshold lies."""
    with drawing("ROC", height_in=4.5) as made:
        axes = _unit_square(made.axes, "false positive rate", "true positive rate")
        axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="chance")
        axes.plot([p["fpr"] for p in points], [p["tpr"] for p in points], color=BLUE, linewidth=2, label="head")
        axes.plot(*at, "o", color=VERMILION, markersize=8, markeredgecolor="white", label="decision threshold")
        axes.legend(loc="lower right")
    return made.svg


def precision_recall_figure(points: Points, at: tuple[float, float], share: float) -> str:
    """Precision over recall; `at` is (recall, precision) at the decision threshold, `share` that of roadwork."""
    with drawing("Precision and recall", height_in=4.5) as made:
        axes = _unit_square(made.axes, "recall", "precision")
        axes.axhline(share, color=GREY, linestyle=":", label="share of roadwork")
        recall, precision = [p["recall"] for p in points], [p["precision"] for p in points]
        axes.step(recall, precision, where="pre", color=BLUE, linewidth=2, label="head")
        axes.plot(*at, "o", color=VERMILION, markersize=8, markeredgecolor="white", label="decision threshold")
        axes.legend(loc="lower left")
    return made.svg


def reliability_figure(before: Points, after: Points) -> str:
    """Observed share of roadwork over predicted probability, before and after calibration.

    A mark's area grows with the images in its bin.
    """
    with drawing("Reliability", height_in=4.5) as made:
        axes = _unit_square(made.axes, "predicted probability", "observed share of roadwork")
        axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="perfectly calibrated")
        most = max(point["n"] for point in (*before, *after))
        for points, label, colour, marker, style in (
            (before, "before", ORANGE, "s", "--"),
            (after, "after", BLUE, "o", "-"),
        ):
            x, y = [point["predicted"] for point in points], [point["observed"] for point in points]
            area = [20 + 180 * point["n"] / most for point in points]
            axes.plot(x, y, color=colour, linewidth=1.4, linestyle=style)
            axes.scatter(x, y, s=area, color=colour, marker=marker, alpha=0.85, edgecolors="white", label=label)
        made.figure.legend(loc="outside upper left", ncols=3, columnspacing=1.0, handletextpad=0.4)
    return made.svg


def _unit_square(axes: Axes, x: str, y: str) -> Axes:
    axes.set(xlabel=x, ylabel=y, xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
    return axes
