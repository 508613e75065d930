"""The embedding cache in a real S3 server: slow, refusing, cut off; and runs that end in the middle."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("s3fs")
pytest.importorskip("moto")

from roadwork.embed import row_places
from roadwork.embed.cache import EmbeddingCache
from roadwork.embed.cache_admin import cache_info, clear_cache
from roadwork.embed.config import EmbedConfig
from roadwork.embed.fingerprint import Fingerprint
from roadwork.embed.images import EmbedReport, embed_images
from roadwork.embed.local_engine import LocalEngine
from roadwork.embed.photograph import Photograph
from roadwork.embed.ray_config import RayConfig
from roadwork.errors import StoreError
from roadwork.storage.objects import listed, read_object, write_object
from roadwork.storage.place import place_of

pytestmark = pytest.mark.ray

FINGERPRINT = Fingerprint({"backbone": {"name": "colour"}, "views": {"grid": 1}, "decoder": 1})
CONFIG = EmbedConfig(
    engine="local",
    device="cpu",
    decode_workers=2,
    batch_images="auto",
    block_images=4,
    timeout_s=300,
    compile=False,
    ray=RayConfig(
        address="local",
        decode_actors="auto",
        decode_cpus="auto",
        decode_images=16,
        model_actors="auto",
        actors_per_gpu=1,
    ),
)


def photograph(number: int) -> Photograph:
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    return Photograph(digest, Path(str(number)), np.zeros((2, 4), np.int32), pixels=64)


def cut(photo: Photograph) -> np.ndarray:
    return np.random.default_rng(int(photo.path.name)).integers(0, 256, (2, 8, 8, 3), np.uint8)


def colour(views: torch.Tensor) -> torch.Tensor:
    return views.float().std(dim=(2, 3))


def run(cache: str, store: Path, numbers: Sequence[int], cutter=cut) -> EmbedReport:
    rows = EmbeddingCache(place_of(cache, parameter="the test"), FINGERPRINT)
    return embed_images(
        [photograph(number) for number in numbers],
        cache=rows,
        engine=LocalEngine(rows, cutter, colour, torch.device("cpu"), CONFIG),
        timeout_s=CONFIG.timeout_s,
        store=store,
        attributes={"fingerprint": FINGERPRINT.key},
        rejects=store.with_name("embed_rejects.csv"),
    )


def files(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


@pytest.fixture
def expected(tmp_path: Path) -> dict[str, bytes]:
    """The store of photographs 0 to 19, with a cache in a folder."""
    run(str(tmp_path / "cache"), tmp_path / "expected.zarr", range(20))
    return files(tmp_path / "expected.zarr")


def test_rows_are_computed_once_and_the_store_is_the_same_bytes(s3: str, tmp_path: Path, expected) -> None:
    first = run(s3, tmp_path / "a.zarr", range(12))
    second = run(s3, tmp_path / "b.zarr", range(20))
    third = run(s3, tmp_path / "c.zarr", range(20))
    assert (first.computed, second.computed, third.computed) == (12, 8, 0)
    assert files(tmp_path / "b.zarr") == files(tmp_path / "c.zarr") == expected
    root = place_of(s3, parameter="p")
    assert [(entry.rows, entry.blocks) for entry in cache_info(root)] == [(20, 5)]
    names = {entry.name for entry in listed(root / "embeddings" / FINGERPRINT.key)}
    local = {path.name for path in (tmp_path / "cache" / "embeddings" / FINGERPRINT.key).glob("*.safetensors")}
    assert local <= names, "the blocks are those that a folder holds"
    assert not any("claims" in name for name in names)
    assert len(clear_cache(root, tmp_path).entries) == 1
    assert run(s3, tmp_path / "d.zarr", range(3)).computed == 3


def test_a_store_that_refuses_is_slow_and_cuts_off_changes_nothing(faulty_s3, tmp_path: Path, expected) -> None:
    faulty_s3.proxy.delay(0.02)
    faulty_s3.proxy.slow_down(requests=6)
    faulty_s3.proxy.cut(100, requests=2, method="GET")
    refusing = threading.Timer(0.5, faulty_s3.proxy.refuse, [2.0])
    refusing.start()

    def slowly(photo: Photograph) -> np.ndarray:
        time.sleep(0.05)
        return cut(photo)

    assert run(faulty_s3.url, tmp_path / "a.zarr", range(20), slowly).computed == 20
    refusing.join()
    assert files(tmp_path / "a.zarr") == expected
    assert faulty_s3.proxy.count(status=503) >= 6


def test_a_store_that_stays_away_is_told_and_what_was_finished_is_kept(
    faulty_s3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expected
) -> None:
    def gone_after_ten(photo: Photograph) -> np.ndarray:
        if photo.path.name == "10":
            faulty_s3.proxy.slow_down(method="PUT")
        return cut(photo)

    with monkeypatch.context() as patched:
        patched.setenv("ROADWORK_STORE_PATIENCE_S", "1")
        with pytest.raises(StoreError) as caught:
            run(faulty_s3.url, tmp_path / "a.zarr", range(20), gone_after_ten)
    assert "object store" in str(caught.value)
    assert not (tmp_path / "a.zarr").exists()
    faulty_s3.proxy.heal()
    report = run(faulty_s3.url, tmp_path / "a.zarr", range(20))
    assert 0 < report.computed < 20
    assert files(tmp_path / "a.zarr") == expected


def test_damage_in_the_bucket_is_mended(s3: str, tmp_path: Path, expected) -> None:
    run(s3, tmp_path / "a.zarr", range(20))
    folder = place_of(s3, parameter="p") / "embeddings" / FINGERPRINT.key
    block, other, *_ = [entry.name for entry in listed(folder) if entry.name.endswith(".safetensors")]
    content = bytearray(read_object(folder / block))
    content[len(content) // 2] ^= 1
    write_object(folder / block, bytes(content))
    write_object(folder / other, read_object(folder / other)[:-3])
    row_places._opened.cache_clear()  # as in another process
    report = run(s3, tmp_path / "b.zarr", range(20))
    assert report.computed == 8
    assert report.damaged_blocks == 2
    assert files(tmp_path / "b.zarr") == expected


KILLED = """
import os, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import test_cache_on_s3 as test

def slowly(photo):
    time.sleep(0.2)
    return test.cut(photo)

print("begun", flush=True)
test.run(sys.argv[2], Path(sys.argv[3]), range(20), slowly)
"""


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_is_ended_is_gone_on_with(s3: str, tmp_path: Path, expected, signum: signal.Signals) -> None:
    here = str(Path(__file__).parent)
    arguments = [sys.executable, "-c", KILLED, here, s3, str(tmp_path / "a.zarr")]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=dict(os.environ))
    folder = place_of(s3, parameter="p") / "embeddings" / FINGERPRINT.key
    deadline = time.monotonic() + 120
    while not any(entry.name.endswith(".safetensors") for entry in listed(folder)):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signum)
    process.wait(60)
    assert not (tmp_path / "a.zarr").exists()
    report = run(s3, tmp_path / "a.zarr", range(20))
    assert 0 < report.computed <= 16
    assert files(tmp_path / "a.zarr") == expected
    assert listed(folder / "claims") == [], "also a killed run's claim is gone"


def test_two_runs_at_once_share_the_work(s3: str, tmp_path: Path, expected) -> None:
    shown: list[str] = []
    claimed = threading.Event()

    def slowly(photo: Photograph) -> np.ndarray:
        shown.append(photo.image_id)
        claimed.set()
        time.sleep(0.02)
        return cut(photo)

    threads = [
        threading.Thread(target=run, args=(s3, tmp_path / name, range(20), slowly)) for name in ("a.zarr", "b.zarr")
    ]
    threads[0].start()
    assert claimed.wait(60), "begun at the same instant, both may take the same"
    threads[1].start()
    for thread in threads:
        thread.join(120)
    assert files(tmp_path / "a.zarr") == files(tmp_path / "b.zarr") == expected
    assert len(shown) < 40, "what one has claimed the other leaves"
