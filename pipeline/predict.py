"""`roadwork predict`: probabilities for photographs of no split."""

from __future__ import annotations

from pathlib import Path

from pipeline.outcome import Outcome
from pipeline.paths import PARAMS
from roadwork.predict import predict


def run(photographs: list[Path], *, bundle: Path, params: Path | None, weights: Path | None, device: str) -> Outcome:
    """One line for each photograph: probability, verdict, path. The parameter file of this folder counts if present."""
    if params is None and PARAMS.is_file():
        params = PARAMS
    found = predict(photographs, bundle, params=params, weights=weights, device=device)
    predictions = [
        {"path": str(prediction.path), "probability": prediction.probability, "roadwork": prediction.roadwork}
        for prediction in found.predictions
    ]
    lines = [
        f"{prediction.probability:.4f}  {'roadwork' if prediction.roadwork else 'no roadwork'}  {prediction.path}"
        for prediction in found.predictions
    ]
    failures = [str(failure) for failure in found.failures]
    return Outcome({"predictions": predictions, "failures": failures}, "\n".join(lines), not failures, failures)
