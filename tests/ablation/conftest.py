"""Results of experiments as they would come from their commits, with margins that can be worked out."""

import numpy as np
import pandas as pd
import pytest

from roadwork.ablation.result import Result

TEST, VAL, BLOCK = 40, 20, 2
FOLDS = 4


@pytest.fixture
def result():
    """A function that makes a Result whose head errs on the test images `wrong`, by position."""

    def make(seed=1, wrong=(), **timing):
        n = VAL + TEST
        labels = np.arange(n) % 2
        said = np.where(np.isin(np.arange(n) - VAL, list(wrong)), 1 - labels, labels)
        margins = (2.0 * said - 1) * (1 + np.arange(n) / n)
        predictions = pd.DataFrame(
            {
                "image_id": [f"{i:064x}" for i in range(n)],
                "split": np.repeat(["val", "test"], [VAL, TEST]),
                "label": labels.astype(np.int8),
                "block": (np.arange(n) // BLOCK).astype(np.int32),
                **{f"margin_{mode}": margins for mode in ("image_only", "with_metadata")},
                **{f"probability_{mode}": 1 / (1 + np.exp(-margins)) for mode in ("image_only", "with_metadata")},
            }
        )
        row = {"mcc": 0.5, "auroc": 0.8}
        return Result(
            seed=seed,
            headline={"test": {"image_only": row, "with_metadata": row | {"mcc": 0.6}}},
            pretrain={"parameters": 1000, "epochs": 10},
            timing={"device": "cpu", "threads": 1, "epochs": 10, "seconds": 20.0, "seconds_per_epoch": 2.0} | timing,
            predictions=predictions,
        )

    return make


@pytest.fixture
def tuned():
    """A function that adds to a Result the out-of-fold table of fine-tuned heads that err on the images `wrong`."""

    def add(result, wrong=()):
        test = result.predictions[result.predictions["split"] == "test"].reset_index(drop=True)
        said = np.where(np.isin(np.arange(len(test)), list(wrong)), 1 - test["label"], test["label"])
        margins = (2.0 * said - 1) * (1 + np.arange(len(test)) / len(test))
        oof = pd.DataFrame(
            {
                "image_id": test["image_id"],
                "label": pd.array(test["label"], dtype="Int8"),
                "block": test["block"],
                "fold": (test["block"] % FOLDS).to_numpy(),
                **{f"margin_{mode}": margins for mode in ("image_only", "with_metadata")},
            }
        )
        return Result(**{**vars(result), "oof": oof})

    return add


@pytest.fixture
def ablation():
    """`metrics/ablation.json` of three variants."""

    def row(name, title, group, mcc, difference):
        return {
            "name": name, "title": title, "group": group, "changes": [] if group == "full" else [f"head.{name}=0"],
            "seeds": 3, "mcc": mcc, "mcc_sd": 0.03, "mcc_by_seed": [mcc] * 3, "auroc": 0.9, "auroc_sd": 0.01,
            "mcc_with_metadata": mcc, "difference": difference, "parameters": 1234567, "epochs": 11.3333,
            "time_per_epoch": 0.5, "training_time": None,
        }  # fmt: skip

    def difference(mcc, low, high, by_seed=None):
        return {
            "mcc": mcc, "mcc_by_seed": by_seed or [mcc] * 3, "mcc_ci95": [low, high], "mcc_probability_positive": 0.31,
        }  # fmt: skip

    return {
        "threads_per_job": 1, "jobs": 2, "seeds": [1, 2, 3], "cpu": "a processor", "cores": 2, "confidence": 0.95,
        "resamples": 2000,
        "data": {"fingerprint": "f" * 64, "manifest_digest": "m" * 64, "source": "folder", "test_images": 251,
                 "weights": "pretrained"},
        "rows": [
            row("full", "full head", "full", 0.6, None),
            row("no_gate", "without the gate", "minus", 0.61, difference(0.01, -0.1, 0.12)),
            row("no_pyramid", "without the pyramid", "minus", 0.5, difference(-0.1, -0.2, -0.01)),
            row("no_metadata", "without metadata", "minus", 0.7, difference(0.1, 0.02, 0.2)),
            row("no_text", "without the description", "minus", 0.5, difference(-0.1, -0.2, -0.01, [-0.3, -0.3, 0.3])),
            row("keep_12", "pruning that keeps all 12", "instead", 0.55, difference(-0.05, -0.09, -0.01)),
        ],
        "finetuning": {
            "seeds": 2,
            "oof": {"mcc": 0.65, "mcc_sd": 0.02, "mcc_by_seed": [0.64, 0.66]},
            "oof_unadapted": {"mcc": 0.63, "mcc_sd": None, "mcc_by_seed": [0.63, 0.63]},
            "difference": difference(-0.02, -0.06, 0.02),
        },
        "missing": [],
        "skipped": [],
    }  # fmt: skip
