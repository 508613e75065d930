"""A `dvc` that is ended alone leaves no orphan: the stage that it started notices, and leaves in order."""

from __future__ import annotations

import time

import psutil
import pytest
from harness.clone import Clone
from harness.tiny import CHANGES
from harness.trees import cached_rows, tree
from harness.under_way import LONG_S, blocks, epochs, under_way

pytestmark = pytest.mark.faults

# Long enough that a stage doesn't come to its end before it can notice anything.
LONGER = {
    "views.size_px": 320,
    "embed.block_images": 4,
    "pretrain.epochs": 400,
    "pretrain.patience": 400,
}
EARLIER = {"embed_images": ("ingest", "tile"), "pretrain": ("embed_images", "embed_text", "folds", "sampling")}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    clone = Clone(tmp_path_factory.mktemp("orphans"))
    clone.create(CHANGES | LONGER)
    return clone


def gone(process):
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def wait_until(condition, what):
    give_up = time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < give_up, what
        time.sleep(0.05)


def orphaned(project, stage, reached):
    """Run `stage` under dvc, end dvc alone with SIGTERM once `reached`, and wait until the stage has ended too."""
    for earlier in EARLIER[stage]:
        project.repro("--single-item", earlier)
    with under_way(project, "dvc", "repro", "--single-item", stage) as running:
        process = running.stage(stage, reached)
        dvc = psutil.Process(process.pid).parents()
        for parent in dvc:
            if "dvc" in " ".join(parent.cmdline()) and parent.pid != process.pid:
                parent.terminate()
        wait_until(lambda: all(gone(parent) for parent in dvc if parent.pid == running._process.pid), "dvc lives on")
        process.resume()
        wait_until(lambda: gone(process), f"{stage} lives on without dvc")
        return running.end()


def left_behind(project):
    """Everything in project and cache, and the temporaries among it. What is dvc's own (its lock) doesn't count."""
    found = {f"project/{name}": content for name, content in tree(project.folder).items() if not name.startswith(".")}
    found |= {f"cache/{name}": content for name, content in tree(project.home / "cache").items()}
    return found, [name for name in found if name.endswith((".partial", ".lock")) and name != "project/dvc.lock"]


def test_embedding_ends_with_its_dvc_and_keeps_what_is_finished(project, tally):
    orphaned(project, "embed_images", blocks(project, 2))
    found, temporaries = left_behind(project)
    assert not temporaries
    assert not (project.folder / "features" / "images.zarr").exists(), "the orphan finished its stage"
    rows = len(cached_rows(project.home / "cache"))
    assert 8 <= rows < 48
    assert left_behind(project)[0] == found
    project.repro("--single-item", "embed_images")
    metrics = project.json("metrics/embed_images.json")
    assert (metrics["reused"], metrics["rows"]) == (rows, 48)
    tally.add("kills")
    tally.add("faults survived")


def test_training_ends_with_its_dvc_and_keeps_what_is_finished(project, tally):
    orphaned(project, "pretrain", epochs(project, 3))
    found, temporaries = left_behind(project)
    assert not temporaries
    assert not (project.folder / "models" / "pretrained").exists(), "the orphan finished its stage"
    states = sorted((project.home / "cache" / "training").glob("*/epochs_*"))
    assert 1 <= len(states) <= 2  # two, where it ended before it deleted the one before the last
    finished = int(states[-1].name.removeprefix("epochs_"))
    assert left_behind(project)[0] == found
    project.repro("--single-item", "pretrain")
    assert project.json("metrics/timing.json")["epochs"] == 400 - finished
    assert not list((project.home / "cache" / "training").iterdir())
    tally.add("kills")
    tally.add("faults survived")
