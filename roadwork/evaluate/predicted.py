"""Whether stored predictions are of the images that are to be scored, and of the models beside them."""

from __future__ import annotations

from collections.abc import Mapping
from math import isclose

import numpy as np
import pandas as pd

from roadwork.errors import StoreError
from roadwork.evaluate.calibration import Calibration
from roadwork.evaluate.ensemble import bundle_calibrations


def check_predicted(predictions: pd.DataFrame, unseen: pd.DataFrame, split: str, *, where: str, fix: str) -> None:
    """Raise StoreError unless a table predicts each image of `split` in the table `unseen` once, and no other.

    `unseen` is that of `unseen_images`. The labels must be its labels too: the scores of the table are computed with
    its own. `fix` says what to run.
    """
    images = unseen.loc[unseen["split"] == split]
    given = predictions["image_id"].astype(str).tolist()
    labels = predictions["label"].astype("Int64").fillna(-1).tolist()
    expected = dict(zip(images["image_id"], images["label"].tolist(), strict=True))
    pairs = zip(given, labels, strict=True)
    if sorted(given) == sorted(expected) and all(expected[one] == label for one, label in pairs):
        return
    predicted = set(given)
    foreign = next((one for one in given if one not in expected), None)
    missing = next((one for one in expected if one not in predicted), None)
    what = "an image is predicted twice, or has another label in the manifest"
    if foreign is not None:
        what = f"image {foreign} is no labelled {split} image"
    elif missing is not None:
        what = f"the labelled {split} image {missing} isn't predicted"
    rule = f"predictions are of the manifest's labelled {split} images, each once"
    raise StoreError(what, where=where, rule=rule, fix=fix)


def check_calibrated(oof: pd.DataFrame, calibrations: Mapping[str, Calibration], *, where: str, fix: str) -> None:
    """Raise StoreError unless `calibrations`, by mode, are those that the out-of-fold predictions `oof` give.

    A bundle carries them, so one whose predictions are of other members is noticed: `ensemble` writes both, and may
    have been killed between them. `fix` says what to run. The last digits may be of another machine.
    """
    for mode, fitted in bundle_calibrations(oof).items():
        told = calibrations[mode]
        if not all(isclose(getattr(told, name), value, rel_tol=1e-6) for name, value in fitted):
            raise StoreError(
                f"the bundle is not of these out-of-fold predictions: {mode} is calibrated to {dict(told)}, "
                f"they give {dict(fitted)}",
                where=where,
                rule="a bundle's calibration is fitted to the predictions that are published with it",
                fix=fix,
            )


def check_probabilities(
    predictions: pd.DataFrame, calibrations: Mapping[str, Calibration], *, where: str, fix: str
) -> None:
    """Raise StoreError unless the table's probabilities are those that `calibrations`, by mode, make of its margins."""
    for mode, calibration in calibrations.items():
        margins, told = (predictions[f"{kind}_{mode}"].to_numpy(np.float64) for kind in ("margin", "probability"))
        if not np.allclose(calibration.probabilities(margins), told, rtol=1e-6, atol=1e-9):
            raise StoreError(
                f"`probability_{mode}` isn't what the bundle's calibration makes of `margin_{mode}`",
                where=where,
                rule="a bundle's calibration is that of the predictions that are published with it",
                fix=fix,
            )
