"""The stage `embed_images` as its users run it, in a process of its own, timed and watched from outside."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import psutil

from benchmarks.clone import Clone

_LOOK_EACH_S = 1.0


@dataclass(frozen=True)
class StageRun:
    """What one run of the stage took."""

    photographs: int  # each computed in this run
    wall_s: float  # from the start of the command to its end
    peak_mib: float  # of all its processes together, shared pages counted once
    features: str  # sha256 of everything in the store


@dataclass(frozen=True)
class Pace:
    """What a run costs before its first photograph, and what each further one costs: a line through two runs."""

    start_s: float
    photograph_s: float

    @property
    def measured(self) -> bool:
        """Whether more photographs took longer; where they didn't, a line through two runs tells nothing."""
        return self.photograph_s > 0

    @classmethod
    def of(cls, few: StageRun, many: StageRun) -> Pace:
        """The line through both."""
        photograph_s = (many.wall_s - few.wall_s) / (many.photographs - few.photographs)
        return cls(few.wall_s - few.photographs * photograph_s, photograph_s)


class StageProject:
    """A clone whose photographs are ingested and tiled; `embed` runs the stage on them, from an empty cache."""

    def __init__(self, folder: Path, files: list[Path], changes: Mapping[str, Any]) -> None:
        """Fill it with links to `files`; `changes` are parameters by dotted name."""
        self._folder, self._photographs = folder, len(files)
        for number, file in enumerate(files):
            target = folder / "photographs" / ("roadwork", "no_roadwork")[number % 2] / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.hardlink_to(file)
        source = {
            "ingest.source": "folder",
            "ingest.path": str(folder / "photographs"),
            "ingest.test_fraction": 0.0,
            "ingest.val_fraction": 0.0,
            "sampling.enabled": False,
        }
        self._clone = Clone(folder, source | dict(changes))
        for stage in ("ingest", "tile"):
            self._clone.run(sys.executable, "-m", "pipeline", stage)

    def embed(self, changes: Mapping[str, Any]) -> StageRun:
        """Run the stage with `changes`. RuntimeError where it fails or leaves a photograph out."""
        self._clone.change(changes)
        with TemporaryDirectory(dir=self._folder) as cache:
            environment = self._clone.environment | {"ROADWORK_CACHE": cache}
            began = perf_counter()
            with (Path(cache) / "said").open("w+", encoding="utf-8") as said:
                process = subprocess.Popen(
                    [sys.executable, "-m", "pipeline", "embed_images"],
                    cwd=self._clone.folder, env=environment, stdout=said, stderr=subprocess.STDOUT,
                )  # fmt: skip
                peak_mib = _watched(process)
                wall_s = perf_counter() - began
                said.seek(0)
                if process.returncode:
                    raise RuntimeError(f"embed_images failed: {said.read()[-3000:]}")
        report = json.loads((self._clone.folder / "metrics" / "embed_images.json").read_text(encoding="utf-8"))
        if report["computed"] != self._photographs:
            raise RuntimeError(f"{report['computed']} of {self._photographs} photographs were computed")
        return StageRun(self._photographs, wall_s, peak_mib, _digest(self._clone.folder / "features" / "images.zarr"))


def _watched(process: subprocess.Popen[bytes]) -> float:
    """The most memory that `process` and all that it started took, in MiB, looked at each second until it ends."""
    peak, seen = 0.0, psutil.Process(process.pid)
    while True:
        peak = max(peak, _memory_mib(seen))
        try:
            process.wait(_LOOK_EACH_S)
            return peak
        except subprocess.TimeoutExpired:
            continue


def _memory_mib(process: psutil.Process) -> float:
    try:
        family = [process, *process.children(recursive=True)]
    except psutil.Error:
        return 0.0
    return sum(map(_share_mib, family))


def _share_mib(process: psutil.Process) -> float:
    """Its own pages, and its share of those that it shares; all of its pages where the system doesn't tell shares."""
    try:
        told = process.memory_full_info()
    except psutil.Error:
        return 0.0  # it has ended
    return getattr(told, "pss", told.rss) / 2**20


def _digest(folder: Path) -> str:
    found = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        found.update(f"{file.relative_to(folder)}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()
