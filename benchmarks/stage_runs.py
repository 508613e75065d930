"""The stage `embed_images` as its users run it, in a process of its own, timed and watched from outside."""

from __future__ import annotations

import hashlib
import json
import os
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
from roadwork.embed.cache_block import SUFFIX, read_block_ids

_LOOK_EACH_S = 1.0


@dataclass(frozen=True)
class StageRun:
    """What one run of the stage took."""

    photographs: int  # each computed in this run
    wall_s: float  # from the start of the command to its end
    photograph_s: float  # from its first cache block to its last, for each photograph after the first block
    peak_mib: float | None  # of all its processes together, shared pages counted once; None where nobody looked
    features: str  # sha256 of everything in the store

    @property
    def start_s(self) -> float:
        """What it took besides its photographs."""
        return self.wall_s - self.photographs * self.photograph_s


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

    def embed(self, changes: Mapping[str, Any], *, cores: int | None = None, memory: bool = False) -> StageRun:
        """Run the stage with `changes`. RuntimeError where it fails or leaves a photograph out.

        `cores`: all of its processes have so many of this machine's, and no more; None: all of them.
        `memory`: look at its peak, too; to look at thirty processes each second takes time of the cores they run on.
        """
        self._clone.change(changes)
        with TemporaryDirectory(dir=self._folder) as cache:
            environment = self._clone.environment | {"ROADWORK_CACHE": cache}
            began = perf_counter()
            with (Path(cache) / "said").open("w+", encoding="utf-8") as said:
                process = subprocess.Popen(
                    [*on_cores(cores), sys.executable, "-m", "pipeline", "embed_images"],
                    cwd=self._clone.folder, env=environment, stdout=said, stderr=subprocess.STDOUT,
                )  # fmt: skip
                peak_mib = _watched(process) if memory else None
                process.wait()
                wall_s = perf_counter() - began
                said.seek(0)
                if process.returncode:
                    raise RuntimeError(f"embed_images failed: {said.read()[-3000:]}")
            photograph_s = pace_of_blocks(Path(cache))
        report = json.loads((self._clone.folder / "metrics" / "embed_images.json").read_text(encoding="utf-8"))
        if report["computed"] != self._photographs:
            raise RuntimeError(f"{report['computed']} of {self._photographs} photographs were computed")
        features = _digest(self._clone.folder / "features" / "images.zarr")
        return StageRun(self._photographs, wall_s, photograph_s, peak_mib, features)


def pace_of_blocks(cache: Path) -> float:
    """Seconds per photograph from the first finished block in the cache's folder to the last.

    Two runs' starts differ by more than their photographs: what a photograph takes is read off within a run. It is so
    for a single process that writes blocks; several finish theirs side by side. RuntimeError for fewer than two blocks.
    """
    blocks = sorted((path.stat().st_mtime, path) for path in cache.rglob(f"*{SUFFIX}"))
    if len(blocks) < 2:
        raise RuntimeError(f"{len(blocks)} blocks in the cache tell no pace: lower embed.block_images")
    later = sum(len(read_block_ids(path)) for _, path in blocks[1:])
    return (blocks[-1][0] - blocks[0][0]) / later


def on_cores(cores: int | None) -> list[str]:
    """What stands before a command that may use only so many cores. RuntimeError where there are fewer."""
    if cores is None:
        return []
    own = sorted(os.sched_getaffinity(0))
    if cores > len(own):
        raise RuntimeError(f"{cores} cores were asked for, and this process may use {len(own)}")
    return ["taskset", "--cpu-list", ",".join(map(str, own[:cores]))]


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
