"""Heads, bundle, predictions, report: what their checks find, and that they find nothing in what is right."""

import json

import numpy as np
import pandas as pd
import pytest

from roadwork.errors import DataError
from roadwork.evaluate.calibration import Calibration
from roadwork.verify.bundle_members import check_calibrations
from roadwork.verify.fault import Faults
from roadwork.verify.heads import check_fold_predictions, check_trained
from roadwork.verify.metrics_file import check_told, read_metrics
from roadwork.verify.plots import check_plot
from roadwork.verify.predictions import (
    check_deletions,
    check_evidence,
    check_gathered,
    check_numbers,
    check_probability,
    check_same_margins,
    check_unseen,
)
from roadwork.verify.report_page import check_page, listed_files

IDS = [f"{number:064x}" for number in range(4)]


def found(check, *arguments, **options):
    faults = Faults()
    check(*arguments, faults, **options)
    return [fault.what + " " + fault.fix for fault in faults.found]


DETAILS = {"seed": 17, "reproducible": True, "epochs": 3}


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"seed": 18}, "seed 18"), ({"reproducible": False}, "reproducible False"), ({"epochs": 6}, "6 epochs"),
        ({"epochs": "3"}, "'3' epochs"), ({"epochs": -1}, "-1 epochs"),
    ],
)  # fmt: skip
def test_what_a_head_was_trained_with(change, match):
    assert found(check_trained, DETAILS, None, 17, True, 5, where="h", stage="pretrain") == []
    (fault,) = found(check_trained, DETAILS | change, None, 17, True, 5, where="h", stage="pretrain")
    assert match in fault
    assert "roadwork pretrain" in fault


@pytest.fixture
def frame():
    return pd.DataFrame({"image_id": IDS, "label": pd.array([0, 1, None, 1], dtype="Int8")})


@pytest.fixture
def divided():
    return pd.DataFrame(
        {
            "split": ["val", "test", "test", "test"],
            "block": np.arange(4, dtype=np.int32),
            "role_0": ["", "test", "test", ""],
        }
    )


@pytest.fixture
def of_fold():
    return pd.DataFrame(
        {
            "image_id": IDS[1:3], "label": pd.array([1, None], dtype="Int8"), "block": [1, 2], "fold": [0, 0],
            "margin_image_only": [0.5, -0.5], "margin_with_metadata": [0.25, 1.0],
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("column", "value", "match"),
    [
        ("image_id", "0", "`image_id`"), ("label", 0, "`label`"), ("block", 3, "`block`"), ("fold", 1, "`fold`"),
        ("margin_image_only", np.nan, "isn't finite"), ("margin_with_metadata", np.inf, "isn't finite"),
    ],
)  # fmt: skip
def test_a_folds_predictions(of_fold, frame, divided, column, value, match):
    assert found(check_fold_predictions, of_fold, 0, frame, divided, where="p") == []
    of_fold.loc[0, column] = value
    (fault,) = found(check_fold_predictions, of_fold, 0, frame, divided, where="p")
    assert match in fault
    assert "finetune 0" in fault


def test_predictions_are_of_the_unseen_images(frame, divided):
    rows = pd.DataFrame(
        {"image_id": [IDS[0], IDS[1], IDS[3]], "split": ["val", "test", "test"], "label": [0, 1, 1], "block": [0, 1, 3]}
    )
    told = {"where": "p", "stage": "headline"}
    splits = ("val", "test", "holdout")
    assert found(check_unseen, rows, frame, divided, splits, **told) == []
    assert "`label`" in found(check_unseen, rows.assign(label=[0, 1, 0]), frame, divided, splits, **told)[0]
    assert "row 0 is image" in found(check_unseen, rows.iloc[::-1], frame, divided, splits, **told)[0]
    tested = rows.iloc[1:].drop(columns="split").reset_index(drop=True)
    assert found(check_unseen, tested, frame, divided, ("test",), **told) == []
    assert "1 images, 2 are expected" in found(check_unseen, tested.iloc[:1], frame, divided, ("test",), **told)[0]
    assert found(check_unseen, rows.iloc[:0], frame, divided, ("holdout",), **told) == []


def test_predictions_hold_what_the_head_said():
    said = pd.DataFrame({"image_id": IDS[:2], "margin_image_only": [1.0, 2.0], "margin_with_metadata": [0.5, 0.0]})
    told = {"where": "p", "of": "the head", "stage": "headline"}
    assert found(check_same_margins, said.assign(probability_image_only=0.5), said, **told) == []
    (fault,) = found(check_same_margins, said.assign(margin_with_metadata=[0.5, 0.1]), said, **told)
    assert "`margin_with_metadata` isn't that of the head" in fault
    (fault,) = found(check_same_margins, said.iloc[:1], said, **told)
    assert "1 images, 2 are expected" in fault


@pytest.mark.parametrize(("value", "count"), [(np.nan, 1), (1.5, 1), (-0.1, 1), (0.0, 0), (1.0, 0)])
def test_probabilities(value, count):
    table = pd.DataFrame({f"{kind}_{mode}": [0.5, 0.5] for kind in ("margin", "probability") for mode in MODES})
    table.loc[1, "probability_with_metadata"] = value
    assert len(found(check_numbers, table, where="p", stage="headline")) == count


MODES = ("image_only", "with_metadata")


def test_the_gathered_table(of_fold):
    assert found(check_gathered, of_fold, of_fold, where="o") == []
    other = of_fold.assign(margin_image_only=[0.5, -0.4])
    (fault,) = found(check_gathered, other, of_fold, where="o")
    assert "`margin_image_only`" in fault


@pytest.fixture
def evidence():
    return pd.DataFrame(
        {
            "image_id": [IDS[0]] * 2 + [IDS[1]] * 2, "view": [0, 1] * 2, "name": ["global", "right"] * 2,
            "gate": [0.5, 0.0, 1.0, 0.2], "kept": [True, False, True, True], "logit": [1.0, np.nan, -1.0, 0.0],
            "deletion": [0.1, 0.0, -0.1, 0.0],
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("column", "row", "value"),
    [
        ("image_id", 0, IDS[3]), ("view", 1, 2), ("name", 0, "left"), ("gate", 0, 1.5), ("gate", 1, 0.5),
        ("gate", 0, np.nan), ("logit", 0, np.nan), ("logit", 1, 0.0), ("deletion", 0, np.nan), ("deletion", 0, 2.0),
    ],
)  # fmt: skip
def test_evidence(evidence, column, row, value):
    assert found(check_evidence, evidence, IDS[:2], ["global", "right"], where="e") == []
    evidence.loc[row, column] = value
    (fault,) = found(check_evidence, evidence, IDS[:2], ["global", "right"], where="e")
    assert f"`{column}`" in fault


def test_evidence_is_the_heads_own(evidence):
    assert found(check_deletions, evidence, evidence.assign(deletion=[0.1, 0.0, -0.1, 1e-9]), where="e") == []
    for name, value in (("deletion", 0.3), ("gate", 0.4), ("logit", 0.9)):
        other = evidence.copy()
        other.loc[0, name] = value
        (fault,) = found(check_deletions, evidence, other, where="e")
        assert f"`{name}`" in fault


def test_probabilities_of_a_baseline():
    table = pd.DataFrame({"probability_majority": [0.5, 1.5]})
    (fault,) = found(check_probability, table, "probability_majority", where="b", stage="baselines")
    assert "rows 1" in fault
    assert "roadwork baselines" in fault


def test_calibrations_but_for_rounding():
    right = {"image_only": Calibration(scale=1.2345678, threshold=-0.5)}
    near = {"image_only": Calibration(scale=1.234568, threshold=-0.5)}
    far = {"image_only": Calibration(scale=1.3, threshold=-0.5)}
    assert found(check_calibrations, near, right, where="b", stage="ensemble") == []
    assert len(found(check_calibrations, far, right, where="b", stage="ensemble")) == 1


def test_metrics_tell_what_the_result_tells():
    told = {"epochs": 3, "mcc": 0.5}
    assert found(check_told, told | {"more": 1}, told, where="m", of="x", stage="s") == []
    (fault,) = found(check_told, {"epochs": 4}, told, where="m", of="x", stage="s")
    assert fault.startswith("epochs, mcc differ")


@pytest.mark.parametrize(("text", "what"), [(None, "there is no"), ("{", "not readable"), ("[]", "not a JSON object")])
def test_a_metrics_file_that_is_none(tmp_path, text, what):
    path = tmp_path / "headline.json"
    path.write_text('{"mcc": 0.5}')
    assert read_metrics(path, "headline") == {"mcc": 0.5}
    path.unlink()
    if text is not None:
        path.write_text(text)
    with pytest.raises(DataError, match=rf"(?s){what}.*run `roadwork headline` again"):
        read_metrics(path, "headline")


@pytest.mark.parametrize("text", ["", "{", "[{}]", "\x00", "[" * 100_000, None])
def test_plots(tmp_path, text):
    path = tmp_path / "roc.json"
    path.write_text(json.dumps([{"fpr": 0.0, "tpr": 1.0}]))
    check_plot(path, ("[*].fpr", "[*].tpr"))
    path.unlink()
    if text is not None:
        path.write_text(text)
    with pytest.raises(DataError, match=r"(?s)roc\.json.*roadwork evaluate"):
        check_plot(path, ("[*].fpr", "[*].tpr"))


def test_the_report():
    row = '<tr><th scope="row"><code>{}</code></th><td><code>{}</code></td></tr>'
    page = "<html>" + row.format("a/b.json", "1" * 64) + row.format("c.parquet", "2" * 64) + "</html>"
    assert listed_files(page) == {"a/b.json": "1" * 64, "c.parquet": "2" * 64}
    assert found(check_page, page, {"a/b.json": "1" * 64}, where="r") == []
    assert "a/b.json" in found(check_page, page, {"a/b.json": "3" * 64}, where="r")[0]
    assert "isn't whole" in found(check_page, page[:-5], {}, where="r")[0]
    assert "isn't whole" in found(check_page, "", {}, where="r")[0]
