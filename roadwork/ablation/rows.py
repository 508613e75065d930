"""From the experiments' results to `metrics/ablation.json`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from roadwork.ablation.result import Result, check_same_images
from roadwork.ablation.seed_mean import mcc, seed_mean
from roadwork.ablation.variants import FINETUNING, FULL, Variant, override
from roadwork.evaluate.bootstrap import Resampling
from roadwork.evaluate.score import Predictions, interval_name, rounded


def rows(
    variants: Sequence[Variant], results: Mapping[str, Sequence[Result]], resampling: Resampling
) -> list[dict[str, Any]]:
    """A row for each of `variants` that has results (by name), in the order given, with its difference to `full`.

    `results` must hold `full`. A difference is taken over the seeds that both have: None without any, and for `full`.
    Times are ratios to the full head of the same seed: None where either wasn't measured on the same device with the
    same number of threads. Raises StoreError where results are of different test images.
    """
    check_same_images({name: list(runs) for name, runs in results.items() if runs})
    return [
        _row(variant, results[variant.name], results[FULL], resampling)
        for variant in variants
        if variant.name != FINETUNING and results.get(variant.name)
    ]


def finetuning(runs: Sequence[Result], resampling: Resampling) -> dict[str, Any] | None:
    """What fine-tuning changes, from the full head's results that have it; None where none has.

    `oof` and `oof_unadapted`: mean, deviation and single values of the MCC over seeds. `difference`: as in the rows of
    variants, so *without* fine-tuning minus *with*.
    """
    tuned = [run for run in runs if run.oof is not None]
    if not tuned:
        return None
    pairs = [run.adapted() for run in tuned]
    after, before = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    return rounded(
        {
            "seeds": len(tuned),
            "oof": _spread("mcc", [mcc(run) for run in after]),
            "oof_unadapted": _spread("mcc", [mcc(run) for run in before]),
            "difference": _difference(before, after, resampling),
        }
    )


def _row(variant: Variant, runs: Sequence[Result], full: Sequence[Result], resampling: Resampling) -> dict[str, Any]:
    tests = [run.headline["test"] for run in runs]
    pairs = [] if variant.name == FULL else _paired(runs, full)
    aurocs = [test["image_only"]["auroc"] for test in tests]
    return rounded(
        {
            "name": variant.name,
            "title": variant.title,
            "group": variant.group,
            "changes": [override(path, value) for path, value in variant.changes.items()],
            "seeds": len(runs),
            **_spread("mcc", [mcc(run.test()) for run in runs]),
            **_spread("auroc", [value for value in aurocs if value is not None], single=False),
            "mcc_with_metadata": _mean([test["with_metadata"]["mcc"] for test in tests]),
            "difference": _difference([run.test() for run, _ in pairs], [of.test() for _, of in pairs], resampling)
            if pairs
            else None,
            "parameters": runs[0].pretrain["parameters"],
            "epochs": _mean([run.pretrain["epochs"] for run in runs]),
            "time_per_epoch": _ratio(_paired(runs, full), lambda run: 1),
            "training_time": _ratio(_paired(runs, full), lambda run: run.pretrain["epochs"]),
        }
    )


def _difference(first: Sequence[Predictions], second: Sequence[Predictions], resampling: Resampling) -> dict[str, Any]:
    """Mean MCC of `first` minus that of `second`, seed by seed and over the seeds, with its paired interval."""
    by_seed = [mcc(one) - mcc(other) for one, other in zip(first, second, strict=True)]
    one, other = seed_mean(first, resampling), seed_mean(second, resampling)
    found = one.minus(other) if one and other else None
    interval = found.interval(resampling) if found else None
    return {
        "mcc": _mean(by_seed),
        "mcc_by_seed": by_seed,
        f"mcc_{interval_name(resampling.confidence)}": None if interval is None else [interval.low, interval.high],
        "mcc_probability_positive": found.probability_positive() if found and interval else None,
    }


def _paired(runs: Sequence[Result], full: Sequence[Result]) -> list[tuple[Result, Result]]:
    by_seed = {run.seed: run for run in full}
    return [(run, by_seed[run.seed]) for run in runs if run.seed in by_seed]


def _ratio(pairs: Sequence[tuple[Result, Result]], epochs: Callable[[Result], int]) -> float | None:
    """Mean over seeds of seconds per epoch × `epochs`, relative to the full head; a resumed training counts whole."""
    alike = [
        (run, of)
        for run, of in pairs
        if all(run.timing[key] == of.timing[key] for key in ("device", "threads"))
        and run.timing["seconds_per_epoch"]
        and of.timing["seconds_per_epoch"]
    ]
    seconds = [[one.timing["seconds_per_epoch"] * epochs(one) for one in pair] for pair in alike]
    return _mean([run / of for run, of in seconds]) if seconds else None


def _spread(name: str, values: Sequence[float], *, single: bool = True) -> dict[str, Any]:
    """Mean and standard deviation over seeds (None with fewer than two), and where `single` each value."""
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else None
    found: dict[str, Any] = {name: _mean(values), f"{name}_sd": deviation}
    return found | ({f"{name}_by_seed": list(values)} if single else {})


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
