"""No name out of a table decides where a file is written; none makes a file outside the source be read."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from pipeline import ingest
from roadwork.config import read_params
from roadwork.data.manifest import read_manifest
from roadwork.data.sources.natix import COLUMNS

NAMES = (
    "../../outside.jpg",
    "../outside.jpg",
    "/nowhere/outside.jpg",
    "..\\outside.jpg",
    "data/../../../outside.jpg",
    "a/../../../../outside.jpg",
    ".",
    "..",
    "~/outside.jpg",
    "con\n.jpg",
    "x" * 300,
    "manifest.parquet",
)


def photograph(number: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.full((48, 64, 3), number % 250, dtype=np.uint8)).save(stream, "JPEG")
    return stream.getvalue() + number.to_bytes(2, "big")


@pytest.fixture
def project(tmp_path, monkeypatch, request):
    """A project's folder inside a folder of its own, entered; calling it writes `params.yaml` for a source."""
    folder = tmp_path / "around" / "project"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)

    def write(**changes):
        params = read_params(request.config.rootpath / "params.yaml")
        params["ingest"] |= {"group_radius_m": 0, "max_reject_fraction": 1.0, "allow_duplicates": True, **changes}
        Path("params.yaml").write_text(json.dumps(params))
        return folder

    return write


def everything(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def test_photographs_inside_parquet_land_under_their_digest(project, tmp_path):
    folder = project(source="natix", path="set")
    rows: list[dict[str, object]] = [
        {"image": {"bytes": photograph(n), "path": NAMES[n % len(NAMES)]}, "id": n, "label": n % 2, "city_name": "c"}
        for n in range(48)
    ]
    Path("set/data").mkdir(parents=True)
    parquet(Path("set/data/train-00000-of-00001.parquet"), rows[:24])
    parquet(Path("set/data/test-00000-of-00001.parquet"), rows[24:])
    before = everything(tmp_path)
    ingest.run()
    new = everything(tmp_path) - before
    inside = folder.relative_to(tmp_path).as_posix()
    assert all(name.startswith((f"{inside}/data", f"{inside}/metrics")) for name in new)
    manifest = read_manifest(Path("data/manifest.parquet"))
    assert len(manifest) == 48
    for row in range(48):
        photo = manifest.photograph(row)
        assert photo.parent.resolve() == (folder / "data" / "images").resolve()
        assert photo.stem == manifest.frame["image_id"].iloc[row]


def parquet(file: Path, rows: list[dict[str, object]]) -> None:
    """Rows of the NATIX layout, what they don't say null."""
    kinds = {"image": pa.struct([("bytes", pa.binary()), ("path", pa.string())]), "id": pa.int64(), "label": pa.int64()}
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in COLUMNS])
    pq.write_table(pa.Table.from_pylist([dict.fromkeys(COLUMNS) | row for row in rows], schema=schema), file)


def as_table(folder: Path, names: list[str], labels: list[int]) -> Path:
    pd.DataFrame({"path": names, "label": labels}).to_csv(folder / "table.csv", index=False)
    return folder


def as_coco(folder: Path, names: list[str], labels: list[int]) -> Path:
    images = [{"file_name": name, "label": label} for name, label in zip(names, labels, strict=True)]
    (folder.parent / "all.json").write_text(json.dumps({"images": images}))
    return folder.parent


def as_natix(folder: Path, names: list[str], labels: list[int]) -> Path:
    rows: list[dict[str, object]] = [
        {"image": {"bytes": None, "path": name}, "id": number, "label": label}
        for number, (name, label) in enumerate(zip(names, labels, strict=True))
    ]
    parquet(folder / "train-00000-of-00001.parquet", rows[:20])
    parquet(folder / "test-00000-of-00001.parquet", rows[20:])
    return folder


@pytest.mark.parametrize(
    ("source", "describe"), [("folder", as_table), ("roadwork_coco", as_coco), ("natix", as_natix)]
)
def test_a_name_outside_the_source_is_a_reject_and_not_read(project, tmp_path, source, describe):
    """The file is there and a good photograph: only its place is wrong."""
    outside = tmp_path / "around" / "outside.jpg"
    outside.write_bytes(photograph(999))
    images = tmp_path / "around" / "project" / "set" / "images"
    images.mkdir(parents=True)
    good = [f"{number}.jpg" for number in range(40)]
    for number, name in enumerate(good):
        (images / name).write_bytes(photograph(number))
    bad = ["../../../outside.jpg", "../../../../around/outside.jpg", str(outside), "../images/../../../outside.jpg"]
    assert (images / bad[0]).resolve() == outside.resolve()
    names = [*good, *bad]
    project(source=source, path=str(describe(images, names, [number % 2 for number in range(len(names))])))
    ingest.run()
    manifest = read_manifest(Path("data/manifest.parquet"))
    rejects = pd.read_csv("data/rejects.csv")
    assert len(manifest) == len(good)
    assert set(rejects["column"]) == {"path"}
    assert len(rejects) == len(bad)
    assert all(manifest.photograph(row).resolve() != outside.resolve() for row in range(len(good)))
