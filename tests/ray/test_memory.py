"""A node's memory holds what its processes are at, whatever the number of photographs."""

from __future__ import annotations

import threading
from pathlib import Path

import psutil
import pytest
from clustered.nodes import TwoNodes
from clustered.tiny import SIZE_PX, embed_config, photographs, run_ray

pytestmark = pytest.mark.ray

COUNT = 320
VIEW_BYTES = COUNT * 12 * SIZE_PX**2 * 3
"""All views together."""


def test_memory_is_bounded_by_the_batches(tmp_path: Path, two_nodes: TwoNodes, record_property) -> None:
    photos = photographs(tmp_path / "photographs", COUNT)
    before = two_nodes.shared_bytes()
    largest: dict[str, int] = {"Cutter": 0, "Model": 0}
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.5):
            for kind in largest:
                for process in two_nodes.workers(kind):
                    try:
                        memory = process.memory_info()
                    except psutil.NoSuchProcess:
                        continue
                    largest[kind] = max(largest[kind], memory.rss - memory.shared)

    watch = threading.Thread(target=look, daemon=True)
    watch.start()
    try:
        report = run_ray(photos, tmp_path, embed_config(ray={"address": two_nodes.address}, block_images=4))
    finally:
        over.set()
        watch.join()
    assert report.computed == COUNT
    shared = two_nodes.shared_bytes() - before
    millions = {kind: round(size / 1e6) for kind, size in largest.items()}
    record_property("measured", f"{VIEW_BYTES / 1e6:.0f} MB of views: {shared / 1e6:.0f} MB shared, own {millions} MB")
    assert shared < VIEW_BYTES / 2
    assert 0 < largest["Cutter"] < 1e9
    assert 0 < largest["Model"] < 1e9
