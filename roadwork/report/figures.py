"""Every figure of the page, as SVG text by name."""

from __future__ import annotations

from roadwork.report.confusion import CLASSES, confusion_counts
from roadwork.report.curve_figures import fold_figures, near_figure, training_figures
from roadwork.report.decision_figures import precision_recall_figure, reliability_figure, roc_figure
from roadwork.report.run import Run


def figures_of(run: Run) -> dict[str, str]:
    """`roc` and `precision_recall` are left out where test holds one class, `near_share` where no curve of it is."""
    plots = run.plots
    figures = {
        "reliability": reliability_figure(plots["calibration_before"], plots["calibration"]),
        "oof_reliability": reliability_figure(plots["oof_calibration_before"], plots["oof_calibration"]),
    }
    if plots["roc"]:
        test, counts = run.scorecard["test"]["image_only"], confusion_counts(plots["confusion"])
        negatives, positives = (sum(counts[actual, said] for said in CLASSES) for actual in CLASSES)
        figures["roc"] = roc_figure(plots["roc"], (counts["none", "roadwork"] / negatives, test["recall"]))
        figures["precision_recall"] = precision_recall_figure(
            plots["precision_recall"], (test["recall"], test["precision"]), positives / (positives + negatives)
        )
    for name, svg in training_figures(run.curves, run.pretrain["best_epoch"]).items():
        figures[f"training_{name}"] = svg
    for name, svg in fold_figures(run.fold_curves).items():
        figures[f"folds_{name}"] = svg
    if "near_share" in run.curves:
        figures["near_share"] = near_figure(run.curves)
    return figures
