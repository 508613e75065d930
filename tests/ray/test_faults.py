"""Killed in the middle: a process that decodes, one that holds the model, a whole node. The run ends complete."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from clustered.nodes import TwoNodes
from clustered.poison import POISON, PoisonedDecoder
from clustered.tiny import content, embed_config, photographs, run_ray

from roadwork.embed.cache_block import read_block_ids
from roadwork.errors import PhotographError

pytestmark = pytest.mark.ray

Meanwhile = Callable[[Path, Callable[[], None]], list[BaseException]]


def rows_in_cache(folder: Path) -> list[str]:
    return [name for path in (folder / "cache").rglob("*.safetensors") for name in read_block_ids(path)]


def test_killed_processes_are_replaced(tmp_path: Path, two_nodes: TwoNodes, reference, meanwhile: Meanwhile) -> None:
    killed = []

    def kill() -> None:
        for kind in ("Cutter", "Model"):
            victim = two_nodes.workers(kind)[0]
            victim.kill()
            killed.append(victim.pid)
            time.sleep(1)

    outcome = meanwhile(tmp_path, kill)
    report = run_ray(reference.photographs, tmp_path, embed_config(ray={"address": two_nodes.address}))
    assert outcome == []
    assert len(killed) == 2
    assert (report.rows, report.computed) == (96, 96)
    assert sorted(rows_in_cache(tmp_path)) == sorted(photo.image_id for photo in reference.photographs)
    assert content(tmp_path / "images.zarr") == reference.store


def test_a_lost_node_costs_only_what_it_was_at(
    tmp_path: Path, two_nodes: TwoNodes, reference, meanwhile: Meanwhile, capfd: pytest.CaptureFixture[str]
) -> None:
    outcome = meanwhile(tmp_path, two_nodes.lose_node)
    try:
        report = run_ray(reference.photographs, tmp_path, embed_config(ray={"address": two_nodes.address}))
    finally:
        two_nodes.complete()
    assert outcome == []
    assert "the cluster has lost" in capfd.readouterr().err
    assert (report.rows, report.computed) == (96, 96)
    assert set(rows_in_cache(tmp_path)) == {photo.image_id for photo in reference.photographs}
    assert content(tmp_path / "images.zarr") == reference.store


def test_a_photograph_that_kills_its_decoder_and_one_that_changed_stop_no_other(
    tmp_path: Path, two_nodes: TwoNodes, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from roadwork.cluster import cutter

    monkeypatch.setattr(cutter.CutterTask.__init__, "__defaults__", (PoisonedDecoder,))
    photos = photographs(tmp_path / "photographs", 24)
    poisoned, changed = photos[7], photos[12]
    poisoned.path.write_bytes(poisoned.path.read_bytes() + POISON)
    photos[7] = replace(poisoned, image_id=hashlib.sha256(poisoned.path.read_bytes()).hexdigest())
    changed.path.write_bytes(photos[0].path.read_bytes())
    with pytest.raises(PhotographError, match="the other 22 are finished") as caught:
        run_ray(photos, tmp_path, embed_config(ray={"address": two_nodes.address}))
    told = capfd.readouterr().err
    for words in ("the decoder crashed", str(poisoned.path), "has changed since it was ingested", str(changed.path)):
        assert words in str(caught.value)
        assert words in told
    failed = {photos[7].image_id, changed.image_id}
    assert set(rows_in_cache(tmp_path)) == {photo.image_id for photo in photos} - failed
    assert not (tmp_path / "images.zarr").exists()
    rejects = (tmp_path / "embed_rejects.csv").read_text(encoding="utf-8")
    assert len(rejects.splitlines()) == 3  # a header, and the two
    assert "the decoder crashed" in rejects
