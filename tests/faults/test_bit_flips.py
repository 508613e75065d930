"""One flipped bit, in any file that the stages leave, is found: by whoever reads the file, and by `roadwork verify`."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.finished import copied
from harness.nursery import Nursery, Workplace

from pipeline import verify
from pipeline.paths import BUNDLE, FINETUNED, IMAGE_STORE, LEFT_OUT, PARAMS, PRETRAINED, REPORT, TEXT_STORE
from roadwork.bundle.load import load_bundle
from roadwork.embed.cache_block import DamagedBlockError, read_block
from roadwork.embed.store import read_image_store, read_text_store
from roadwork.errors import BundleError, StoreError
from roadwork.train.checkpoint import load_head

pytestmark = pytest.mark.slow

FOLDERS = ("data", "features", "models", "metrics", "reports")
QUICK, LONG = 3, 12
"""Flips in each file."""

CHECKSUMMED: dict[str, tuple[Path, Callable[[Path], object], type[Exception], str]] = {
    "image store": (IMAGE_STORE, read_image_store, StoreError, "roadwork embed_images"),
    "text store": (TEXT_STORE, read_text_store, StoreError, "roadwork embed_text"),
    "pretrained head": (PRETRAINED, load_head, BundleError, "dvc repro"),
    "fine-tuned head": (FINETUNED / "0", load_head, BundleError, "dvc repro"),
    "bundle": (BUNDLE, load_bundle, BundleError, "dvc repro"),
}


@pytest.fixture
def place(
    finished_project: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_thread: None
) -> Iterator[Workplace]:
    """A finished project of its own, entered."""
    place = copied(finished_project, tmp_path / "copy")
    monkeypatch.chdir(place.project)
    monkeypatch.setenv("ROADWORK_CACHE", str(place.cache))
    yield place
    shutil.rmtree(tmp_path / "copy")


def flip(path: Path, rng: random.Random) -> bytes:
    """Flip one bit of the file; its content before."""
    content = path.read_bytes()
    bad, bit = bytearray(content), rng.randrange(len(content) * 8)
    bad[bit // 8] ^= 1 << bit % 8
    path.write_bytes(bad)
    return content


def files_of(*folders: Path | str) -> list[Path]:
    """All files below that stages wrote, in order; without empty ones, which have no bit."""
    found = (file for folder in folders for file in sorted(Path(folder).rglob("*")))
    return [file for file in found if file.is_file() and file.stat().st_size and file != LEFT_OUT]


def blocks(place: Workplace) -> list[Path]:
    return sorted((place.cache / "embeddings").glob("*/*.safetensors"))


def every_reader_notices(place: Workplace, flips: int, rng: random.Random) -> int:
    """Flip bits of everything that carries a checksum of its own; how many were flipped."""
    count = 0
    for kind, (folder, read, error, stage) in CHECKSUMMED.items():
        read(folder)
        for file in files_of(folder):
            if kind.endswith("head") and file.suffix == ".parquet":
                continue  # the stage that scores them holds them against their digest, not this reader
            for _ in range(flips):
                content = flip(file, rng)
                with pytest.raises(error, match=stage):
                    read(folder)
                file.write_bytes(content)
                count += 1
        read(folder)
    for file in blocks(place):
        for _ in range(flips):
            content = flip(file, rng)
            with pytest.raises(DamagedBlockError):
                read_block(file)
            file.write_bytes(content)
            count += 1
    return count


def test_whoever_reads_a_checksummed_file_notices_one_bit(place, tally):
    tally.add("bit flips", every_reader_notices(place, QUICK, random.Random(1)))


def test_verify_names_every_file_at_once(place, tally):
    """A bit of every file that DVC recorded, all in one project: the walk goes on to the end and names each of them."""
    assert verify.run(PARAMS).passed
    rng, flipped = random.Random(2), []
    for file in files_of(*FOLDERS):
        if "live" not in file.parts or "plots" in file.parts:
            flip(file, rng)
            flipped.append(file)
    outcome = verify.run(PARAMS)
    assert not outcome.passed
    (told,) = (link for link in outcome.result["links"] if link["name"] == "recorded outputs")
    named = [Path(fault["where"]) for fault in told["faults"]]
    missed = [file for file in flipped if not any(file.is_relative_to(path) for path in named)]
    assert not missed
    assert "Traceback" not in outcome.text
    tally.add("bit flips", len(flipped))


@pytest.mark.parametrize(
    ("name", "link"),
    [
        ("data/manifest.parquet", "recorded outputs"),
        ("features/views.parquet", "recorded outputs"),
        ("metrics/evaluate.json", "scores"),
        ("models/finetuned/1/predictions.parquet", "recorded outputs"),
        ("models/finetuned/0/head.json", "fold 0"),
    ],
)
def test_verify_finds_a_bit_in_one_file(place, tally, name, link):
    flip(Path(name), random.Random(name))
    wrong = [seen["name"] for seen in verify.run(PARAMS).result["links"] if seen["state"] == "wrong"]
    assert link in wrong
    tally.add("bit flips")


def test_verify_finds_a_bit_in_the_cache(place, tally):
    flip(blocks(place)[0], random.Random(3))
    (fault,) = (fault for link in verify.run(PARAMS).result["links"] for fault in link["faults"])
    assert fault["where"] == str(blocks(place)[0])
    assert "embed_images" in fault["fix"]
    tally.add("bit flips")


@pytest.mark.faults
def test_hundreds_of_flips_are_all_found_by_the_readers(place, tally):
    tally.add("bit flips", every_reader_notices(place, LONG, random.Random(4)))


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(2))
def test_verify_finds_each_flip_alone(place, tally, seed):
    rng = random.Random(100 + seed)
    recorded = [file for file in files_of(*FOLDERS) if "live" not in file.parts or "plots" in file.parts]
    missed = []
    for file in [*recorded, *blocks(place)]:
        content = flip(file, rng)
        if verify.run(PARAMS).passed:
            missed.append(file)
        file.write_bytes(content)
        tally.add("bit flips")
    assert not missed
    assert verify.run(PARAMS).passed


STAGES = {
    "features/images.zarr/**/*": ("pretrain",),
    "features/text.zarr/**/*": ("pretrain",),
    "models/pretrained/head.*": ("finetune", "0"),
    "models/pretrained/predictions.parquet": ("headline",),
    "models/pretrained/evidence.parquet": ("evaluate",),
    "models/finetuned/1/head.*": ("ensemble",),
    "models/finetuned/1/holdout.parquet": ("ensemble",),
    "models/baselines.parquet": ("evaluate",),
    "models/bundle/**/*": ("evaluate",),
}
"""Who reads it next."""


@pytest.mark.faults
@pytest.mark.parametrize("pattern", STAGES)
def test_the_next_stage_ends_with_one_message(place, nursery: Nursery, tally, pattern):
    rng = random.Random(pattern)
    files = [file for file in sorted(Path().glob(pattern)) if file.is_file() and file.stat().st_size]
    assert files
    for file in files:
        content = flip(file, rng)
        ended = nursery.run(place, STAGES[pattern])
        assert ended.code == 1, f"{file}: {ended.output}"
        assert "Traceback" not in ended.output
        assert pattern.split("/")[1].split(".")[0] in ended.output
        assert "fix:" in ended.output
        file.write_bytes(content)
        tally.add("bit flips")


@pytest.mark.faults
@pytest.mark.parametrize("harm", ["emptied", "halved", "removed"])
def test_files_that_are_cut_short_are_found(place, tally, harm):
    for file in files_of(*FOLDERS):
        if "live" in file.parts and "plots" not in file.parts:
            continue
        content = file.read_bytes()
        if harm == "removed":
            file.unlink()
        else:
            file.write_bytes(content[: len(content) // 2 if harm == "halved" else 0])
        outcome = verify.run(PARAMS)
        if harm == "removed" and file == REPORT:  # the end of the chain: nothing was made from it
            assert "not made yet: run `roadwork report`" in outcome.text
        else:
            assert not outcome.passed, file
        assert "Traceback" not in outcome.text
        file.write_bytes(content)
        tally.add("faults survived")
