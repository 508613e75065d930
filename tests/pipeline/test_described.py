"""What `headline` and `ensemble` print for people."""

from __future__ import annotations

from typing import Any

from pipeline import ensemble, headline


def row(mcc: float) -> dict[str, Any]:
    return {"n": 40, "blocks": 9, "mcc": mcc, "mcc_ci95": [0.25, 0.875], "auroc": 0.75, "ece": 0.125}


def test_headline_prints_both_rows_of_test() -> None:
    text = headline.describe({"test": {"image_only": row(0.5), "with_metadata": row(0.625)}})
    assert [line.split("  ")[0] for line in text.splitlines()[2:]] == [
        "test, image only (headline)", "test, with metadata",
    ]  # fmt: skip
    assert "0.500  [0.250, 0.875]" in text
    assert "0.625  [0.250, 0.875]" in text


def test_ensemble_prints_its_members_best_first_and_their_scores() -> None:
    metrics = {
        "members": [2, 0],
        "inner_val_mcc": {"0": 0.5, "1": 0.25, "2": 0.75},
        "oof": row(0.5),
        "oof_with_metadata": row(0.625),
    }
    first, second, _, *table = ensemble.describe(metrics).splitlines()
    assert first == "member: fold 2, MCC 0.750 on its inner validation"
    assert second.startswith("member: fold 0, MCC 0.500")
    assert len(table) == 4
    assert table[2].startswith("out-of-fold, image only")
