"""A bundle against the heads, the store and the metrics that it was made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from roadwork.bundle.description import BundleDescription, member_folder
from roadwork.evaluate.calibration import Calibration
from roadwork.train.head_folder import WEIGHTS
from roadwork.verify.fault import Faults, listed

_FIX = "run `roadwork ensemble` again"


def check_members(
    description: BundleDescription, weights: Mapping[int, str], ranked: Sequence[int], faults: Faults, *, where: str
) -> None:
    """Note members that aren't `ranked`, or whose weights aren't the fine-tuned ones (`weights`: sha256 by fold)."""
    folds = [member.fold for member in description.members]
    if folds != list(ranked):
        faults.add(
            f"the members are the folds {listed(folds)}, the best of the fine-tuned heads are {listed(list(ranked))}",
            where=where,
            rule="the ensemble.members heads with the highest inner-validation MCC, best first",
            fix=_FIX,
        )
    for fold in folds:
        held = description.files[f"{member_folder(fold)}/{WEIGHTS}"]
        if fold in weights and held != weights[fold]:
            faults.add(
                f"the member of fold {fold} has the weights {held[:12]}, the fine-tuned head {weights[fold][:12]}",
                where=where,
                rule="a bundle holds the fine-tuned heads of now",
                fix=_FIX,
            )


def check_origin(
    description: BundleDescription, store: Mapping[str, Any] | None, data_digest: str | None, seed: int,
    faults: Faults, *, where: str,
) -> None:  # fmt: skip
    """Note features, data, manifest, backbone or seed other than those of now.

    `store` are the image store's attributes, `data_digest` is that of the feature table; None where they aren't known.
    """
    pairs: dict[str, tuple[Any, Any]] = {"seed": (description.seed, seed)}
    if store is not None:
        pairs |= {
            "feature_fingerprint": (description.feature_fingerprint, store["fingerprint"]),
            "manifest_digest": (description.manifest_digest, store["manifest_digest"]),
            "identity": (description.identity, store["provenance"]["backbone"]),
        }
    if data_digest is not None:
        pairs["training_data_digest"] = (description.training_data_digest, data_digest)
    for name, (found, now) in pairs.items():
        if found != now:
            faults.add(
                f"`{name}` of the bundle is {str(found)[:12]}, now it is {str(now)[:12]}",
                where=f"{where}: {name}",
                rule="a bundle is of the features, data and parameters of now",
                fix="run `roadwork finetune` for every fold, then `roadwork ensemble`, again",
            )


def check_calibrations(
    found: Mapping[str, Calibration], expected: Mapping[str, Calibration], faults: Faults, *, where: str, stage: str
) -> None:
    """Note calibrations other than those that the predictions give, but for rounding."""
    for mode, calibration in expected.items():
        pairs = ((getattr(found[mode], name), getattr(calibration, name)) for name in ("scale", "threshold"))
        if not all(np.isclose(one, other, rtol=1e-3, atol=1e-5) for one, other in pairs):
            faults.add(
                f"the calibration {mode} isn't what its predictions give",
                where=where,
                rule="scale and threshold are fitted on the predictions of now",
                fix=f"run `roadwork {stage}` again",
            )
