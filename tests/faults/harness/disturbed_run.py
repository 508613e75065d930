"""All stages of a project in one process: `disturbed_run.py PROJECT SEED OTHER`, with whatever the environment says.

The generators that programs share are in another state before each stage, and every folder's listing comes backwards.
The report, which tells how long stages took, is told the times of the project OTHER.
"""

from __future__ import annotations

import builtins
import importlib
import locale
import os
import random
import shutil
import sys
from pathlib import Path
from typing import Any

from harness.tiny import STAGES


class _Backwards:
    """`os.scandir`, last entry first."""

    def __init__(self, *where: Any) -> None:
        with _scandir(*where) as entries:
            self._entries = iter(sorted(entries, key=lambda entry: entry.name, reverse=True))

    def __enter__(self) -> _Backwards:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> _Backwards:
        return self

    def __next__(self) -> os.DirEntry[str]:
        return next(self._entries)

    def close(self) -> None:
        """There is nothing open."""


_scandir, _listdir = os.scandir, os.listdir


def main(project: Path, seed: int, other: Path) -> None:
    import numpy as np
    import torch

    locale.setlocale(locale.LC_ALL, "")
    os.umask(0o077)
    os.chdir(project)
    os.scandir = _Backwards
    os.listdir = lambda *where: builtins.sorted(_listdir(*where), reverse=True)
    for number, (stage, *arguments) in enumerate(STAGES):
        random.seed(seed + number)
        np.random.seed(seed + number)  # noqa: NPY002
        torch.manual_seed(seed + number)
        if stage == "report":
            for name in ("timing.json", "embed_images.json"):
                shutil.copy(other / "metrics" / name, project / "metrics" / name)
        importlib.import_module(f"pipeline.{stage}").run(*map(int, arguments))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
