"""What becomes of bytes that call themselves a photograph: what ingest decides, and what embedding then makes of it."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from roadwork.data.probe import Probe
from roadwork.data.probe_limits import ProbeLimits
from roadwork.data.probe_pool import ProbePool
from roadwork.errors import PhotographError
from roadwork.views.decode import decode_rgb
from roadwork.views.geometry import view_boxes
from roadwork.views.resample import cut_views

LIMITS = ProbeLimits(max_pixels=20_000_000, max_bytes=200_000_000, timeout_s=120)


@pytest.fixture(scope="module")
def pool():
    with ProbePool(LIMITS) as pool:
        yield pool


@pytest.fixture(scope="module")
def end(pool):
    """`end(content)`: the Probe that ingest takes it for, or the rule that it is rejected by.

    Whatever ingest takes must also embed: that is asserted here, for every file of the corpus.
    """

    def decided(content):
        try:
            return pool(content)
        except PhotographError as error:
            rule = error.rule
        assert rule
        assert rule.isprintable()
        return rule

    def end(content):
        found = decided(content)
        assert decided(content) == found
        if isinstance(found, Probe):
            assert found.image_id == hashlib.sha256(content).hexdigest()
            rgb = decode_rgb(content, max_pixels=found.width_px * found.height_px)
            assert rgb.dtype == np.uint8
            assert rgb.shape == (found.height_px, found.width_px, 3)
            boxes = view_boxes(found.width_px, found.height_px, grid=3, overlap=0.25)
            views = cut_views(rgb, np.asarray(boxes, dtype=np.int32), 16)
            assert views.shape == (len(boxes), 16, 16, 3)
            if found.gps_deg is not None:
                assert abs(found.gps_deg[0]) <= 90
                assert abs(found.gps_deg[1]) <= 180
        return found

    return end


@pytest.fixture
def peak_bytes(pool):
    """`peak_bytes()`: the most memory that any process of the pool has ever held."""

    def read():
        pids = [process.pid for process in pool.processes]
        lines = [line for pid in pids for line in Path(f"/proc/{pid}/status").read_text().splitlines()]
        return max(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))

    if not Path("/proc/self/status").exists():
        pytest.skip("this system doesn't tell a process's peak memory")
    return read
