"""Photographs, cache and feature store all in a real S3 server that refuses for a while, embedded by a cluster."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from clustered.tiny import embed_config, run_ray

from roadwork.cache_root import cache_root
from roadwork.storage.objects import listed, read_object, write_object
from roadwork.storage.place import Place, place_of

pytestmark = pytest.mark.ray


def has_blocks(root: Place) -> bool:
    return any(entry.name.endswith(".safetensors") for entry in listed(root, deep=True))  # pyright: ignore


def test_a_store_that_refuses_in_the_middle_costs_the_while_alone(
    tmp_path: Path, reference, faulty_s3, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = place_of(faulty_s3.url, parameter="the test")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "local"))
    monkeypatch.setenv("ROADWORK_CACHE", f"{faulty_s3.url}/cache")
    monkeypatch.setenv("ROADWORK_FEATURES", f"{faulty_s3.url}/features")
    photos = []
    for photo in reference.photographs:
        place = root / "photographs" / photo.path.name
        write_object(place, photo.path.read_bytes())
        photos.append(replace(photo, path=place))

    def refuse() -> None:
        while not has_blocks(cache_root()):
            if ended.wait(0.2):
                return
        faulty_s3.proxy.slow_down(requests=8)
        faulty_s3.proxy.refuse(2.0)

    ended = threading.Event()
    trouble = threading.Thread(target=refuse)
    trouble.start()
    try:
        report = run_ray(photos, tmp_path, embed_config(block_images=16), root=cache_root())
    finally:
        ended.set()
        trouble.join(60)
    assert (report.rows, report.computed, report.engine) == (96, 96, "ray")
    assert faulty_s3.proxy.count(status=503) >= 1
    note = json.loads((tmp_path / "images.zarr" / "location.json").read_text())
    store = place_of(note["place"], parameter="the note")
    assert {entry.name: read_object(store / entry.name) for entry in listed(store, deep=True)} == reference.store
    assert not any("claims" in entry.name for entry in listed(cache_root(), deep=True))
