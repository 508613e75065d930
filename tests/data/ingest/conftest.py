"""A small source on disk, and a call of `ingest` on it."""

import csv
from pathlib import Path

import pytest

from roadwork.config import parse_section, read_params
from roadwork.data.ingest import ingest
from roadwork.data.ingest_config import IngestConfig
from roadwork.data.left_out import LeftOut
from roadwork.data.probing import LocalProbing
from roadwork.data.vocabulary import VocabulariesConfig

PARAMS = Path(__file__).parents[3] / "params.yaml"


@pytest.fixture
def config():
    """`config(**changes)`: the committed section `ingest` for a folder, changed."""

    def build(**changes):
        values = {**read_params(PARAMS)["ingest"], "source": "folder", "group_radius_m": 0, **changes}
        return parse_section(values, "ingest", IngestConfig, where=PARAMS)

    return build


@pytest.fixture
def run(tmp_path, config):
    """Ingest the table or folder `source/` with changed parameters."""
    values = read_params(PARAMS)["metadata"]["vocabularies"]
    vocabularies = parse_section(values, "metadata.vocabularies", VocabulariesConfig, where=PARAMS)

    def call(seed=1, workers=2, probing=None, left_out=None, **changes):
        draft = tmp_path / "data" / "draft"
        draft.mkdir(parents=True, exist_ok=True)
        built = config(**{"path": str(tmp_path / "source"), **changes})
        return ingest(
            built,
            vocabularies,
            seed=seed,
            data_root=tmp_path / "data",
            images_dir=tmp_path / "data" / "images",
            draft=draft,
            rejects_path=tmp_path / "data" / "rejects.csv",
            probing=probing or LocalProbing(built.limits, workers),
            left_out=left_out or LeftOut(),
        )

    return call


@pytest.fixture
def put(tmp_path, photograph):
    def write(name, number, **options):
        file = tmp_path / "source" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(number if isinstance(number, bytes) else photograph(number, **options))

    return write


@pytest.fixture
def table(tmp_path, put):
    """A table of `count` good rows, half of them roadwork, then `extra` rows as they are."""

    def write(count=40, extra=(), header="path,label,split,latitude_deg,longitude_deg,weather,description"):
        lines = [header]
        for number in range(count):
            put(f"{number:02}.jpg", number)
            lines.append(f"{number:02}.jpg,{number % 2},,,,,")
        (tmp_path / "source" / "t.csv").write_text("\n".join([*lines, *extra]) + "\n")

    return write


@pytest.fixture
def rejects(tmp_path):
    """The rows of the rejects file."""

    def read():
        with (tmp_path / "data" / "rejects.csv").open(newline="") as stream:
            return list(csv.DictReader(stream))

    return read
