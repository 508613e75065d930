"""The scorecard as a plain-text table for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from roadwork.evaluate.score import interval_name


def score_table(scorecard: dict[str, Any]) -> str:
    """Rows of `metrics/evaluate.json` with MCC, its interval, the paired difference to the headline, and n.

    A baseline's difference is the headline's MCC minus its own. The text ends without a newline.
    """
    interval = interval_name(scorecard["confidence"])
    percent = f"{100 * scorecard['confidence']:g} %"
    cells = [("", "MCC", f"[{percent} interval]", "head minus this", "n")]
    for name, row in score_rows(scorecard):
        if row is None:
            cells.append((name, "-", scorecard["holdout_note"], "", ""))
            continue
        difference = row.get("difference") if name.startswith("baseline") else None
        against = f"{difference['mcc']:+.3f} {_pair(difference[interval])}" if difference else ""
        cells.append((name, f"{row['mcc']:.3f}", _pair(row[f"mcc_{interval}"]), against, str(row["n"])))
    widths = [max(len(row[column]) for row in cells) for column in range(5)]
    lines = ["  ".join(_aligned(row, widths)).rstrip() for row in cells]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def score_rows(scorecard: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """Every row with its title, in the order of what may be claimed; None for a holdout that the data lacks."""
    yield "test, image only (headline)", scorecard["test"]["image_only"]
    yield "test, with metadata", scorecard["test"]["with_metadata"]
    yield f"out-of-fold, image only ({scorecard['oof']['label']})", scorecard["oof"]
    yield f"out-of-fold, with metadata ({scorecard['oof']['label']})", scorecard["oof_with_metadata"]
    yield "holdout, ensemble, image only", scorecard["holdout"]
    yield "holdout, ensemble, with metadata", scorecard["holdout_with_metadata"]
    for name, row in scorecard["baselines"].items():
        yield f"baseline: {name.replace('_', ' ')}", row


def _pair(interval: list[float] | None) -> str:
    return "[one block]" if interval is None else f"[{interval[0]:.3f}, {interval[1]:.3f}]"


def _aligned(row: tuple[str, ...], widths: list[int]) -> list[str]:
    """Words to the left of their column, numbers to the right."""
    padded = zip(row, widths, strict=True)
    return [cell.rjust(width) if column in (1, 4) else cell.ljust(width) for column, (cell, width) in enumerate(padded)]
