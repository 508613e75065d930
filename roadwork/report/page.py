"""The report: one HTML page that needs no network and no other file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic import Field

from roadwork.config import Section
from roadwork.evaluate.score import interval_name
from roadwork.evaluate.score_table import score_rows
from roadwork.report.data_uri import svg_uri
from roadwork.report.facts import flat
from roadwork.report.figures import (
    Points,
    intervals_figure,
    losses_figure,
    precision_recall_figure,
    reliability_figure,
    roc_figure,
    training_figure,
)


class ReportConfig(Section):
    """Section `report` of `params.yaml`."""

    title: str = Field(description="heading of the report", min_length=1)


@dataclass(frozen=True)
class Run:
    """What the page tells about; everything is as the stages wrote it.

    `plots`: points by curve of `metrics/plots/`. `folds`: metrics of each fine-tuned fold. `pictures`: data URIs by
    name (`contact_sheet`, `sampling`). `params`: the text of the parameter file, `backbone` and `sampling_setting` its
    sections.
    """

    scorecard: Mapping[str, Any]
    plots: Mapping[str, Sequence[Mapping[str, Any]]]
    curves: Mapping[str, Points]
    ingest: Mapping[str, Any]
    embed_images: Mapping[str, Any]
    sampling: Mapping[str, Any]
    pretrain: Mapping[str, Any]
    folds: Sequence[Mapping[str, Any]]
    ensemble: Mapping[str, Any]
    pictures: Mapping[str, str]
    backbone: Mapping[str, Any]
    sampling_setting: Mapping[str, Any]
    params: str
    versions: Mapping[str, str]


def render(run: Run, config: ReportConfig) -> str:
    """The page. Equal runs give equal bytes."""
    environment = Environment(
        loader=PackageLoader("roadwork.report", "."),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"flat": flat, "score": _score, "pair": _pair}
    confidence = run.scorecard["confidence"]
    return environment.get_template("page.html.j2").render(
        run=run,
        title=config.title,
        style=files("roadwork.report").joinpath("style.css").read_text(encoding="utf-8"),
        figures={name: svg_uri(svg) for name, svg in _figures(run).items()},
        rows=list(score_rows(dict(run.scorecard))),
        interval=interval_name(confidence),
        percent=f"{100 * confidence:g} %",
        confusion=_confusion(run.plots["confusion"]),
        untrained=run.backbone["weights"] == "random",
        transductive=run.sampling_setting["enabled"] and run.sampling_setting["reference"] == "test",
    )


def _figures(run: Run) -> dict[str, str]:
    headline = run.scorecard["test"]["image_only"]
    confusion = _confusion(run.plots["confusion"])
    negatives = confusion["none", "none"] + confusion["none", "roadwork"]
    positives = headline["n"] - negatives
    key = f"mcc_{interval_name(run.scorecard['confidence'])}"
    rows = [
        (title.partition(" (")[0], row["mcc"], row[key], title.startswith("baseline"))
        for title, row in score_rows(dict(run.scorecard))
        if row is not None
    ]
    figures = {
        "intervals": intervals_figure(rows),
        "reliability": reliability_figure(run.plots["calibration"]),
        "training": training_figure(run.curves),
        "losses": losses_figure(run.curves),
    }
    if run.plots["roc"]:
        fpr = confusion["none", "roadwork"] / negatives
        figures["roc"] = roc_figure(run.plots["roc"], (fpr, headline["recall"]))
        at = (headline["recall"], headline["precision"])
        figures["precision_recall"] = precision_recall_figure(
            run.plots["precision_recall"], at, positives / headline["n"]
        )
    return figures


def _confusion(images: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], int]:
    """Images by (actual, predicted)."""
    pairs = [(image["actual"], image["predicted"]) for image in images]
    return {(actual, said): pairs.count((actual, said)) for actual in _CLASSES for said in _CLASSES}


_CLASSES = ("none", "roadwork")


def _score(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _pair(interval: Sequence[float] | None) -> str:
    return "one block" if interval is None else f"{interval[0]:.3f} to {interval[1]:.3f}"
