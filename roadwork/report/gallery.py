"""The photographs that teach most: the most confident errors, and the closest calls."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from roadwork.data.manifest import Manifest
from roadwork.errors import DataError
from roadwork.evaluate.metrics import decisions
from roadwork.report.exhibit import Exhibit, make_exhibit
from roadwork.views.geometry import ViewsConfig


class Predicted(NamedTuple):
    """A labelled photograph and the probability of roadwork that the headline gives it."""

    image_id: str
    label: int
    probability: float

    @property
    def wrong(self) -> bool:
        """Whether the decision isn't the label."""
        return int(decisions([self.probability])[0]) != self.label

    @property
    def distance(self) -> float:
        """How far from 0.5 the probability is."""
        return abs(self.probability - 0.5)


@dataclass(frozen=True)
class Gallery:
    """`errors`: the wrong decisions farthest from 0.5; `closest`: of the rest, the probabilities nearest to it.

    `mistakes` of `images` decisions were wrong.
    """

    errors: tuple[Exhibit, ...]
    closest: tuple[Exhibit, ...]
    mistakes: int
    images: int


def gallery(
    predictions: Sequence[Predicted], evidence: pd.DataFrame, manifest: Manifest, views: ViewsConfig, *, count: int
) -> Gallery:
    """The gallery of the headline's predictions on test, at most `count` photographs in each part.

    `evidence` is a table of `roadwork.evidence.table`. Raises DataError where the three aren't about the same images,
    PhotographError where a photograph isn't the one that was ingested or can't be read.
    """
    place = {str(image_id): row for row, image_id in enumerate(manifest.frame["image_id"])}
    rows_of = {str(image_id): rows for image_id, rows in evidence.groupby("image_id")}

    def exhibit(said: Predicted) -> Exhibit:
        if said.image_id not in rows_of or said.image_id not in place:
            raise DataError(
                f"image {said.image_id[:12]} was predicted, but has no evidence or is not in the manifest",
                where="models/evidence.parquet",
                rule="one row per labelled test image and view",
                fix="run `roadwork headline` and `roadwork evaluate` again, or `dvc repro`",
            )
        row = place[said.image_id]
        facts = {str(name): value for name, value in manifest.frame.iloc[row].items()}
        photograph = manifest.photograph(row)
        return make_exhibit(photograph, facts, said.label, said.probability, rows_of[said.image_id], views)

    errors, closest = choose(predictions, count)
    with ThreadPoolExecutor(os.cpu_count()) as several:  # decoding and resampling leave Python to the others
        shown = tuple(several.map(exhibit, [*errors, *closest]))
    return Gallery(
        errors=shown[: len(errors)],
        closest=shown[len(errors) :],
        mistakes=sum(said.wrong for said in predictions),
        images=len(predictions),
    )


def choose(predictions: Sequence[Predicted], count: int) -> tuple[list[Predicted], list[Predicted]]:
    """The most confident errors and the closest calls, at most `count` each, none in both.

    At equal distance from 0.5 the smaller image_id comes first.
    """
    wrong = [said for said in predictions if said.wrong]
    errors = sorted(wrong, key=lambda said: (-said.distance, said.image_id))[:count]
    rest = [said for said in predictions if said not in errors]
    return errors, sorted(rest, key=lambda said: (said.distance, said.image_id))[:count]
