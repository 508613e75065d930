"""Photographs in a real S3 server: ingested, cut and looked for there."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from roadwork.config import parse_section, read_params
from roadwork.data.ingest import ingest
from roadwork.data.ingest_config import IngestConfig
from roadwork.data.left_out import LeftOut
from roadwork.data.manifest import read_manifest, write_manifest
from roadwork.data.probing import LocalProbing
from roadwork.data.vocabulary import VocabulariesConfig

pytest.importorskip("s3fs")
pytestmark = pytest.mark.ray

PARAMS = read_params(Path(__file__).parents[2] / "params.yaml")


def photograph(number: int) -> bytes:
    pixels = np.random.default_rng(number).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG")
    return stream.getvalue()


def ingested(path: str, folder: Path):
    vocabularies = parse_section(PARAMS["metadata"]["vocabularies"], "v", VocabulariesConfig, where="params.yaml")
    values = {**PARAMS["ingest"], "source": "folder", "path": path, "group_radius_m": 0, "max_reject_fraction": 1}
    config = parse_section({**values, "max_file_megabytes": 1}, "ingest", IngestConfig, where="params.yaml")
    folder.mkdir()
    result = ingest(
        config,
        vocabularies,
        seed=1,
        data_root=folder,
        images_dir=folder / "images",
        draft=folder,
        rejects_path=folder / "rejects.csv",
        probing=LocalProbing(config.limits, 2),
        left_out=LeftOut(),
    )
    return result, (folder / "rejects.csv").read_bytes()


@pytest.fixture
def files(tmp_path: Path) -> dict[str, bytes]:
    found = {f"photos/{number} ü#?.jpg": photograph(number) for number in range(12)}
    found |= {"large.jpg": bytes(1_500_000), "bad.jpg": photograph(30)[:500], "none.jpg": b""}
    rows = [f"{name},{number % 2}" for number, name in enumerate([*found, "missing.jpg", "../photos/1.jpg"])]
    found["table.csv"] = "\n".join(["path,label", *rows, ""]).encode()
    for name, content in found.items():
        (tmp_path / "folder" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "folder" / name).write_bytes(content)
    return found


def put(url: str, files: dict[str, bytes]) -> None:
    import boto3

    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    client = boto3.client("s3")
    for name, content in files.items():
        client.put_object(Bucket=bucket, Key=f"{prefix}/{name}", Body=content)


def test_manifest_rejects_and_views_are_those_of_the_folder(s3: str, files: dict[str, bytes], tmp_path: Path) -> None:
    from roadwork.embed.isolated_cutter import IsolatedCutter
    from roadwork.embed.photographs import photographs_of
    from roadwork.embed.view_cutter import view_cutter
    from roadwork.verify.fault import Faults
    from roadwork.verify.photographs import check_photographs
    from roadwork.views.decoder import CpuDecoder
    from roadwork.views.geometry import ViewsConfig
    from roadwork.views.table import view_table

    put(s3, files)
    here, rejects = ingested(str(tmp_path / "folder"), tmp_path / "here")
    there, told = ingested(s3, tmp_path / "there")
    assert there.manifest.digest == here.manifest.digest
    assert there.metrics == here.metrics
    assert told == rejects

    write_manifest(there.manifest, tmp_path / "manifest.parquet")
    assert b"aws" not in (tmp_path / "manifest.parquet").read_bytes().lower()
    manifest = read_manifest(tmp_path / "manifest.parquet")
    views = ViewsConfig(grid=2, overlap=0.25, size_px=16, decoder="cpu")
    table = view_table(manifest.frame, views)
    cut = view_cutter(CpuDecoder(), 16)
    with IsolatedCutter(16, timeout_s=300) as isolated:
        for photo, same in zip(
            photographs_of(manifest, table, views), photographs_of(here.manifest, table, views), strict=True
        ):
            assert np.array_equal(isolated(photo), cut(photo))
            assert np.array_equal(cut(photo), cut(same))

    faults = Faults()
    assert "every sha256 compared" in check_photographs(manifest, faults, rehash=True)
    assert faults.found == []


def test_a_store_that_refuses_for_a_while_costs_no_photograph(
    faulty_s3, files: dict[str, bytes], tmp_path: Path
) -> None:
    put(faulty_s3.url, files)
    expected, rejects = ingested(str(tmp_path / "folder"), tmp_path / "here")
    faulty_s3.proxy.slow_down(requests=12, method="GET")
    result, told = ingested(faulty_s3.url, tmp_path / "there")
    assert faulty_s3.proxy.count(status=503) == 12
    assert result.manifest.digest == expected.manifest.digest
    assert told == rejects
