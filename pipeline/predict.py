"""`roadwork predict`: probabilities and evidence for photographs of no split."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.outcome import Outcome
from pipeline.paths import PARAMS
from roadwork.overlays import Overlays, draw_overlays, make_overlay_folder
from roadwork.predict import Prediction, predict
from roadwork.progress import note


def run(
    photographs: list[Path],
    *,
    bundle: Path,
    params: Path | None,
    weights: Path | None,
    device: str,
    overlay: Path | None,
) -> Outcome:
    """One line for each photograph: probability, verdict, path. The parameter file of this folder counts if present.

    With `overlay` each photograph also gets a picture in that folder. The result lists the evidence of every view.
    """
    if params is None and PARAMS.is_file():
        params = PARAMS
    if overlay is not None:
        make_overlay_folder(overlay, photographs)
    found = predict(photographs, bundle, params=params, weights=weights, device=device)
    drawn = Overlays({}, [])
    if overlay is not None:
        drawn = draw_overlays(found.predictions, overlay)
        note(f"overlays: {len(drawn.pictures)} in {overlay}")
    predictions = [_described(prediction, drawn.pictures.get(prediction.path)) for prediction in found.predictions]
    lines = [
        f"{prediction.probability:.4f}  {'roadwork' if prediction.roadwork else 'no roadwork'}  {prediction.path}"
        for prediction in found.predictions
    ]
    failures = [str(failure) for failure in (*found.failures, *drawn.failures)]
    return Outcome({"predictions": predictions, "failures": failures}, "\n".join(lines), not failures, failures)


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
