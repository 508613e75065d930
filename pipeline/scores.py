"""`roadwork scores`: the score table of the last evaluation, and where its report lies."""

from __future__ import annotations

import json

from pipeline.outcome import Outcome
from pipeline.paths import EVALUATE_METRICS, REPORT
from roadwork.errors import DataError
from roadwork.evaluate.score_table import score_table


def run() -> Outcome:
    """Read `metrics/evaluate.json`; DataError where nothing has been evaluated yet or the file is damaged."""
    if not EVALUATE_METRICS.is_file():
        raise DataError("nothing has been evaluated yet", where=str(EVALUATE_METRICS), fix="dvc repro")
    try:
        metrics = json.loads(EVALUATE_METRICS.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(
            f"not readable as JSON: {error}", where=str(EVALUATE_METRICS), fix="run `roadwork evaluate` again"
        ) from error
    report = (
        f"\nreport: {REPORT.resolve().as_uri()}" if REPORT.is_file() else "\nreport: not written yet, dvc repro report"
    )
    return Outcome(result=metrics, text=score_table(metrics) + report)
