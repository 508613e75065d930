import pytest

from roadwork.report.page import Run

SVG = "data:image/svg+xml;base64,PHN2Zy8+"


def row(mcc, **more):
    scores = dict.fromkeys(("accuracy", "precision", "recall", "f1", "auroc", "auprc", "ece", "brier"), 0.5)
    return {"mcc": mcc, "mcc_ci95": [mcc - 0.1, mcc + 0.1], "n": 4, "blocks": 3, "threshold": 0.0} | scores | more


@pytest.fixture
def run():
    """A run of four test images, as the stages would describe it."""

    def make(**changes):
        difference = {"mcc": 0.25, "ci95": [0.125, 0.375], "probability_positive": 0.975}
        scorecard = {
            "confidence": 0.95,
            "resamples": 2000,
            "unlabelled": {"test": 3, "holdout": 0},
            "test": {"image_only": row(0.611), "with_metadata": row(0.622, difference=difference)},
            "oof": row(0.633, label="adapted to the test distribution", fold_thresholds={"0": 0.0}),
            "oof_with_metadata": row(0.644, label="adapted to the test distribution", fold_thresholds={"0": 0.0}),
            "holdout": None,
            "holdout_with_metadata": None,
            "holdout_note": "not measurable on this data",
            "baselines": {name: row(0.361, difference=difference) for name in ("majority", "linear_probe_mean")},
        }
        scorecard["leak_audit"] = {
            "text": {
                "null": {"roadwork": 1, "none": 90},
                "known": {"roadwork": 80, "none": 2},
                "alone": {"mcc": 0.955, "mcc_ci95": [0.9, 0.99], "n": 4},
            },
            "weather": {
                "null": {"roadwork": 0, "none": 0},
                "known": {"roadwork": 81, "none": 92},
                "values": {"sunny": {"roadwork": 11, "none": 12}},
                "alone": {"mcc": 0.0, "mcc_ci95": None, "n": 4},
            },
        }
        classes = (("none", "none"), ("none", "roadwork"), ("roadwork", "roadwork"), ("roadwork", "none"))
        values = {
            "scorecard": scorecard,
            "plots": {
                "roc": [{"fpr": 0.0, "tpr": 0.0}, {"fpr": 0.5, "tpr": 0.5}, {"fpr": 1.0, "tpr": 1.0}],
                "precision_recall": [{"recall": 0.0, "precision": 1.0}, {"recall": 1.0, "precision": 0.5}],
                "confusion": [{"actual": actual, "predicted": said} for actual, said in classes],
                "calibration": [{"predicted": value, "observed": 0.5, "n": 2} for value in (0.25, 0.75)],
            },
            "curves": {"train/total": [(0, 1.0), (1, 0.5)], "val/mcc_image_only": [(0, 0.1), (1, 0.2)]},
            "ingest": {"rows": 1234, "splits": {"train": {"images": 7}}},
            "embed_images": {"rows": 1234, "reused": 1200, "computed": 34},
            "sampling": {"share_near": 0.75},
            "pretrain": {"best_epoch": 3, "val_mcc": 0.5},
            "folds": [
                {
                    "fold": fold, "inner_val_mcc_before": 0.4, "inner_val_mcc": 0.5, "best_epoch": 1,
                    "weight_change_norm": 3e-4, "flipped_predictions": 0, "outer_images": 2,
                }
                for fold in range(2)
            ],
            "ensemble": {"members": [1]},
            "pictures": {"contact_sheet": SVG, "sampling": SVG},
            "backbone": {"name": "vit_huge", "weights": "random"},
            "sampling_setting": {"enabled": True, "reference": "test"},
            "params": "seed: 17  # <b>not markup</b>\n",
            "versions": {"torch": "2.15.0"},
        }  # fmt: skip
        return Run(**(values | changes))

    return make
