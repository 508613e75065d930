"""Read a table that an earlier stage wrote."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa

from roadwork.errors import DataError


def read_table_file(path: Path, *, stage: str) -> pd.DataFrame:
    """The Parquet table at `path`; DataError, with the `stage` that writes it, where it is missing or damaged."""
    if not path.is_file():
        raise DataError(f"there is no {path.name} yet", where=str(path), fix=f"run `roadwork {stage}`")
    try:
        return pd.read_parquet(path)
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"not readable as Parquet: {error}",
            where=str(path),
            rule=f"the table is whole, as `roadwork {stage}` wrote it",
            fix=f"run `roadwork {stage}` again",
        ) from error
