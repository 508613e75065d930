"""What each metrics file must hold for the page: valid JSON can still be damaged, or of an old version."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Callable, Iterable, Iterator
from itertools import product
from typing import Any

from roadwork.errors import DataError
from roadwork.evaluate.score import interval_name
from roadwork.report.scores import METRICS
from roadwork.views.geometry import view_names

_INTERVAL = re.compile(r"\w+_ci[\w+-]+")
_LABELS = ("roadwork", "none")
_QUANTITIES = ("gate", "kept", "deletion", "toward")
_EXACT = ("within_splits", "across_splits", "conflicting_labels")

_KINDS = {
    **dict.fromkeys(
        ("manifest_digest", "fingerprint", "reference", "device", "label", "cpu", "source", "name", "title", "group",
         "reason", "holdout_note", "paths.[+]", "splits.[+]"), "text",
    ),
    **dict.fromkeys(("enabled", "used", "flagged", "null_flagged", "same_group"), "flag"),
    **dict.fromkeys(
        ("rows", "accepted", "rejected", "images", "roadwork", "no_roadwork", "unlabelled", "reused", "computed",
         "views", "training_images", "best_epoch", "parameters", "threads", "n", "blocks", "fold", "resamples",
         "flipped_predictions", "train_images", "inner_val_images", "outer_images", "jobs", "seed", "members.[+]",
         "seeds.[+]", "nulls.*", "within_splits", "across_splits", "conflicting_labels", "by_splits.*"), "count",
    ),
    **dict.fromkeys(("seconds", "seconds_per_epoch", "inner_val_mcc", "inner_val_mcc_before", "fpr", "tpr", "recall",
                     "precision", "predicted", "observed", "confidence", "epochs"), "number"),
    **dict.fromkeys(("holdout", "holdout_with_metadata", "difference", "finetuning", "changes", "labels.[+]"), "any"),
}  # fmt: skip
"""What stands at the end of a name, by its last key (with what stands for an item); a number or null where not here."""

PLOTS = {
    "roc": ("[*].fpr", "[*].tpr"),
    "precision_recall": ("[*].recall", "[*].precision"),
    "confusion": ("[*].actual:text", "[*].predicted:text"),
    **dict.fromkeys(
        ("calibration", "calibration_before", "oof_calibration", "oof_calibration_before"),
        ("[+].predicted", "[+].observed", "[+].n"),
    ),
}
"""What the points of each curve hold."""

INGEST = (
    "rows", "accepted", "rejected", "manifest_digest", "nulls.*",
    *(f"splits.*.{name}" for name in ("images", "roadwork", "no_roadwork", "unlabelled")),
)  # fmt: skip
EMBED_IMAGES = ("rows", "reused", "computed", "views", "fingerprint")
SAMPLING = (
    "enabled", "reference", "near_km", "target_share", "min_share", "training_images", "uniform.share_near",
    "weighted.share_near", "weighted.effective_sample_size",
    *(f"bands.*.{name}" for name in ("images", "weight", "share_of_images", "share_of_draws")),
)  # fmt: skip
PRETRAIN = ("epochs", "best_epoch", "parameters")
TIMING = ("seconds", "epochs", "seconds_per_epoch", "device", "threads")
FOLD = (
    "fold", "best_epoch", "epochs", "inner_val_mcc", "inner_val_mcc_before", "weight_change_norm",
    "flipped_predictions", "train_images", "inner_val_images", "outer_images",
)  # fmt: skip
ENSEMBLE = ("members.[+]",)
_ABLATION = (
    "seeds.[+]", "jobs", "cpu", "data.fingerprint", "data.manifest_digest", "data.source",
    *(f"rows.[+].{name}" for name in (
        "name", "title", "group", "changes", "mcc", "mcc_sd", "mcc_by_seed.[+]", "auroc", "auroc_sd", "parameters",
        "mcc_with_metadata", "epochs", "time_per_epoch", "training_time", "difference",
    )),
    "finetuning", "finetuning?.seeds",
    *(f"finetuning?.{row}.{name}" for row in ("oof", "oof_unadapted") for name in ("mcc", "mcc_sd")),
    "finetuning?.difference", *(f"missing.[*].{name}" for name in ("name", "seed")),
    *(f"skipped.[*].{name}" for name in ("title", "reason")),
)  # fmt: skip


def checked(document: Any, names: Iterable[str], *, where: str, fix: str) -> Any:
    """`document`, which holds everything that `names` says; DataError names the first that it lacks or has wrongly.

    A name is a path of keys joined by dots. `*` and `+` stand for every key of a mapping, `[*]` and `[+]` for every
    item of a list, of which `+` needs at least one; after a key with `?` all may be missing. What a value has to be
    follows a colon, or from its key: text, flag, count, number (or null, where neither says so), pair (an interval, or
    null), any.
    """
    for name in names:
        path, _, kind = name.partition(":")
        if fault := _fault(document, path.split("."), "", kind or _kind(path)):
            raise DataError(f"{where} {fault}", where=where, rule="a metrics file is as its stage wrote it", fix=fix)
    return document


def _kind(name: str) -> str:
    key = name.rpartition(".")[2]
    if key in ("*", "+", "[*]", "[+]"):
        key = ".".join(name.split(".")[-2:])
    return "pair" if _INTERVAL.fullmatch(key) else _KINDS.get(key, "number or null")


def scorecard_names(card: Any, grid: int) -> Iterator[str]:
    """What `metrics/evaluate.json` holds where photographs are cut into `grid` × `grid` tiles and three more views.

    The names of the intervals follow from its `confidence`.
    """
    yield from (_confidence(card), "resamples", "unlabelled.test", "oof.label", "holdout", "holdout_with_metadata")
    intervals = _intervals(card, METRICS)
    scores = ("n", "blocks", *METRICS, *intervals)
    differences = (*METRICS, *intervals, *(f"{name}_probability_positive" for name in METRICS))
    rows = ("test.image_only", "test.with_metadata", "oof", "oof_with_metadata", "oof_unadapted", "holdout?",
            "holdout_with_metadata?", "baselines.+", "subgroups.*.*")  # fmt: skip
    compared = ("test.with_metadata", "oof", "baselines.+")
    yield from (f"{row}.{name}" for row, name in product(rows, scores))
    yield from (f"{row}.difference.{name}" for row, name in product(compared, differences))
    yield from ("test.image_only.precision", "test.image_only.recall", "subgroups.*.*.roadwork")
    if isinstance(card, dict) and card.get("holdout") is None:
        yield "holdout_note"
    yield from ("leak_audit.leak_mcc", "leak_audit.label_entropy")
    yield from (f"leak_audit.fields.*.{name}" for name in ("used", "flagged", "null_flagged"))
    yield from (f"leak_audit.fields.*.{known}.{label}" for known, label in product(("known", "null"), _LABELS))
    yield from (f"leak_audit.fields.*.values?.*.{label}" for label in _LABELS)
    yield from (f"leak_audit.fields.*.mutual_information.{name}" for name in ("null", "value"))
    alone = ("mcc", "n", *_intervals(card, ("mcc",)))
    yield from (f"leak_audit.fields.*.{by}.{name}" for by, name in product(("alone", "null_alone"), alone))
    yield from ("duplicates.cosine", "duplicates.radius_m", *(f"duplicates.exact.{name}" for name in _EXACT))
    yield from ("duplicates.near.within_splits", "duplicates.near.across_splits", "duplicates.near.by_splits.*")
    near = ("paths.[+]", "splits.[+]", "labels.[+]", "cosine", "distance_m", "same_group")
    yield from (f"duplicates.near.examples.[*].{name}" for name in near)
    steps = product(("test", "oof"), ("before", "after"), ("ece", "brier"))
    yield from (f"calibration.{photographs}.{when}.{name}" for photographs, when, name in steps)
    yield from (f"views.{view}.{name}" for view, name in product(view_names(grid), _QUANTITIES))


def ablation_names(ablation: Any) -> Iterator[str]:
    """What `metrics/ablation.json` holds."""
    yield from (_confidence(ablation), *_ABLATION)
    for name in ("mcc", "mcc_by_seed.[+]", "mcc_probability_positive", *_intervals(ablation, ("mcc",))):
        yield from (f"rows.[+].difference?.{name}", f"finetuning?.difference?.{name}")


def _confidence(document: Any) -> str:
    """The name of the confidence, which keys of intervals follow from; where it is no number, a name nothing has."""
    found = document.get("confidence") if isinstance(document, dict) else None
    return "confidence" if isinstance(found, float) else "confidence as a number"


def _intervals(document: Any, metrics: Iterable[str]) -> list[str]:
    """The keys of intervals; none without a confidence."""
    if _confidence(document) != "confidence":
        return []
    return [f"{name}_{interval_name(document['confidence'])}" for name in metrics]


def _fault(value: Any, steps: list[str], at: str, kind: str) -> str | None:
    if not steps:
        return None if _IS[kind](value) else f"has {reprlib.repr(value)} as `{at[:-1]}`, which is a {kind}"
    step, rest = steps[0], steps[1:]
    if step in ("*", "+", "[*]", "[+]"):
        items = _items(value, step)
        if items is None:
            return f"lacks `{at}{step}`"
        return next((fault for key, item in items if (fault := _fault(item, rest, f"{at}{key}.", kind))), None)
    key = step.removesuffix("?")
    if not isinstance(value, dict):
        return f"lacks `{at}{key}`"
    if key != step and value.get(key) is None:
        return None
    if key not in value:
        return f"lacks `{at}{key}`"
    return _fault(value[key], rest, f"{at}{key}.", kind)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_pair(value: Any) -> bool:
    return value is None or (isinstance(value, list) and len(value) == 2 and all(map(_is_number, value)))


_IS: dict[str, Callable[[Any], bool]] = {
    "text": lambda value: isinstance(value, str),
    "flag": lambda value: isinstance(value, bool),
    "count": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": _is_number,
    "number or null": lambda value: value is None or _is_number(value),
    "pair": _is_pair,
    "any": lambda value: True,
}


def _items(value: Any, step: str) -> list[tuple[Any, Any]] | None:
    """Keys and values, or places and items; None for another type, or where there is none and `step` needs one."""
    if not isinstance(value, list if step.startswith("[") else dict) or ("+" in step and not value):
        return None
    return list(enumerate(value) if isinstance(value, list) else value.items())
