"""Links of `roadwork verify`: parameters, photographs, manifest, views, folds, sampling weights."""

from __future__ import annotations

import csv
from pathlib import Path

from pipeline.parameter_checks import check_before_stage
from pipeline.paths import (
    CONTACT_SHEET,
    FOLDS,
    IMAGES,
    INGEST_METRICS,
    MANIFEST,
    REJECTS,
    SAMPLING,
    SAMPLING_METRICS,
    SAMPLING_PICTURE,
    VIEWS,
)
from pipeline.verification.project import Project
from roadwork.data.sampling_config import SamplingConfig
from roadwork.data.table_file import read_table_file
from roadwork.embed.photographs import photographs_of
from roadwork.errors import DataError
from roadwork.model.metadata_config import MetadataConfig
from roadwork.verify.division import check_folds, check_sampling
from roadwork.verify.fault import Faults
from roadwork.verify.manifest import check_metrics, check_values
from roadwork.verify.photographs import check_photographs
from roadwork.verify.walk import Link
from roadwork.views.geometry import ViewsConfig


def data_links(project: Project, *, rehash: bool) -> list[Link]:
    """The links up to the sampling weights, in the order of the data."""

    def parameters(faults: Faults) -> str:
        with faults.noted():
            check_before_stage(project.params)
        return f"{project.params}, seed {project.seed}"

    def manifest(faults: Faults) -> str:
        found = project.manifest
        with faults.noted():
            vocabularies = project.section("metadata", MetadataConfig).vocabularies
            check_values(found, vocabularies, faults, where=str(MANIFEST))
        with faults.noted():
            metrics = project.metrics(INGEST_METRICS, "ingest")
            check_metrics(found, metrics, _rejects(REJECTS), faults, where=str(INGEST_METRICS))
        return f"{len(found)} rows, digest {found.digest[:12]}"

    def photographs(faults: Faults) -> str:
        return check_photographs(project.manifest, faults, rehash=rehash)

    def views(faults: Faults) -> str:
        table = read_table_file(VIEWS, stage="tile")
        _present(CONTACT_SHEET, "tile", faults)
        photographs_of(project.manifest, table, project.section("views", ViewsConfig))
        return f"{len(table)} views of {len(project.manifest)} images"

    def folds(faults: Faults) -> str:
        divided = project.divided
        check_folds(divided, project.known_frame, project.folds, faults, where=str(FOLDS))
        return f"{len(divided)} rows, {len(project.folds)} folds"

    def sampling(faults: Faults) -> str:
        table = read_table_file(SAMPLING, stage="sampling")
        _present(SAMPLING_PICTURE, "sampling", faults)
        config = project.section("sampling", SamplingConfig)
        asked = {
            name: getattr(config, name) for name in ("enabled", "reference", "near_km", "target_share", "min_share")
        }
        metrics = None
        with faults.noted():
            metrics = project.metrics(SAMPLING_METRICS, "sampling")
        check_sampling(
            table, project.known_divided, metrics, asked, faults, where=str(SAMPLING),
            metrics_where=str(SAMPLING_METRICS),
        )  # fmt: skip
        return f"{len(table)} training images"

    return [
        Link("parameters", "ingest", [project.params], (), parameters),
        Link("manifest", "ingest", [MANIFEST, REJECTS], (), manifest),
        Link("photographs", "ingest", [MANIFEST, IMAGES], ("manifest",), photographs),
        Link("views", "tile", [VIEWS], ("manifest", "photographs"), views),
        Link("folds", "folds", [FOLDS], ("manifest",), folds),
        Link("sampling weights", "sampling", [SAMPLING], ("manifest", "folds"), sampling),
    ]


def _rejects(path: Path) -> int:
    """How many rows were rejected."""
    fix = "run `roadwork ingest` again"
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(stream))
    except FileNotFoundError:
        raise DataError("there is no table of rejected rows", where=str(path), fix=fix) from None
    except (OSError, csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"not readable as CSV: {error}", where=str(path), fix=fix) from None
    if not rows or any(len(row) != len(rows[0]) for row in rows):
        raise DataError("the table of rejected rows isn't whole", where=str(path), fix=fix)
    return len(rows) - 1


def _present(path: Path, stage: str, faults: Faults) -> None:
    if not path.is_file() or not path.stat().st_size:
        faults.add(f"{path.name} is missing or empty", where=str(path), fix=f"run `roadwork {stage}` again")
