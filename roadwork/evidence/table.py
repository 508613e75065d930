"""The table of evidence: one row per image and view, in the images' order and the views'.

image_id, view (from 0), name; gate (0 where pruned), kept, logit (null where pruned), deletion: `ViewEvidence` says
what they mean. It is of one head, so `kept` is yes or no.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from roadwork.data.table_file import read_table_file
from roadwork.errors import DataError
from roadwork.evidence.view import ViewEvidence
from roadwork.publish import published_file

DTYPES = {
    "image_id": "str",
    "view": "int16",
    "name": "str",
    "gate": "float32",
    "kept": "bool",
    "logit": "float32",
    "deletion": "float32",
}
_STAGE = "evaluate"


def write_evidence(path: Path, evidence: pd.DataFrame) -> None:
    """Publish the table as Parquet at `path`; a view that was pruned away has a null logit."""
    with published_file(path) as aside:
        evidence.to_parquet(aside, index=False)


def read_evidence(path: Path) -> pd.DataFrame:
    """The table at `path`; DataError where it is missing, damaged or not one that `write_evidence` wrote."""
    frame = read_table_file(path, stage=_STAGE)
    found = {name: str(kind) for name, kind in frame.dtypes.items()}
    if found != DTYPES:
        raise DataError(
            "this is no table of evidence of this version",
            where=str(path),
            rule=f"columns: {', '.join(DTYPES)}",
            fix=f"run `roadwork {_STAGE}` again",
        )
    return frame


def image_views(rows: pd.DataFrame) -> tuple[ViewEvidence, ...]:
    """The views of one image from its `rows` of the table, in the order of their column `view`."""
    ordered = rows.sort_values("view")
    columns = (ordered[name].tolist() for name in ("name", "gate", "kept", "logit", "deletion"))
    return tuple(
        ViewEvidence(name, gate, float(kept), None if pd.isna(logit) else logit, deletion)
        for name, gate, kept, logit, deletion in zip(*columns, strict=True)
    )
