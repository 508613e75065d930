"""`roadwork predict`: probabilities and evidence for photographs of no split."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from pipeline.outcome import Outcome
from pipeline.paths import PARAMS
from roadwork.errors import PhotographError
from roadwork.overlays import check_overlay_folder, draw_overlay
from roadwork.predict import Prediction, predict_each
from roadwork.printable import printable
from roadwork.progress import note

Say = Callable[[str], None]


def run(
    photographs: list[Path],
    *,
    bundle: Path,
    params: Path | None,
    weights: Path | None,
    device: str,
    overlay: Path | None,
    say: Say,
    complain: Say,
    bar: bool,
) -> Outcome:
    """One line for each photograph, said as soon as it is known: probability, verdict, path.

    With `overlay` each photograph at once gets a picture in that folder. The parameter file of this folder counts if
    present. The result lists the evidence of every view; failures were handed to `complain` one by one. `bar`: whether
    to tell how far it is.
    """
    if params is None and PARAMS.is_file():
        params = PARAMS
    if overlay is not None:
        check_overlay_folder(overlay, photographs)
    predictions: list[dict[str, Any]] = []
    failures: list[str] = []
    drawn = 0

    def fail(error: PhotographError) -> None:
        failures.append(str(error))
        complain(str(error))

    with closing(predict_each(photographs, bundle, params=params, weights=weights, device=device, bar=bar)) as each:
        for found in each:
            if isinstance(found, PhotographError):
                fail(found)
                continue
            say(_line(found))
            picture = None
            if overlay is not None:
                try:
                    picture = draw_overlay(found, overlay)
                    drawn += 1
                except PhotographError as error:
                    fail(error)
            predictions.append(_described(found, picture))
    if drawn:
        note(f"overlays: {drawn} in {overlay}")
    return Outcome({"predictions": predictions, "failures": failures}, "", not failures, failures)


def _line(prediction: Prediction) -> str:
    verdict = "roadwork" if prediction.roadwork else "no roadwork"
    return f"{prediction.probability:.4f}  {verdict}  {printable(str(prediction.path))}"


def _described(prediction: Prediction, picture: Path | None) -> dict[str, Any]:
    views = [
        {
            "name": view.name,
            "box_px": box,
            "gate": view.gate,
            "kept": view.kept,
            "logit": view.logit,
            "deletion": view.deletion,
        }
        for view, box in zip(prediction.views, prediction.boxes.tolist(), strict=True)
    ]
    return {
        "path": str(prediction.path),
        "probability": prediction.probability,
        "roadwork": prediction.roadwork,
        "overlay": None if picture is None else str(picture),
        "views": views,
    }
