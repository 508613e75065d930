"""The two Zarr stores: contract, round trip, determinism and every refusal."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import google_crc32c
import numpy as np
import pytest
import zarr
from zarr.codecs import Crc32cCodec

from roadwork.embed import zarr_folder
from roadwork.embed.store import read_image_store, read_text_store, write_image_store, write_text_store
from roadwork.errors import StoreError

ATTRIBUTES = {"fingerprint": "ab" * 32, "provenance": {"backbone": "tiny"}, "manifest_digest": "cd" * 32}


def ids(count: int) -> list[str]:
    return [hashlib.sha256(str(i).encode()).hexdigest() for i in range(count)]


def values(count: int, views: int = 2, dim: int = 3) -> np.ndarray:
    return np.random.default_rng(5).standard_normal((count, views, dim)).astype(np.float16)


def put(path: Path, count: int = 300, cuts: tuple[int, ...] = (100, 250)) -> np.ndarray:
    rows = values(count)
    blocks = np.split(rows, cuts)
    write_image_store(path, ids(count), blocks, view_count=2, dim=3, attributes=ATTRIBUTES)
    return rows


def content(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


def test_image_store_round_trip_is_exact(tmp_path: Path) -> None:
    rows = put(tmp_path / "images.zarr")
    store = read_image_store(tmp_path / "images.zarr")
    assert store.embeddings.dtype == np.float16
    assert np.array_equal(store.embeddings, rows)
    assert store.image_ids == ids(300)
    assert store.attributes == ATTRIBUTES


def test_image_store_follows_the_zarr_contract(tmp_path: Path) -> None:
    put(tmp_path / "images.zarr")
    group = zarr.open_group(tmp_path / "images.zarr", mode="r")
    assert group.metadata.zarr_format == 3
    assert sorted(group.array_keys()) == ["embeddings", "image_id"]
    embeddings, image_id = group["embeddings"], group["image_id"]
    assert isinstance(embeddings, zarr.Array)
    assert isinstance(image_id, zarr.Array)
    assert (embeddings.shape, embeddings.chunks, embeddings.shards) == ((300, 2, 3), (256, 2, 3), None)
    assert (embeddings.compressors, embeddings.filters, str(embeddings.dtype)) == ((Crc32cCodec(),), (), "float16")
    assert np.isnan(embeddings.fill_value)
    assert (image_id.shape, str(image_id.dtype), image_id.chunks) == ((300, 32), "uint8", (256, 32))
    assert np.asarray(image_id[7]).tobytes() == hashlib.sha256(b"7").digest()
    # Uncompressed little-endian float16: the first chunk's bytes are the first 256 images', then their CRC-32C.
    raw = (tmp_path / "images.zarr/embeddings/c/0/0/0").read_bytes()
    assert raw[:-4] == values(300)[:256].astype("<f2").tobytes()
    assert int.from_bytes(raw[-4:], "little") == google_crc32c.value(raw[:-4])


def test_any_reader_of_zarr_opens_a_store(tmp_path: Path) -> None:
    rows = put(tmp_path / "images.zarr")
    opened = zarr.open(tmp_path / "images.zarr")
    assert isinstance(opened, zarr.Group)
    assert np.array_equal(opened["embeddings"][:], rows)  # pyright: ignore
    assert sorted(opened.attrs) == ["fingerprint", "manifest_digest", "provenance", "seal"]


def small_store(path: Path) -> None:
    write_image_store(path, ids(2), [values(2)], view_count=2, dim=3, attributes={**ATTRIBUTES, "é": "ä"})


FILES = ["zarr.json", "embeddings/zarr.json", "embeddings/c/0/0/0", "image_id/zarr.json", "image_id/c/0/0"]


@pytest.mark.parametrize("name", FILES)
def test_whatever_bit_of_a_store_flips_it_is_noticed(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every bit of the numbers and their checksum, and one bit of every byte of the other files."""
    monkeypatch.setattr("roadwork.embed.zarr_folder.CHUNK_IMAGES", 2)
    path = tmp_path / "images.zarr"
    small_store(path)
    whole = (path / name).read_bytes()
    assert read_image_store(path).image_ids == ids(2)
    handle = os.open(path / name, os.O_RDWR)
    for place, byte in enumerate(whole):
        for bit in range(8) if name.startswith("embeddings/c") else [place % 8]:
            os.pwrite(handle, bytes([byte ^ 1 << bit]), place)
            with pytest.raises(StoreError, match="damaged") as caught:
                read_image_store(path)
            assert "roadwork embed_images" in caught.value.fix
        os.pwrite(handle, bytes([byte]), place)
    os.close(handle)
    assert read_image_store(path).image_ids == ids(2)


def test_a_flipped_bit_of_a_text_store_names_its_stage(tmp_path: Path) -> None:
    path = tmp_path / "text.zarr"
    rows = np.random.default_rng(0).standard_normal((3, 5)).astype(np.float16)
    write_text_store(path, ids(3), rows, np.array([True, False, True]), attributes=ATTRIBUTES)
    for file in sorted(file for file in path.rglob("*") if file.is_file()):
        whole = file.read_bytes()
        for place in (0, len(whole) // 2, len(whole) - 1):
            flipped = bytearray(whole)
            flipped[place] ^= 0b1000
            file.write_bytes(flipped)
            with pytest.raises(StoreError, match="damaged") as caught:
                read_text_store(path)
            assert "roadwork embed_text" in caught.value.fix
        file.write_bytes(whole)


def swap(one: Path, other: Path) -> None:
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


@pytest.mark.parametrize(
    "damage",
    [
        lambda p: swap(p / "embeddings/c/0/0/0", p / "embeddings/c/1/0/0"),
        lambda p: swap(p / "image_id/c/0/0", p / "image_id/c/1/0"),
        lambda p: shutil.copy(p / "embeddings/c/0/0/0", p / "embeddings/c/1/0/0"),
        lambda p: shutil.copytree(p / "embeddings/c/1", p / "embeddings/c/2"),
        lambda p: (p / "embeddings/c/1/0/0").write_bytes((p / "embeddings/c/1/0/0").read_bytes()[:-1]),
        lambda p: (p / "embeddings/c/1/0/0").write_bytes(b""),
        lambda p: (p / "more.txt").write_text("mine"),
        lambda p: (p / "zarr.json").write_text((p / "zarr.json").read_text().replace('"seal"', '"seel"')),
    ],
    ids=["swapped", "swapped ids", "doubled", "extra", "truncated", "emptied", "alien file", "no seal"],
)
def test_a_chunk_in_the_place_of_another_is_noticed(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    path = tmp_path / "images.zarr"
    put(path, 512)
    damage(path)
    with pytest.raises(StoreError, match="damaged") as caught:
        read_image_store(path)
    assert "roadwork embed_images" in caught.value.fix


def test_what_file_managers_leave_is_no_damage(tmp_path: Path) -> None:
    put(tmp_path / "images.zarr")
    (tmp_path / "images.zarr" / "embeddings" / ".DS_Store").write_bytes(b"?")
    assert len(read_image_store(tmp_path / "images.zarr").image_ids) == 300


@pytest.mark.parametrize("cuts", [(), (1,), (255, 256, 257), (7, 7, 290)])
def test_equal_rows_give_equal_bytes_however_they_are_cut(tmp_path: Path, cuts: tuple[int, ...]) -> None:
    put(tmp_path / "a.zarr")
    put(tmp_path / "b.zarr", cuts=cuts)
    assert content(tmp_path / "a.zarr") == content(tmp_path / "b.zarr")


def test_a_chunk_of_zeros_is_written(tmp_path: Path) -> None:
    zeros = np.zeros((3, 2, 3), np.float16)
    write_image_store(tmp_path / "z.zarr", ids(3), [zeros], view_count=2, dim=3, attributes=ATTRIBUTES)
    assert np.array_equal(read_image_store(tmp_path / "z.zarr").embeddings, zeros)


def test_an_empty_store_can_be_read(tmp_path: Path) -> None:
    write_image_store(tmp_path / "z.zarr", [], [], view_count=12, dim=8, attributes=ATTRIBUTES)
    assert read_image_store(tmp_path / "z.zarr").embeddings.shape == (0, 12, 8)


@pytest.mark.parametrize("bad", [65_505.0, -7e4, np.inf, np.nan])
def test_a_value_float16_cannot_hold_names_the_image_and_keeps_the_old_store(tmp_path: Path, bad: float) -> None:
    path = tmp_path / "images.zarr"
    put(path)
    before = content(path)
    rows = values(300).astype(np.float32)
    rows[271, 1, 2] = bad
    with pytest.raises(StoreError, match=ids(300)[271]) as caught:
        write_image_store(path, ids(300), [rows[:200], rows[200:]], view_count=2, dim=3, attributes=ATTRIBUTES)
    assert "65504" in caught.value.rule
    assert content(path) == before
    assert [f.name for f in tmp_path.iterdir()] == ["images.zarr"]


def test_the_largest_float16_is_kept(tmp_path: Path) -> None:
    rows = np.full((1, 1, 2), 65_504.0, np.float32)
    write_image_store(tmp_path / "z.zarr", ids(1), [rows], view_count=1, dim=2, attributes=ATTRIBUTES)
    assert read_image_store(tmp_path / "z.zarr").embeddings.max() == 65_504.0


def test_leftovers_of_the_zarr_library_are_not_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = zarr_folder.write_array

    def with_leftover(place: Path, name: str, *args: object, **kwargs: object) -> None:
        original(place, name, *args, **kwargs)  # pyright: ignore[reportArgumentType]
        (place / f"{name}.1234.partial").write_bytes(b"half")

    monkeypatch.setattr("roadwork.embed.store.write_array", with_leftover)
    put(tmp_path / "images.zarr")
    assert not list((tmp_path / "images.zarr").rglob("*.partial"))


@pytest.mark.parametrize(("rows", "views"), [(299, 2), (301, 2), (300, 3)])
def test_blocks_that_do_not_add_up_are_a_bug(tmp_path: Path, rows: int, views: int) -> None:
    with pytest.raises(ValueError, match=r"announced|expected|image ids"):
        write_image_store(
            tmp_path / "z.zarr", ids(300), [values(rows, views)], view_count=2, dim=3, attributes=ATTRIBUTES
        )
    assert not (tmp_path / "z.zarr").exists()


def test_a_missing_store_says_which_stage_writes_it(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="does not exist") as caught:
        read_image_store(tmp_path / "images.zarr")
    assert "roadwork embed_images" in caught.value.fix
    with pytest.raises(StoreError, match="does not exist") as caught:
        read_text_store(tmp_path / "text.zarr")
    assert "roadwork embed_text" in caught.value.fix


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda p: (p / "embeddings/c/1/0/0").unlink(), "damaged"),
        (lambda p: (p / "image_id/c/0/0").unlink(), "damaged"),
        (lambda p: (p / "embeddings/c/0/0/0").write_bytes(b"short"), "damaged"),
        (lambda p: (p / "zarr.json").write_text("{"), "damaged"),
        (lambda p: shutil.rmtree(p / "image_id"), "damaged"),
        (lambda p: (p / "zarr.json").unlink(), "damaged"),
    ],
)
def test_damage_is_a_store_error(tmp_path: Path, damage, message: str) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "images.zarr"
    put(path)
    damage(path)
    with pytest.raises(StoreError, match=message) as caught:
        read_image_store(path)
    assert str(path) in caught.value.where


def test_a_row_without_numbers_is_a_store_error(tmp_path: Path) -> None:
    path = tmp_path / "images.zarr"
    rows = values(300)
    rows[9, 0, 0] = np.float16("nan")
    with zarr_folder.published_group(path, ATTRIBUTES) as group:
        zarr_folder.write_array(group, "embeddings", [rows], shape=rows.shape, dtype="float16", axes=("i", "v", "d"))
    with pytest.raises(StoreError, match="the first is row 9"):
        read_image_store(path)


def test_another_type_or_shape_is_a_store_error(tmp_path: Path) -> None:
    with zarr_folder.published_group(tmp_path / "images.zarr", {}) as place:
        group = zarr.open_group(str(place), mode="r+")
        group.create_array("embeddings", data=np.zeros((3, 2, 3), np.float32))
    with pytest.raises(StoreError, match="float32") as caught:
        read_image_store(tmp_path / "images.zarr")
    assert "float16" in caught.value.rule
    with zarr_folder.published_group(tmp_path / "more.zarr", {}) as place:
        group = zarr.open_group(str(place), mode="r+")
        group.create_array("embeddings", data=np.ones((3, 2, 3), np.float16))
        group.create_array("image_id", data=np.ones((2, 32), np.uint8))
    with pytest.raises(StoreError, match="image_id") as caught:
        read_image_store(tmp_path / "more.zarr")
    assert "3 × 32" in caught.value.rule
    with zarr_folder.published_group(tmp_path / "less.zarr", {}):
        pass
    with pytest.raises(StoreError, match="no array `embeddings`"):
        read_image_store(tmp_path / "less.zarr")


def test_expected_ids_are_compared_in_order(tmp_path: Path) -> None:
    path = tmp_path / "images.zarr"
    put(path)
    assert read_image_store(path, image_ids=ids(300)).image_ids == ids(300)
    swapped = [ids(300)[1], ids(300)[0], *ids(300)[2:]]
    with pytest.raises(StoreError, match="row 0"):
        read_image_store(path, image_ids=swapped)
    with pytest.raises(StoreError, match="holds 300 images, 299"):
        read_image_store(path, image_ids=ids(299))


def test_text_store_round_trip(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).standard_normal((4, 384)).astype(np.float32)
    rows[2] = 0
    present = np.array([True, True, False, True])
    path = tmp_path / "text.zarr"
    write_text_store(path, ids(4), rows, present, attributes=ATTRIBUTES)
    store = read_text_store(path, image_ids=ids(4))
    assert np.array_equal(store.embeddings, rows.astype(np.float16))
    assert store.present.dtype == np.bool_
    assert store.present.tolist() == present.tolist()
    assert store.attributes == ATTRIBUTES
    with pytest.raises(StoreError, match="row 0"):
        read_text_store(path, image_ids=ids(4)[::-1])


def test_ids_must_be_sha256() -> None:
    with pytest.raises(ValueError, match="no sha256"):
        zarr_folder.pack_ids(["abcd"])


def test_attributes_stay_strict_json(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_image_store(tmp_path / "z.zarr", [], [], view_count=1, dim=1, attributes={"x": float("nan")})
    put(tmp_path / "a.zarr")
    attributes = json.loads((tmp_path / "a.zarr/zarr.json").read_text())["attributes"]
    assert len(attributes.pop("seal")) == 64
    assert attributes == ATTRIBUTES


def test_reading_a_store_needs_no_torch() -> None:
    code = "import sys, roadwork.embed.store; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
