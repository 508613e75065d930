"""The tables of evidence (see `columns`), calibrated, written and read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from roadwork.data.table_file import read_table_file
from roadwork.errors import DataError
from roadwork.evaluate.calibration import Calibration
from roadwork.evidence.columns import DTYPES, MARGIN_DTYPES
from roadwork.evidence.view import ViewEvidence
from roadwork.publish import published_file

_STAGE = "evaluate"


def calibrated(margins: pd.DataFrame, calibration: Calibration) -> pd.DataFrame:
    """The table with the columns of `DTYPES`, from one in margins: `deletion` is how far the probability falls."""
    probability, without = (
        calibration.probabilities(margins[name].to_numpy(np.float64)) for name in ("margin", "withheld")
    )
    found = margins.assign(deletion=probability - without).drop(columns=["margin", "withheld"])
    return found.astype(DTYPES)


def write_evidence(path: Path, evidence: pd.DataFrame) -> None:
    """Publish the table as Parquet at `path`; a view that was pruned away has a null logit."""
    with published_file(path) as aside:
        evidence.to_parquet(aside, index=False)


def read_evidence(path: Path) -> pd.DataFrame:
    """The table at `path`; DataError where it is missing, damaged or not one that `write_evidence` wrote."""
    return _read(path, DTYPES, _STAGE)


def read_margin_evidence(path: Path, *, stage: str) -> pd.DataFrame:
    """The table in margins that `stage` wrote at `path`; DataError as from `read_evidence`."""
    return _read(path, MARGIN_DTYPES, stage)


def image_views(rows: pd.DataFrame) -> tuple[ViewEvidence, ...]:
    """The views of one image from its `rows` of the table, in the order of their column `view`."""
    ordered = rows.sort_values("view")
    columns = (ordered[name].tolist() for name in ("name", "gate", "kept", "logit", "deletion"))
    return tuple(
        ViewEvidence(name, gate, float(kept), None if pd.isna(logit) else logit, deletion)
        for name, gate, kept, logit, deletion in zip(*columns, strict=True)
    )


def _read(path: Path, dtypes: dict[str, str], stage: str) -> pd.DataFrame:
    frame = read_table_file(path, stage=stage)
    if {name: str(kind) for name, kind in frame.dtypes.items()} != dtypes:
        raise DataError(
            "this is no table of evidence of this version",
            where=str(path),
            rule=f"columns: {', '.join(dtypes)}",
            fix=f"run `roadwork {stage}` again",
        )
    return frame
