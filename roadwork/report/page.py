"""The report: one HTML page that needs no network and no other file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from jinja2 import Environment

from roadwork.evaluate.metrics import BINS
from roadwork.evaluate.score import interval_name
from roadwork.report import numerals
from roadwork.report.ablation import Compared, belongs, compared
from roadwork.report.axis import Axis, axis_over
from roadwork.report.banners import banners_of
from roadwork.report.config import ReportConfig
from roadwork.report.confusion import confusion_rows
from roadwork.report.data_uri import svg_uri
from roadwork.report.facts import flat, shown
from roadwork.report.figures import figures_of
from roadwork.report.finetuning import distance
from roadwork.report.folds import Fold, fold_rows, spread
from roadwork.report.interval_text import above, equal, interval_text
from roadwork.report.run import Run
from roadwork.report.scores import (
    BASELINES,
    LOWER_IS_BETTER,
    METRICS,
    chosen,
    differences,
    scored_rows,
    strongest_baseline,
    verdict,
)
from roadwork.report.view_grid import view_grid
from roadwork.templates import html

Interval = Sequence[float] | None


def render(run: Run, config: ReportConfig) -> str:
    """The page. Equal runs give equal bytes."""
    card = run.scorecard
    suffix, percent = interval_name(card["confidence"]), f"{100 * card['confidence']:g} %"

    def ci(row: Mapping[str, Any], name: str) -> Interval:
        return row[f"{name}_{suffix}"]

    folds = fold_rows(run.folds, run.ensemble["members"], run.oof)
    ablation = None
    if run.ablation is not None and belongs(run.ablation, run.embed_images, run.ingest):
        ablation = compared(run.ablation)
    environment = _environment()
    environment.filters["ci"] = ci
    environment.filters["reach"] = lambda row, name: interval_text(row, name, ci(row, name), percent)
    environment.filters["above"] = lambda row, name: above(
        row[name], ci(row, name), row[f"{name}_probability_positive"]
    )
    return environment.get_template("page.html.j2").render(
        run=run,
        card=card,
        title=config.title,
        style=files("roadwork.report").joinpath("style.css").read_text(encoding="utf-8"),
        percent=percent,
        bins=BINS,
        metrics=METRICS,
        lower_is_better=LOWER_IS_BETTER,
        baselines=BASELINES,
        banners=banners_of(card, run.sections),
        rows=list(scored_rows(card)),
        differences=list(differences(card)),
        strongest=_strongest(card, ci),
        distance=distance(card, suffix),
        confusion=confusion_rows(run.plots["confusion"]),
        figures={name: svg_uri(svg) for name, svg in figures_of(run).items()},
        view_grids={
            quantity: view_grid(card["views"], quantity, run.sections["views"]["grid"])
            for quantity in ("deletion", "toward", "gate", "kept")
        },
        folds=folds,
        fold_spread=spread(folds),
        ablation=ablation,
        ablation_axis=_axis_of_ablation(ablation or []),
        **_axes(run, folds, ci),
    )


def _environment() -> Environment:
    environment = html("roadwork.report")
    environment.filters |= {
        "flat": flat, "shown": shown, "chosen": chosen, "score": numerals.score, "signed": numerals.signed,
        "interval": numerals.interval, "brackets": numerals.brackets, "percent": numerals.percent,
        "count": numerals.count, "short": numerals.short, "duration": numerals.duration,
    }  # fmt: skip
    return environment


def _strongest(card: Mapping[str, Any], ci: Any) -> dict[str, Any]:
    title, row = strongest_baseline(card)
    difference = row["difference"]
    pair = ci(difference, "mcc")
    return {"title": title, "row": row, "verdict": "equal" if equal(difference["mcc"], pair) else verdict(pair)}


def _axes(run: Run, folds: Sequence[Fold], ci: Any) -> dict[str, Any]:
    """One axis for each table of bars, long enough for every value and interval in it."""
    card = run.scorecard

    def over(rows: Sequence[Mapping[str, Any]], reach: tuple[float, ...]) -> Any:
        held = [value for row in rows for value in (row["mcc"], *(ci(row, "mcc") or ()))]
        return axis_over([value for value in held if value is not None], reach=reach)

    audit = card["leak_audit"]["fields"].values()
    inner = [fold.metrics[name] for fold in folds for name in ("inner_val_mcc", "inner_val_mcc_before")]
    return {
        "unit_axis": over([card["test"]["image_only"]], (0.0, 1.0)),
        "score_axis": over([line.row for line in scored_rows(card) if line.row is not None], (0.0, 1.0)),
        "difference_axis": over([line.row for line in differences(card)], (0.0,)),
        "leak_axis": over([found[kind] for found in audit for kind in ("alone", "null_alone")], (0.0, 1.0)),
        "subgroup_axis": over([row for parts in card["subgroups"].values() for row in parts.values()], (0.0, 1.0)),
        "fold_axis": axis_over([*inner, *(spread(folds) or ())], reach=(0.0, 1.0)),
    }


def _axis_of_ablation(rows: Sequence[Compared]) -> Axis:
    return axis_over([value for row in rows for value in (row.mcc, *(row.interval or ()))])
