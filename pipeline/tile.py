"""Stage `tile`: manifest to the table of views, and a contact sheet to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.paths import CONTACT_SHEET, MANIFEST, PARAMS, VIEWS
from roadwork.config import load_section
from roadwork.data.manifest import read_manifest
from roadwork.errors import PhotographError
from roadwork.publish import published_file
from roadwork.views.contact_sheet import Sample, choose_rows, contact_sheet
from roadwork.views.decode import decode_rgb
from roadwork.views.geometry import ViewsConfig
from roadwork.views.table import view_table

_SHOWN = 4


def run(params: Path = PARAMS) -> dict[str, Any]:
    """Write `features/views.parquet` and the contact sheet; returns the counts of images and views."""
    config = load_section(params, "views", ViewsConfig)
    manifest = read_manifest(MANIFEST)
    table = view_table(manifest.frame, config)
    samples = []
    for row in choose_rows(manifest.frame, _SHOWN):
        pixels = int(manifest.frame["width_px"].iloc[row]) * int(manifest.frame["height_px"].iloc[row])
        path = manifest.photograph(row)
        if isinstance(path, Path) and not path.is_file():
            raise PhotographError(
                "a photograph of the manifest is no longer there",
                where=str(path),
                rule="the photographs lie where ingest found them",
                fix="put it back, or run `roadwork ingest` again",
            )
        samples.append(Sample(path.name, decode_rgb(path, max_pixels=pixels)))
    sheet = contact_sheet(samples, config)
    with published_file(VIEWS) as views, published_file(CONTACT_SHEET) as picture:
        table.to_parquet(views, index=False)
        sheet.save(picture, format="JPEG", quality=88)
    return {"images": len(manifest), "views": len(table), "shown": [sample.name for sample in samples]}
