"""One photograph of the gallery with its boxes and what is known of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from roadwork.errors import PhotographError
from roadwork.evaluate.metrics import decisions
from roadwork.evaluate.subgroups import place_name
from roadwork.evidence.overlay import overlay_thumbnail
from roadwork.evidence.table import image_views
from roadwork.evidence.view import most_telling
from roadwork.report.confusion import CLASSES
from roadwork.report.data_uri import jpeg_uri
from roadwork.storage.objects import read_object
from roadwork.storage.place import Place
from roadwork.views.decode import decode_rgb
from roadwork.views.geometry import ViewsConfig, view_boxes

_LANDSCAPE_WIDTH_PX, _PORTRAIT_WIDTH_PX = 640, 400
_TELLING = 3
_FACTS = ("weather", "daytime", "scene", "description", "group")


@dataclass(frozen=True)
class Exhibit:
    """What the page shows of it.

    `picture` is a data URI, `facts` what is known of the photograph by name, None for null; `views` are names and
    deletion evidence of the most telling views, the strongest first.
    """

    picture: str
    path: str
    label: str
    said: str
    probability: float
    facts: tuple[tuple[str, str | None], ...]
    views: tuple[tuple[str, float], ...]

    @property
    def wrong(self) -> bool:
        """Whether the decision isn't the label."""
        return self.label != self.said


def make_exhibit(
    photograph: Place,
    row: Mapping[str, Any],
    label: int,
    probability: float,
    evidence: pd.DataFrame,
    views: ViewsConfig,
) -> Exhibit:
    """The file `photograph`, whose `row` of the manifest says what is known of it, with its rows of the evidence.

    Raises PhotographError where the file isn't the one that was ingested or can't be read.
    """
    rgb = decode_rgb(_checked(photograph, row), max_pixels=int(row["width_px"]) * int(row["height_px"]))
    height_px, width_px = rgb.shape[:2]
    boxes = view_boxes(width_px, height_px, grid=views.grid, overlap=views.overlap)
    shown_px = min(width_px, _LANDSCAPE_WIDTH_PX if width_px >= height_px else _PORTRAIT_WIDTH_PX)
    return Exhibit(
        picture=jpeg_uri(overlay_thumbnail(rgb, boxes, evidence, shown_px)),
        path=str(row["path"]),
        label=CLASSES[label],
        said=CLASSES[int(decisions([probability])[0])],
        probability=probability,
        facts=tuple(_facts(row)),
        views=_telling(evidence),
    )


def _checked(photograph: Place, row: Mapping[str, Any]) -> bytes:
    content = _content(photograph)
    if content is None:
        raise PhotographError(
            "a photograph of the gallery is no longer there",
            where=str(photograph),
            rule="the photographs lie where ingest found them",
            fix="put it back, or run `roadwork ingest` again for where they are now",
        )
    if hashlib.sha256(content).hexdigest() != row["image_id"]:
        raise PhotographError(
            "a photograph of the gallery is not the one that was ingested",
            where=str(photograph),
            rule="its bytes have the digest that the manifest names",
            fix="put the old file back, or run `dvc repro` to take up the new one",
        )
    return content


def _content(photograph: Place) -> bytes | None:
    """Its bytes; None where there is no such file or object."""
    if isinstance(photograph, Path):
        return photograph.read_bytes() if photograph.is_file() else None
    try:
        return read_object(photograph)
    except FileNotFoundError:
        return None


def _facts(row: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    latitude_deg, longitude_deg = float(row["latitude_deg"]), float(row["longitude_deg"])
    known = not (pd.isna(latitude_deg) or pd.isna(longitude_deg))
    yield "position", place_name(latitude_deg, longitude_deg) if known else None
    yield "size", f"{row['width_px']} × {row['height_px']} px"
    for name in _FACTS:
        yield name, None if pd.isna(row[name]) else str(row[name])


def _telling(evidence: pd.DataFrame) -> tuple[tuple[str, float], ...]:
    views = image_views(evidence)
    return tuple((views[place].name, views[place].deletion) for place in most_telling(views, _TELLING))
