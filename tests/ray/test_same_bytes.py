"""The blocks of the cache and the store are the local engine's, byte by byte."""

from __future__ import annotations

from pathlib import Path

import pytest
from clustered.nodes import TwoNodes
from clustered.tiny import blocks, content, embed_config, run_ray

pytestmark = pytest.mark.ray


def test_blocks_and_store_are_the_local_engines(
    tmp_path: Path,
    two_nodes: TwoNodes,
    reference,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", two_nodes.address)
    config = embed_config(ray={"address": "auto", "decode_images": 3})  # a block is 8: pieces end where it does
    report = run_ray(reference.photographs, tmp_path, config)
    assert (report.rows, report.computed, report.reused, report.engine) == (96, 96, 0, "ray")
    assert blocks(tmp_path) == blocks(reference.folder)
    assert content(tmp_path / "images.zarr") == reference.store
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err.count("RANDOM weights") == 1
