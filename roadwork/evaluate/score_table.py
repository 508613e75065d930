"""Scores as plain-text tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from roadwork.evaluate.score import interval_name

_RIGHT = (1, 4, 5)
"""Columns of numbers."""


def score_table(scorecard: dict[str, Any]) -> str:
    """Rows of `metrics/evaluate.json` with MCC, its interval, the paired difference to the headline, and n.

    A baseline's difference is the headline's MCC minus its own; "above 0" is the share of resamples in which the
    headline's is the higher one. The text ends without a newline.
    """
    interval = f"mcc_{interval_name(scorecard['confidence'])}"
    percent = f"{100 * scorecard['confidence']:g} %"
    cells = [("", "MCC", f"[{percent} interval]", "head minus this", "above 0", "n")]
    for name, row in _rows(scorecard):
        if row is None:
            cells.append((name, "-", scorecard["holdout_note"], "", "", ""))
            continue
        difference = row["difference"] if name.startswith("baseline") else None
        against, above = _against(difference, interval, row["blocks"]) if difference else ("", "")
        found = _pair(row[interval], row["mcc"], row["blocks"])
        cells.append((name, f"{row['mcc']:.3f}", found, against, above, str(row["n"])))
    return _table(cells, _RIGHT)


def short_table(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Rows of `roadwork.evaluate.score.score_row` by title: MCC, its interval, AUROC, ECE and n.

    The interval is that of whatever confidence the rows were made with. The text ends without a newline.
    """
    interval = next(key for row in rows.values() for key in row if key.startswith("mcc_ci"))
    cells = [("", "MCC", f"[{interval.removeprefix('mcc_ci')} % interval]", "AUROC", "ECE", "n")]
    for title, row in rows.items():
        pair = _pair(row[interval], row["mcc"], row["blocks"])
        cells.append((title, _score(row["mcc"]), pair, _score(row["auroc"]), _score(row["ece"]), str(row["n"])))
    return _table(cells, (1, 3, 4, 5))


def _score(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _table(cells: Sequence[tuple[str, ...]], right: Sequence[int]) -> str:
    """The first row is the head; columns of `right` are numbers."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(_aligned(row, widths, right)).rstrip() for row in cells]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def _rows(scorecard: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """Every row with its title, in the order of what may be claimed; None for a holdout that the data lacks."""
    adapted = scorecard["oof"]["label"]
    yield "test, image only (headline)", scorecard["test"]["image_only"]
    yield "test, with metadata", scorecard["test"]["with_metadata"]
    yield f"out-of-fold, image only ({adapted})", scorecard["oof"]
    yield f"out-of-fold, with metadata ({adapted})", scorecard["oof_with_metadata"]
    yield "out-of-fold, image only (before fine-tuning)", scorecard["oof_unadapted"]
    yield "holdout, ensemble, image only", scorecard["holdout"]
    yield "holdout, ensemble, with metadata", scorecard["holdout_with_metadata"]
    for name, row in scorecard["baselines"].items():
        yield f"baseline: {name.replace('_', ' ')}", row


def _against(difference: dict[str, Any], interval: str, blocks: int) -> tuple[str, str]:
    probability = difference["mcc_probability_positive"]
    above = "" if probability is None else f"{100 * probability:.0f} %"
    return f"{difference['mcc']:+.3f} {_pair(difference[interval], difference['mcc'], blocks)}", above


def _pair(interval: list[float] | None, mcc: float, blocks: int) -> str:
    """The interval, or why there is none."""
    if interval is None and blocks >= 2 and mcc == 1:
        return "[no error to resample]"
    if interval is None:
        return "[one block]" if blocks < 2 else "[one class in most blocks]"
    return f"[{interval[0]:.3f}, {interval[1]:.3f}]"


def _aligned(row: tuple[str, ...], widths: list[int], right: Sequence[int]) -> list[str]:
    """Words to the left of their column, numbers to the right."""
    padded = zip(row, widths, strict=True)
    return [cell.rjust(width) if column in right else cell.ljust(width) for column, (cell, width) in enumerate(padded)]
