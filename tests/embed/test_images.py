"""`embed_images`: exactly the missing is computed, and the store's bytes don't depend on how it came about."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from roadwork.embed.cache import EmbeddingCache
from roadwork.embed.config import EmbedConfig
from roadwork.embed.fingerprint import Fingerprint
from roadwork.embed.half import to_float16
from roadwork.embed.images import EmbedReport, embed_images
from roadwork.embed.local_engine import LocalEngine
from roadwork.embed.photograph import Photograph
from roadwork.embed.store import read_image_store
from roadwork.errors import CapabilityError, DataError, PhotographError, StoreError

FINGERPRINT = Fingerprint({"backbone": {"name": "colour"}, "views": {"grid": 1}, "decoder": 1})
RAY = {
    "address": "local", "decode_actors": "auto", "decode_cpus": "auto", "decode_images": 16, "model_actors": "auto",
    "actors_per_gpu": 1,
}  # fmt: skip
ATTRIBUTES = {"fingerprint": FINGERPRINT.key, "provenance": {}, "manifest_digest": "00"}


def photograph(number: int) -> Photograph:
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    return Photograph(digest, Path(str(number)), np.zeros((2, 4), np.int32), pixels=64)


def cut(photo: Photograph) -> np.ndarray:
    generator = np.random.default_rng(int(photo.path.name))
    return generator.integers(0, 256, (2, 8, 8, 3), np.uint8)


def colour(views: Tensor) -> Tensor:
    return views.float().std(dim=(2, 3))


class Counting:
    """The fake backbone; remembers how many photographs went through it. Several threads may call it."""

    def __init__(self) -> None:
        self.calls = 0
        self._lock = threading.Lock()

    def __call__(self, views: Tensor) -> Tensor:
        with self._lock:
            self.calls += len(views)
        return colour(views)


def run(
    folder: Path,
    numbers: Sequence[int],
    embed: Callable[[Tensor], Tensor] = colour,
    *,
    cutter: Callable[[Photograph], np.ndarray] = cut,
    store: str = "images.zarr",
    cache: str = "cache",
    **settings: object,
) -> EmbedReport:
    config = EmbedConfig.model_validate(
        {
            "engine": "local", "device": "cpu", "decode_workers": 2, "batch_images": "auto", "block_images": 4,
            "timeout_s": 300, "compile": False, "ray": RAY, **settings,
        }
    )  # fmt: skip
    rows = EmbeddingCache(folder / cache, FINGERPRINT)
    return embed_images(
        [photograph(number) for number in numbers],
        cache=rows,
        engine=LocalEngine(rows, cutter, embed, torch.device("cpu"), config),
        timeout_s=config.timeout_s,
        store=folder / store,
        attributes=ATTRIBUTES,
        rejects=folder / "embed_rejects.csv",
    )


def content(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


def blocks(folder: Path, cache: str = "cache") -> list[Path]:
    return list((folder / cache / "embeddings" / FINGERPRINT.key).glob("*.safetensors"))


def leftovers(folder: Path) -> list[str]:
    """What may not be there once a run has ended."""
    ends = (".partial", ".lock")
    return [str(path) for path in folder.rglob("*") if path.name.endswith(ends) or "claims" in path.parts]


def test_the_store_holds_the_known_answer_in_manifest_order(tmp_path: Path) -> None:
    report = run(tmp_path, range(10))
    store = read_image_store(tmp_path / "images.zarr", image_ids=[photograph(n).image_id for n in range(10)])
    expected = np.stack([cut(photograph(n)).std(axis=(1, 2), ddof=1) for n in range(10)])
    np.testing.assert_allclose(store.embeddings, expected, rtol=1e-3)
    assert store.attributes == ATTRIBUTES
    assert (report.rows, report.reused, report.computed, report.views, report.dim) == (10, 0, 10, 2, 3)
    assert (report.fingerprint, report.engine) == (FINGERPRINT.key, "local")
    assert report.images_per_second is not None
    assert len(blocks(tmp_path)) == 3  # 4 + 4 + 2
    assert leftovers(tmp_path) == []


def test_a_second_run_does_not_touch_the_backbone(tmp_path: Path) -> None:
    run(tmp_path, range(10))
    before = content(tmp_path / "images.zarr")

    def never(_: object) -> Tensor:
        raise NotImplementedError

    report = run(tmp_path, range(10), never, cutter=never)  # pyright: ignore[reportArgumentType]
    assert (report.reused, report.computed, report.images_per_second) == (10, 0, None)
    assert content(tmp_path / "images.zarr") == before


def test_two_runs_from_scratch_give_the_same_bytes(tmp_path: Path) -> None:
    run(tmp_path, range(10), store="a.zarr", cache="one")
    time.sleep(1.1)  # a time in the attributes would show
    run(tmp_path, range(10), store="b.zarr", cache="two")
    assert content(tmp_path / "a.zarr") == content(tmp_path / "b.zarr")


@pytest.mark.parametrize(
    "settings",
    [
        {"decode_workers": 1},
        {"decode_workers": 5, "block_images": 64},
        {"decode_workers": 7, "batch_images": 3, "block_images": 1},
    ],
)
def test_settings_do_not_change_a_byte(tmp_path: Path, settings: dict[str, object]) -> None:
    run(tmp_path, range(10), store="a.zarr", cache="one")
    run(tmp_path, range(10), store="b.zarr", cache="two", **settings)
    assert content(tmp_path / "a.zarr") == content(tmp_path / "b.zarr")


@pytest.mark.parametrize(
    ("then", "computed"),
    [
        ([*range(10), 10, 11, 12], 3),
        ([99, *range(10)], 1),
        (range(9, -1, -1), 0),
        ([7, 3, 5], 0),
        ([3, 50, 4, 51], 2),
    ],
)
def test_only_new_images_are_computed(tmp_path: Path, then: Sequence[int], computed: int) -> None:
    run(tmp_path, range(10))
    embed = Counting()
    report = run(tmp_path, then, embed)
    assert embed.calls == report.computed == computed
    assert report.reused == len(then) - computed
    run(tmp_path, then, store="scratch.zarr", cache="fresh")
    assert content(tmp_path / "images.zarr") == content(tmp_path / "scratch.zarr")


def test_one_percent_more_costs_one_percent_and_another_order_or_fewer_cost_nothing(tmp_path: Path) -> None:
    run(tmp_path, range(300), block_images=64)
    mixed = np.random.default_rng(0).permutation(303).tolist()
    for numbers, new in ((mixed, 3), (mixed[::-1], 0), (mixed[:150], 0), (range(300), 0)):
        embed = Counting()
        report = run(tmp_path, numbers, embed, block_images=64)
        assert (embed.calls, report.computed, report.reused) == (new, new, len(numbers) - new)
        rows = read_image_store(tmp_path / "images.zarr", image_ids=[photograph(n).image_id for n in numbers])
        expected = np.stack([cut(photograph(n)).std(axis=(1, 2), ddof=1) for n in numbers])
        np.testing.assert_allclose(rows.embeddings, expected, rtol=1e-3)


def test_the_same_photograph_twice_is_computed_once(tmp_path: Path) -> None:
    embed = Counting()
    report = run(tmp_path, [1, 2, 1, 1], embed)
    assert (embed.calls, report.rows, report.reused, report.computed) == (2, 4, 2, 2)
    rows = read_image_store(tmp_path / "images.zarr").embeddings
    assert np.array_equal(rows[0], rows[2])
    assert not np.array_equal(rows[0], rows[1])


def test_a_damaged_block_is_computed_again(tmp_path: Path) -> None:
    run(tmp_path, range(8))
    before = content(tmp_path / "images.zarr")
    victim = blocks(tmp_path)[0]
    damaged = bytearray(victim.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    victim.write_bytes(damaged)
    embed = Counting()
    report = run(tmp_path, range(8), embed)
    assert (embed.calls, report.computed, report.reused, report.damaged_blocks) == (4, 4, 4, 1)
    assert content(tmp_path / "images.zarr") == before


def test_no_photographs_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no photographs"):
        run(tmp_path, [])


def fails_at(*numbers: int) -> Callable[[Photograph], np.ndarray]:
    def cutter(photo: Photograph) -> np.ndarray:
        if int(photo.path.name) in numbers:
            raise PhotographError("broken", where=f"{photo.path}.jpg", fix="run `roadwork ingest` again")
        return cut(photo)

    return cutter


def test_a_bad_photograph_is_told_when_all_others_are_finished(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(tmp_path, [100])
    before = content(tmp_path / "images.zarr")
    embed = Counting()
    with pytest.raises(PhotographError, match="can't be embedded: broken; the other 9 are finished") as caught:
        run(tmp_path, range(10), embed, cutter=fails_at(6), batch_images=4)
    assert embed.calls == 9
    assert caught.value.where == "6.jpg"
    assert "roadwork ingest" in caught.value.fix
    assert "WARNING: 6.jpg: broken" in capsys.readouterr().err
    assert content(tmp_path / "images.zarr") == before
    again = Counting()
    assert run(tmp_path, range(10), again).computed == again.calls == 1


def test_the_first_eight_of_many_bad_photographs_are_named(tmp_path: Path) -> None:
    with pytest.raises(PhotographError, match="10 photographs can't be embedded; the other 10 are finished") as caught:
        run(tmp_path, range(20), cutter=fails_at(*range(3, 13)))
    named = str(caught.value).splitlines()
    assert named[1:10] == [*(f"    {n}.jpg: broken" for n in range(3, 11)), "    and 2 more"]
    assert run(tmp_path, range(20)).reused == 10


def test_a_photograph_that_stalls_counts_as_failed(tmp_path: Path) -> None:
    release = threading.Event()

    def stalls(photo: Photograph) -> np.ndarray:
        if photo.path.name == "2":
            release.wait(120)
        return cut(photo)

    try:
        with pytest.raises(PhotographError, match="the other 9 are finished") as caught:
            run(tmp_path, range(10), cutter=stalls, timeout_s=1)
    finally:
        release.set()
    assert caught.value.where == "2"
    assert "reading and cutting the photograph takes longer than 1 s" in caught.value.what
    assert run(tmp_path, range(10)).reused == 9


def test_a_full_disk_ends_the_run_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise StoreError("the embedding cache can't be written: No space left on device")

    embed = Counting()
    with monkeypatch.context() as patched:
        patched.setattr("roadwork.embed.local_blocks.write_block", full)
        with pytest.raises(StoreError, match="No space left"):
            run(tmp_path, range(40), embed)
    assert 4 <= embed.calls < 12, "the first block, and what was under way meanwhile"
    assert run(tmp_path, range(40)).computed == 40


def test_a_gpu_without_memory_is_told_and_finished_rows_are_kept(tmp_path: Path) -> None:
    embed = Counting()

    def runs_out(views: Tensor) -> Tensor:
        if embed.calls == 6:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.")
        return embed(views)

    with pytest.raises(CapabilityError, match="Tried to allocate 2 GiB") as caught:
        run(tmp_path, range(10), runs_out)
    assert "batch_images" in caught.value.fix
    assert run(tmp_path, range(10)).reused == 6


def test_values_beyond_float16_never_reach_the_cache(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=photograph(3).image_id):
        run(tmp_path, [3], lambda views: colour(views) * 1e6)
    assert blocks(tmp_path) == []
    assert not (tmp_path / "images.zarr").exists()


def test_rows_that_keep_vanishing_are_told(tmp_path: Path) -> None:
    def clears(views: Tensor) -> Tensor:
        for block in blocks(tmp_path):
            block.unlink()
        return colour(views)

    with pytest.raises(StoreError, match="missing from the embedding cache"):
        run(tmp_path, range(9), clears)
    run(tmp_path, range(9))
    run(tmp_path, range(9), store="scratch.zarr", cache="fresh")
    assert content(tmp_path / "images.zarr") == content(tmp_path / "scratch.zarr")


@pytest.mark.parametrize("gone", ["cache", f"cache/embeddings/{FINGERPRINT.key}"])
@pytest.mark.parametrize("at", [1, 5, 9])
def test_a_cache_that_vanishes_once_is_filled_again(
    tmp_path: Path, gone: str, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    embed = Counting()

    times = iter(range(1, 100))

    def vanishes(vectors: Any, names: Any) -> Any:  # in the thread that appends, hence between two appends
        if next(times) == at:
            (tmp_path / gone).rename(tmp_path / "elsewhere")
            shutil.rmtree(tmp_path / "elsewhere", ignore_errors=True)
        return to_float16(vectors, names)

    monkeypatch.setattr("roadwork.embed.stream.to_float16", vanishes)
    report = run(tmp_path, range(10), embed)
    assert report.computed == 10
    assert 10 <= embed.calls <= 18, "what was in blocks is computed again"
    run(tmp_path, range(10), store="scratch.zarr", cache="fresh")
    assert content(tmp_path / "images.zarr") == content(tmp_path / "scratch.zarr")
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "folder", "link to nothing", "pipe"])
def test_a_block_that_is_damaged_during_the_run_is_computed_again(tmp_path: Path, damage: str) -> None:
    run(tmp_path, range(4))
    embed = Counting()

    def hit(views: Tensor) -> Tensor:
        if not embed.calls:
            (victim,) = blocks(tmp_path)
            whole = victim.read_bytes()
            victim.unlink()
            if damage == "flip":
                victim.write_bytes(whole[:-40] + bytes([whole[-40] ^ 1]) + whole[-39:])
            elif damage == "truncate":
                victim.write_bytes(whole[:-1])
            elif damage == "empty":
                victim.write_bytes(b"")
            elif damage == "folder":
                (victim / "inside").mkdir(parents=True)
            elif damage == "pipe":
                os.mkfifo(victim)
            else:
                victim.symlink_to("nowhere")
        return embed(views)

    assert run(tmp_path, range(8), hit).computed == 8
    assert embed.calls == 8
    run(tmp_path, range(8), store="scratch.zarr", cache="fresh")
    assert content(tmp_path / "images.zarr") == content(tmp_path / "scratch.zarr")
    assert run(tmp_path, range(8)).reused == 8


def test_an_interrupt_keeps_finished_rows(tmp_path: Path) -> None:
    embed = Counting()

    def interrupted(views: Tensor) -> Tensor:
        if embed.calls == 6:
            raise KeyboardInterrupt
        return embed(views)

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, range(10), interrupted)
    assert not (tmp_path / "images.zarr").exists()
    assert leftovers(tmp_path) == []
    again = Counting()
    assert run(tmp_path, range(10), again).reused == 6
    assert again.calls == 4


_CHILD = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_images import colour, run
calls = 0
def pausing(views):
    global calls
    calls += 1
    if calls == int(sys.argv[3]):
        time.sleep(0.5)  # the rows before this one are taken meanwhile
        print("pausing", flush=True)
        for _ in range(3000):
            time.sleep(0.1)
    return colour(views)
run(Path(sys.argv[1]), range(24), pausing)
"""


def child(folder: Path, pause_at: int) -> subprocess.Popen[str]:
    """A process that embeds 24 photographs in blocks of 4 and stands still in the call `pause_at` (0: never)."""
    command = [sys.executable, "-c", _CHILD, str(folder), str(Path(__file__).parent), str(pause_at)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def stop_at(folder: Path, pause_at: int, signum: signal.Signals) -> str:
    """Run the child until it stands still, send `signum`, return what it printed on stderr."""
    process = child(folder, pause_at)
    assert process.stdout is not None
    assert process.stdout.readline() == "pausing\n"
    process.send_signal(signum)
    errors = process.communicate(timeout=300)[1]
    assert process.returncode != 0
    assert not (folder / "images.zarr").exists()
    return errors


def resume(folder: Path) -> int:
    """Resume in this process, to the bytes of a run that was never stopped; returns how many rows were reused."""
    embed = Counting()
    report = run(folder, range(24), embed)
    assert embed.calls == report.computed == 24 - report.reused
    run(folder, range(24), store="scratch.zarr", cache="fresh")
    assert content(folder / "images.zarr") == content(folder / "scratch.zarr")
    assert leftovers(folder) == []
    return report.reused


def test_a_killed_run_resumes_from_its_blocks(tmp_path: Path) -> None:
    stop_at(tmp_path, 11, signal.SIGKILL)  # ten rows were finished, eight of them in blocks
    assert resume(tmp_path) == 8


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_keeps_even_the_unfinished_block(tmp_path: Path, signum: signal.Signals) -> None:
    errors = stop_at(tmp_path, 7, signum)
    assert {signal.SIGINT: "KeyboardInterrupt", signal.SIGTERM: "Terminated"}[signum] in errors
    assert leftovers(tmp_path) == []
    assert resume(tmp_path) in (5, 6, 7)  # several photographs are in the model at once
