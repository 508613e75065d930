"""The corpus through the real stages `ingest`, `tile` and `embed_images`, in processes of their own."""

import csv
import os

import numpy as np
import pytest
from corpus import hostile
from corpus.fuzz import damaged
from corpus.pictures import encoded, picture, whole_photographs
from corpus.stages import run_stage, write_corpus_project

from roadwork.data.manifest import read_manifest
from roadwork.embed.store import read_image_store

# PyTorch and timm take about 0.6 GB before the first photograph; one of 20 million pixels about 0.3 GB on its way.
MOST_BYTES = 2_500_000_000


def corpus(fuzzed):
    whole = whole_photographs()
    files = {f"whole_{name}": content for name, content in whole.items()}
    for kind in (
        hostile.broken_exif,
        hostile.absurd_positions,
        hostile.odd_sizes,
        hostile.bombs,
        hostile.metadata_bombs,
        hostile.lies,
    ):
        files |= kind()
    for name, content in whole.items():
        files |= {f"fuzz_{seed}_{name}": damaged(content, f"{name} stages {seed}") for seed in range(fuzzed)}
    files["scan_bomb.jpg"] = hostile.scan_bomb(side_px=4000)
    return files


def write_source(folder, files):
    """The files as class folders, and among them what is no file; returns how many records there are."""
    for name in ("roadwork", "no_roadwork"):
        (folder / name).mkdir(parents=True)
    for number, (name, content) in enumerate(files.items()):
        (folder / ("roadwork", "no_roadwork")[number % 2] / name).write_bytes(content)
    for number in range(40):  # enough good ones to divide
        name = ("roadwork", "no_roadwork")[number % 2]
        (folder / name / f"good_{number}.jpg").write_bytes(encoded(picture(100 + number), "JPEG"))
    os.mkfifo(folder / "roadwork" / "pipe.jpg")
    (folder / "roadwork" / "loop.jpg").symlink_to("loop.jpg")
    (folder / "roadwork" / "nothing.jpg").symlink_to("nowhere.jpg")
    return len(files) + 43


@pytest.mark.faults
def test_every_file_ends_as_an_embedding_or_a_reject(tmp_path, tally, record_property):
    project = tmp_path / "project"
    files = corpus(fuzzed=15)
    count = write_source(tmp_path / "source", files)
    write_corpus_project(project, tmp_path / "source", max_reject_fraction=0.9, max_pixels=20_000_000, timeout_s=10)

    peaks = {stage: run_stage(project, stage)[1] for stage in ("ingest", "tile", "embed_images")}

    manifest = read_manifest(project / "data" / "manifest.parquet")
    with (project / "data" / "rejects.csv").open(newline="", encoding="utf-8") as stream:
        rejects = list(csv.DictReader(stream))
    rejected = {row["file"] for row in rejects}
    taken = set(manifest.frame["path"])
    assert all(row["rule"] for row in rejects)
    assert not rejected & taken
    assert len(rejected) + len(taken) == count
    assert len(rejected) > len(files) / 4
    assert len(taken) > len(files) / 4

    store = read_image_store(project / "features" / "images.zarr", image_ids=manifest.frame["image_id"].tolist())
    embeddings = np.asarray(store.embeddings, dtype=np.float32)
    assert len(embeddings) == len(taken)
    assert np.isfinite(embeddings).all()
    assert (np.abs(embeddings).sum(axis=2) > 0).all()
    assert max(peaks.values()) < MOST_BYTES
    tally.add("files fuzzed", 15 * len(whole_photographs()))
    tally.add("rows lost", count - len(rejected) - len(taken))
    shown = ", ".join(f"{stage} {peak / 1e6:.0f} MB" for stage, peak in peaks.items())
    record_property(
        "measured", f"corpus of {count} files, {len(taken)} embedded, {len(rejected)} rejected; peak: {shown}"
    )
