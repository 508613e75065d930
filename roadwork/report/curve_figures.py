"""Figures of quantities by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from matplotlib.ticker import MaxNLocator, ScalarFormatter

from roadwork.report.curves import Curves, Points
from roadwork.report.drawing import drawing
from roadwork.report.palette import BLUE, GREEN, INK, ORANGE, PURPLE, SKY, VERMILION

_FOLD_LOOKS = (
    (BLUE, "-", "o"), (VERMILION, "--", "s"), (GREEN, "-.", "^"), (PURPLE, ":", "D"), (ORANGE, "-", "v"),
    (SKY, "--", "P"), (INK, "-.", "X"),
)  # fmt: skip
_MARKED_UP_TO = 40
_SHORT_LABEL = 8
_POWERS = (-3, 4)  # of ten, beyond which one stands beside the axis
_PARTS = ("train/focal", "train/consistency", "train/weather")


class Line(NamedTuple):
    """One quantity of a figure."""

    label: str
    points: Points
    colour: str
    style: str
    marker: str


def training_figures(curves: Curves, best_epoch: int) -> dict[str, str]:
    """Loss, MCC, learning rate and the parts of the loss of one training, with its best epoch marked."""

    def line(label: str, name: str, colour: str, style: str, marker: str) -> Line:
        return Line(label, curves.get(name, ()), colour, style, marker)

    return {
        "loss": curve_figure(
            "focal loss",
            [line("train", "train/focal", BLUE, "-", "o"), line("validation", "val/loss", VERMILION, "--", "s")],
            best_epoch,
        ),
        "mcc": curve_figure(
            "MCC on validation",
            [
                line("image only", "val/mcc_image_only", BLUE, "-", "o"),
                line("with metadata", "val/mcc_with_metadata", ORANGE, "--", "s"),
            ],
            best_epoch,
            to_one=True,
        ),
        "learning_rate": curve_figure("learning rate", [line("", "learning_rate", GREEN, "-", "o")], best_epoch),
        "parts": curve_figure(
            "loss on train, unweighted",
            [
                line("focal", "train/focal", BLUE, "-", "o"),
                line("consistency", "train/consistency", PURPLE, "--", "s"),
                line("weather", "train/weather", GREEN, "-.", "^"),
            ],
            best_epoch,
            scale="symlog" if any(value <= 0 for name in _PARTS for _, value in curves.get(name, ())) else "log",
        ),
    }


def fold_figures(folds: Mapping[int, Curves]) -> dict[str, str]:
    """Inner-validation loss and MCC and the learning rate of every fold by epoch; epoch 0 is before fine-tuning."""

    def lines(name: str) -> list[Line]:
        looks = (_FOLD_LOOKS[place % len(_FOLD_LOOKS)] for place in range(len(folds)))
        return [
            Line(f"fold {fold}", curves.get(name, ()), *look)
            for (fold, curves), look in zip(folds.items(), looks, strict=True)
        ]

    return {
        "loss": curve_figure("focal loss on inner validation", lines("val/loss")),
        "mcc": curve_figure("MCC on inner validation", lines("val/mcc_image_only"), to_one=True),
        "learning_rate": curve_figure("learning rate", lines("learning_rate")),
    }


def near_figure(curves: Curves) -> str:
    """The share of each epoch's photographs that lie near a cluster."""
    return curve_figure("share near a cluster", [Line("", curves["near_share"], BLUE, "-", "o")], to_one=True)


def curve_figure(
    quantity: str, lines: Sequence[Line], best_epoch: int | None = None, *, scale: str = "linear", to_one: bool = False
) -> str:
    """`quantity` over epochs, a line each; lines without points are left out.

    `scale` is that of the quantity; with `to_one` its axis goes from 0, or the least value, to 1.
    """
    with drawing(quantity) as made:
        axes = made.axes
        axes.set(xlabel="epoch", ylabel=quantity, yscale=scale)
        if scale == "linear":
            axes.yaxis.set_major_formatter(_Ticks())
        for line in lines:
            if not line.points:
                continue
            marker = line.marker if len(line.points) < _MARKED_UP_TO else None
            epochs, values = zip(*line.points, strict=True)
            axes.plot(
                epochs, values, color=line.colour, linestyle=line.style, linewidth=1.8, marker=marker, markersize=4,
                label=line.label or None,
            )  # fmt: skip
        if best_epoch is not None:
            axes.axvline(best_epoch, color=INK, linewidth=1, linestyle=(0, (2, 2)), label="best epoch")
        if to_one:
            values = [value for line in lines for _, value in line.points]
            axes.set_ylim(min([0.0, *values]) - 0.03, 1.03)
        if axes.get_legend_handles_labels()[0]:
            short = all(len(str(label)) < _SHORT_LABEL for label in axes.get_legend_handles_labels()[1])
            made.figure.legend(loc="outside upper left", ncols=3 if short else 2, columnspacing=1.2)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return made.svg


class _Ticks(ScalarFormatter):
    """Plain digits at the ticks. Only a power of ten is set as mathematics, which takes long to lay out."""

    def __init__(self) -> None:
        super().__init__(useMathText=False)
        self.set_powerlimits(_POWERS)

    def get_offset(self) -> str:
        self.set_useMathText(True)
        try:
            return super().get_offset()
        finally:
            self.set_useMathText(False)
