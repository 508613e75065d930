"""The same seed on the same machine gives the same bytes, whatever else differs between two runs.

Not here: training that is interrupted within an epoch (tests/train/test_loop.py, tests/pipeline), another number of
decode workers and other cuts of the cache (tests/embed).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from harness.nursery import Workplace, environment
from harness.reference import Reference
from harness.tiny import STAGES, write_project
from harness.trees import cache_differences, differences

RUN = Path(__file__).with_name("harness") / "disturbed_run.py"


def all_stages(folder: Path, seed: int, expected: Path, **more: str) -> Workplace:
    """Every stage in a new project in `folder`, by one new process with `more` in its environment."""
    place = Workplace(folder / "project", folder / "cache")
    write_project(place.project)
    done = subprocess.run(
        [sys.executable, str(RUN), str(place.project), str(seed), str(expected)],
        env=environment(ROADWORK_CACHE=str(place.cache), **more),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return place


@pytest.mark.faults
@pytest.mark.parametrize(
    ("folder", "more"),
    [
        ("here", {"PYTHONHASHSEED": "1", "TZ": "UTC"}),
        (
            "an other place/ünter/a/longer/path",
            {"PYTHONHASHSEED": "4242", "LC_ALL": "C", "TZ": "Pacific/Kiritimati", "HOME": "/nowhere", "COLUMNS": "40"},
        ),
    ],
)
def test_every_stage_gives_the_same_bytes_elsewhere(reference: Reference, tmp_path: Path, folder: str, more) -> None:
    """Another hash seed, path, language, time zone, order of listings, file mode; other states of shared generators."""
    expected = reference.after(STAGES[-1])
    found = all_stages(tmp_path / folder, len(folder), expected.project, **more)
    assert differences(found.project, expected.project) == []
    assert cache_differences(found.cache, expected.cache) == []


@pytest.mark.faults
def test_a_run_that_finds_everything_done_gives_the_same_bytes(reference: Reference, nursery, tmp_path: Path) -> None:
    """Every stage again, over its own results and with a full cache."""
    expected = reference.after(STAGES[-1])
    again = Workplace(tmp_path / "project", tmp_path / "cache")
    shutil.copytree(expected.project, again.project)
    shutil.copytree(expected.cache, again.cache)
    for stage in STAGES:
        if stage == ("report",):  # it tells how long stages took
            for name in ("timing.json", "embed_images.json"):
                shutil.copy(expected.project / "metrics" / name, again.project / "metrics" / name)
        ended = nursery.run(again, stage)
        assert ended.code == 0, ended.output
    assert differences(again.project, expected.project) == []


@pytest.mark.faults
def test_equal_numbers_of_threads_give_equal_bits() -> None:
    """Products of the head's real size, forwards and backwards, on two threads; another number may round otherwise."""

    def gradients() -> list[torch.Tensor]:
        generator = torch.Generator().manual_seed(1)
        x = torch.randn(256, 8, 1280, generator=generator)
        weights = [torch.randn(1280, 512, generator=generator, requires_grad=True) for _ in range(2)]
        with torch.autocast("cpu", torch.bfloat16):
            loss = ((x @ weights[0]).softmax(-1) * (x @ weights[1])).float().square().sum()
        loss.backward()
        return [weight.grad for weight in weights if weight.grad is not None]

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        one, two = gradients(), gradients()
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


def test_photographs_are_taken_in_the_order_of_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder lists its files in the order of the file system, which two copies of it needn't share."""
    from harness import disturbed_run

    from roadwork.data.sources.walk import files_below

    for name in ("b/2.jpg", "a/1.jpg", "a/ä.jpg", "c.jpg", "B/1.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    expected = files_below(tmp_path)
    monkeypatch.setattr("os.scandir", disturbed_run._Backwards)
    assert files_below(tmp_path) == expected
    assert len(expected) == 5


def test_cluster_centres_do_not_depend_on_how_threads_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    """With three threads or more scikit-learn's k-means adds up in another order each time, unless it gets only one."""
    from threadpoolctl import threadpool_limits

    from roadwork.data.clusters import fit_clusters

    rng = np.random.default_rng(0)
    latitude_deg, longitude_deg = rng.uniform(-80, 80, 3000), rng.uniform(-180, 180, 3000)
    with threadpool_limits(8):
        found = {fit_clusters(latitude_deg, longitude_deg, 5, seed=1).tobytes() for _ in range(4)}
    with threadpool_limits(1):
        found.add(fit_clusters(latitude_deg, longitude_deg, 5, seed=1).tobytes())
    assert len(found) == 1
