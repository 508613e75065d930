"""The rows of the scorecard in the order of what may be claimed, with the words that go with each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

METRICS = {"mcc": "MCC", "auroc": "AUROC", "auprc": "AUPRC", "f1": "F1", "accuracy": "accuracy", "ece": "ECE",
           "brier": "Brier"}  # fmt: skip
"""Scores that have an interval, in the order of the table, by their heading."""

LOWER_IS_BETTER = ("ece", "brier")

BASELINES = {
    "majority": ("majority", "the share of roadwork in train, for every photograph alike"),
    "metadata_only": (
        "metadata only",
        "logistic regression on position, weather, daytime, scene and sentence, and on which of them is known; it "
        "never sees a photograph",
    ),
    "linear_probe_mean": ("linear probe, mean of views", "logistic regression on the mean of the views' embeddings"),
    "linear_probe_global": (
        "linear probe, global view",
        "logistic regression on the whole photograph's embedding",
    ),
    "linear_probe_mean_max": (
        "linear probe, mean ⊕ max",
        "logistic regression on the mean and the largest value of each dimension over the views",
    ),
    "nearest_neighbours": (
        "nearest neighbours",
        "vote of the k training photographs whose mean embedding is nearest by cosine",
    ),
    "attention_mil": (
        "attention MIL",
        "gated attention pooling over the views (Ilse et al. 2018): one attention layer and a linear classifier",
    ),
}
"""Title and description of each baseline."""


class Scored(NamedTuple):
    """One row: `kind` is headline, system, adapted, holdout or baseline; `row` is None where it can't be measured."""

    kind: str
    title: str
    note: str
    row: Mapping[str, Any] | None


class Difference(NamedTuple):
    """A paired difference: `row` as `roadwork.evaluate.score.difference_row` gives it."""

    kind: str
    title: str
    row: Mapping[str, Any]


def scored_rows(card: Mapping[str, Any]) -> Iterator[Scored]:
    """Every row of the scorecard."""
    test, adapted = card["test"], card["oof"]["label"]
    yield Scored("headline", "test, image only", "headline", test["image_only"])
    yield Scored("system", "test, with metadata", "", test["with_metadata"])
    yield Scored("adapted", "out-of-fold, image only", adapted, card["oof"])
    yield Scored("adapted", "out-of-fold, with metadata", adapted, card["oof_with_metadata"])
    yield Scored("adapted", "out-of-fold, not fine-tuned", "calibrated on the test distribution", card["oof_unadapted"])
    yield Scored("holdout", "holdout, ensemble, image only", "", card["holdout"])
    yield Scored("holdout", "holdout, ensemble, with metadata", "", card["holdout_with_metadata"])
    for name, row in card["baselines"].items():
        yield Scored("baseline", BASELINES[name][0], "baseline", row)


def differences(card: Mapping[str, Any]) -> Iterator[Difference]:
    """The headline minus each baseline, then what metadata and fine-tuning change."""
    for name, row in card["baselines"].items():
        yield Difference("system", f"head − {BASELINES[name][0]}", row["difference"])
    yield Difference("system", "with metadata − image only", card["test"]["with_metadata"]["difference"])
    yield Difference("adapted", "fine-tuned − not, out-of-fold", card["oof"]["difference"])


def strongest_baseline(card: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Title and row of the baseline with the highest MCC among those without metadata, the first of equals.

    The headline sees photographs alone: a baseline that is told more, and perhaps the label, is no rival of it.
    """
    rivals = {name: row for name, row in card["baselines"].items() if name != "metadata_only"}
    name = max(rivals, key=lambda name: rivals[name]["mcc"])
    return BASELINES[name][0], rivals[name]


def verdict(interval: tuple[float, float] | None) -> str:
    """What a difference's interval allows to say: above or below 0, `open` where it holds 0, else `unknown`."""
    if interval is None:
        return "unknown"
    low, high = interval
    return "above" if low > 0 else "below" if high < 0 else "open"


def chosen(row: Mapping[str, Any]) -> dict[str, Any]:
    """What validation chose for a baseline: the entries of its row that are no score."""
    known = {"n", "blocks", "threshold", "precision", "recall", "difference", *METRICS}
    return {name: value for name, value in row.items() if name not in known and "_ci" not in name}
