"""Files that earlier stages wrote, read for a stage that only looks at them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from roadwork.data.table_file import read_table_file
from roadwork.errors import DataError


@dataclass
class Inputs:
    """Reads files and keeps the SHA-256 of each by its path.

    Every method raises DataError with the file, and the `stage` that writes it, where it is missing or damaged.
    """

    digests: dict[str, str] = field(default_factory=dict)

    def present(self, path: Path, stage: str, *, called: str = "") -> Path:
        """`path`, which is a file; `called` is what to call it where its name doesn't tell."""
        if not path.is_file():
            raise DataError(
                f"there is no {called or path.name} yet",
                where=str(path),
                fix=f"run `roadwork {stage}`, or `dvc repro`",
            )
        self.digests[path.as_posix()] = hashlib.sha256(path.read_bytes()).hexdigest()
        return path

    def json(self, path: Path, stage: str, *, called: str = "") -> Any:
        """What the JSON file `path` holds."""
        try:
            return json.loads(self.present(path, stage, called=called).read_text(encoding="utf-8"))
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise DataError(f"not readable as JSON: {error}", where=str(path), fix=f"run `roadwork {stage}`") from error

    def table(self, path: Path, stage: str) -> pd.DataFrame:
        """The Parquet table `path`."""
        return read_table_file(self.present(path, stage), stage=stage)
