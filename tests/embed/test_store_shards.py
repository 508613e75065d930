"""Stores of many images: shards that are written whole and read chunk by chunk, and held together by the seal."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zarr
from zarr.codecs import Crc32cCodec

from roadwork.embed import zarr_folder
from roadwork.embed.store import (
    open_image_store,
    read_image_store,
    read_text_store,
    write_image_store,
    write_text_store,
)
from roadwork.embed.store_attributes import read_store_attributes
from roadwork.errors import StoreError

ATTRIBUTES = {"fingerprint": "ab" * 32, "manifest_digest": "cd" * 32}
N = 1500  # with four chunks of 256 to a shard: a whole shard, and one with a whole and a short chunk


def ids(count: int = N) -> list[str]:
    return [hashlib.sha256(str(i).encode()).hexdigest() for i in range(count)]


def values(count: int = N, seed: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, 2, 3)).astype(np.float16)


def put(path: Path, rows: np.ndarray, cuts: tuple[int, ...] = ()) -> Path:
    write_image_store(path, ids(len(rows)), np.split(rows, cuts), view_count=2, dim=3, attributes=ATTRIBUTES)
    return path


@pytest.fixture
def shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zarr_folder, "SHARDED_ABOVE", 600)
    monkeypatch.setattr(zarr_folder, "SHARD_CHUNKS", 4)


@pytest.fixture
def store(shards: None, tmp_path: Path) -> Path:
    return put(tmp_path / "images.zarr", values())


def files(path: Path) -> list[str]:
    return sorted(f.relative_to(path).as_posix() for f in path.rglob("*") if f.is_file())


def content(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in files(folder)}


def test_as_committed_a_shard_is_4096_images_from_65537_images_on(tmp_path: Path) -> None:
    rows = np.zeros((65_537, 1, 1), np.float16)
    names = [f"{i:064x}" for i in range(len(rows))]
    for count, expected in ((65_536, 256), (65_537, 17)):
        path = tmp_path / f"{count}.zarr"
        write_image_store(path, names[:count], [rows[:count]], view_count=1, dim=1, attributes=ATTRIBUTES)
        assert len(list((path / "embeddings" / "c").glob("*/0/0"))) == expected
        array = zarr.open_group(path, mode="r")["embeddings"]
        assert isinstance(array, zarr.Array)
        assert (array.chunks, array.shards) == ((256, 1, 1), None if count == 65_536 else (4096, 1, 1))


def test_any_reader_of_zarr_reads_shards_of_chunks_with_checksums(store: Path) -> None:
    array = zarr.open_group(store, mode="r")["embeddings"]
    assert isinstance(array, zarr.Array)
    assert np.array_equal(array[:], values())  # pyright: ignore
    assert (array.chunks, array.shards, array.compressors) == ((256, 2, 3), (1024, 2, 3), (Crc32cCodec(),))
    assert [name for name in files(store) if name.startswith("embeddings/c")] == [
        "embeddings/c/0/0/0", "embeddings/c/1/0/0",
    ]  # fmt: skip
    chunk, index = 256 * 12 + 4, 4 * 16 + 4
    sizes = [(store / f"embeddings/c/{n}/0/0").stat().st_size for n in (0, 1)]
    assert sizes == [4 * chunk + index, 2 * chunk + index], "no byte is outside a chunk or the index"


def test_stores_with_and_without_shards_hold_the_same(store: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(zarr_folder, "SHARDED_ABOVE", 10**9)
    plain = put(tmp_path / "plain.zarr", values())
    one, two = (read_image_store(path) for path in (store, plain))
    assert np.array_equal(one.embeddings, two.embeddings)
    assert (one.image_ids, one.attributes) == (two.image_ids, two.attributes)


def test_a_chunk_is_read_alone(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = open_image_store(store)
    assert opened.chunks == 6
    taken: list[int] = []
    get = zarr.storage.LocalStore.get

    async def counted(self, key, prototype, byte_range=None):
        found = await get(self, key, prototype, byte_range)
        taken.append(len(found.to_bytes()))
        return found

    monkeypatch.setattr(zarr.storage.LocalStore, "get", counted)
    for number in range(6):
        assert np.array_equal(opened.chunk(number), values()[number * 256 : (number + 1) * 256])
    assert taken == [68, 256 * 12 + 4] * 6


@pytest.mark.parametrize("cuts", [(1,), (255, 256, 257, 1024), (7, 7, 1490), tuple(range(0, N, 64))])
def test_equal_rows_give_equal_bytes_however_they_are_cut(store: Path, tmp_path: Path, cuts: tuple[int, ...]) -> None:
    assert content(put(tmp_path / "other.zarr", values(), cuts)) == content(store)


def swap(one: Path, other: Path) -> None:
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


def swap_chunks(shard: Path) -> None:
    """Two whole chunks with their checksums change places: index, size and every checksum stay right."""
    raw, size = shard.read_bytes(), 256 * 12 + 4
    shard.write_bytes(raw[size : 2 * size] + raw[:size] + raw[2 * size :])


@pytest.mark.parametrize(
    "damage",
    [
        lambda p: swap(p / "embeddings/c/0/0/0", p / "embeddings/c/1/0/0"),
        lambda p: swap(p / "image_id/c/0/0", p / "image_id/c/1/0"),
        lambda p: swap_chunks(p / "embeddings/c/0/0/0"),
        lambda p: (p / "embeddings/c/1/0/0").unlink(),
        lambda p: (p / "embeddings/c/1/0/0").write_bytes((p / "embeddings/c/1/0/0").read_bytes()[:-1]),
        lambda p: (p / "embeddings/c/1/0/0").write_bytes((p / "embeddings/c/1/0/0").read_bytes()[1:]),
        lambda p: (p / "embeddings/c/1/0/0").write_bytes(b""),
    ],
    ids=["shards", "shards of ids", "chunks of a shard", "gone", "end cut", "start cut", "empty"],
)
def test_what_lies_in_the_place_of_another_is_noticed_before_anything_is_read(
    shards: None, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    store = put(tmp_path / "images.zarr", values(2048))  # two shards of equal size, with equal indices
    damage(store)
    for read in (read_image_store, open_image_store, lambda p: read_store_attributes(p, stage="embed_images")):
        with pytest.raises(StoreError, match="damaged"):
            read(store)


@pytest.mark.parametrize("name", ["embeddings/zarr.json", "embeddings/c/0/0/0", "embeddings/c/1/0/0", "image_id/c/1/0"])
def test_whatever_byte_of_a_shard_changes_it_is_noticed(tmp_path: Path, name: str, monkeypatch) -> None:
    monkeypatch.setattr(zarr_folder, "CHUNK_IMAGES", 2)
    monkeypatch.setattr(zarr_folder, "SHARD_CHUNKS", 2)
    monkeypatch.setattr(zarr_folder, "SHARDED_ABOVE", 2)
    path = put(tmp_path / "images.zarr", values(7))
    whole = (path / name).read_bytes()
    assert read_image_store(path).image_ids == ids(7)
    for place in range(len(whole)):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << place % 8
        (path / name).write_bytes(flipped)
        with pytest.raises(StoreError, match="damaged"):
            read_image_store(path)
    (path / name).write_bytes(whole)
    assert read_image_store(path).image_ids == ids(7)


def test_a_flipped_bit_of_a_chunk_is_told_when_that_chunk_is_read(store: Path) -> None:
    shard = store / "embeddings/c/0/0/0"
    raw = bytearray(shard.read_bytes())
    raw[2 * (256 * 12 + 4) + 100] ^= 4
    shard.write_bytes(raw)
    opened = open_image_store(store)
    assert np.array_equal(opened.chunk(1), values()[256:512])
    with pytest.raises(StoreError, match="damaged"):
        opened.chunk(2)


def test_a_seal_is_checked_by_a_few_bytes_per_chunk(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from roadwork.embed import store_seal

    taken = []
    read = store_seal.read_parts
    monkeypatch.setattr(store_seal, "read_parts", lambda at, parts: taken.extend(parts) or read(at, parts))
    store_seal.check_seal(store)
    of_embeddings = sum(part.end - part.start for part in taken if part.name.startswith("embeddings/c"))
    assert of_embeddings == 2 * (4 * 16 + 4) + 6 * 4


def test_text_stores_have_shards_too(shards: None, tmp_path: Path) -> None:
    rows, present = values()[:, 0], np.arange(N) % 3 > 0
    write_text_store(tmp_path / "text.zarr", ids(), rows, present, attributes=ATTRIBUTES)
    found = read_text_store(tmp_path / "text.zarr", image_ids=ids())
    assert np.array_equal(found.embeddings, rows)
    assert np.array_equal(found.present, present)
    assert len([name for name in files(tmp_path / "text.zarr") if "/c/" in name]) == 6


@pytest.mark.parametrize("count", [601, 1024, 1025, 2048])
def test_any_number_of_images(shards: None, tmp_path: Path, count: int) -> None:
    store = put(tmp_path / "images.zarr", values(count))
    assert np.array_equal(read_image_store(store).embeddings, values(count))
    opened = open_image_store(store)
    assert sum(len(opened.chunk(number)) for number in range(opened.chunks)) == count


def test_rows_of_fill_values_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, none = np.zeros((N, 4), np.float16), np.zeros(N, np.bool_)
    for above in (10**9, 600):
        monkeypatch.setattr(zarr_folder, "SHARDED_ABOVE", above)
        monkeypatch.setattr(zarr_folder, "SHARD_CHUNKS", 4)
        path = tmp_path / f"{above}.zarr"
        write_text_store(path, ids(), rows, none, attributes=ATTRIBUTES)
        assert len(list((path / "present" / "c").iterdir())) == (2 if above == 600 else 6)
        assert sum(file.stat().st_size for file in (path / "present" / "c").iterdir()) >= 6 * 256
        assert not read_text_store(path).present.any()
