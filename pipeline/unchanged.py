"""Refuse to finish a stage whose code or parameters were edited while it ran.

DVC hashes dependencies after the command has ended (treeverse/dvc#11058), so it would record the edited files as what
produced the output.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.closure import import_closure
from roadwork.errors import DataError


@contextmanager
def unchanged_code(module: Path, root: Path, params: Path) -> Iterator[None]:
    """Digest the import closure of `module` and the file `params` now and at the end; DataError if they differ."""
    files = [*(root / name for name in import_closure(module, root)), params]
    before = {file: _digest(file) for file in files}
    yield
    changed = [str(file) for file in files if _digest(file) != before[file]]
    if changed:
        raise DataError(
            "a file this stage was made from changed while it ran",
            where=", ".join(changed),
            rule="what is recorded beside a result is what produced it",
            fix="run the stage again",
        )


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "missing"
