import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch

from roadwork.errors import DataError
from roadwork.evaluate.calibration import Calibration
from roadwork.evidence.columns import DTYPES, MARGIN_DTYPES
from roadwork.evidence.evidence import find_evidence
from roadwork.evidence.table import calibrated, image_views, read_evidence, read_margin_evidence, write_evidence
from roadwork.evidence.uncalibrated import uncalibrated_table
from roadwork.views.geometry import view_names

CPU = torch.device("cpu")
CALIBRATION = Calibration(scale=8.0, threshold=-0.1)
NAMES = view_names(3)


def evidence_of(table, head):
    return calibrated(uncalibrated_table(table, head, NAMES, device=CPU), CALIBRATION)


@pytest.fixture
def frame(make_head, table):
    return evidence_of(table, make_head(1))


def test_one_row_per_image_and_view_in_order(frame, table, make_head):
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == DTYPES
    assert frame["image_id"].tolist() == [image_id for image_id in table.image_ids for _ in range(12)]
    assert frame["view"].tolist() == list(range(12)) * 9
    assert frame["name"].tolist() == list(NAMES) * 9
    expected = find_evidence([make_head(1)], table, CALIBRATION, hide_metadata=True, device=CPU)
    assert np.array_equal(frame["deletion"].to_numpy().reshape(9, 12), expected.deletions)
    assert np.array_equal(frame["gate"].to_numpy().reshape(9, 12), expected.gates)
    assert frame["kept"].sum() == 9 * 8
    assert (frame["kept"] == frame["logit"].notna()).all()
    assert (frame.loc[~frame["kept"], ["gate", "deletion"]] == 0).all(axis=None)


def test_the_metadata_is_hidden(frame, table, make_head):
    known = table.metadata._replace(gps_deg=torch.full((9, 2), 47.0), gps_present=torch.ones(9, dtype=torch.bool))
    informed = type(table)(**(vars(table) | {"metadata": known}))
    pd.testing.assert_frame_equal(evidence_of(informed, make_head(1)), frame)


def test_written_and_read_again(frame, tmp_path):
    for name in ("one", "two"):
        write_evidence(tmp_path / f"{name}.parquet", frame)
    pd.testing.assert_frame_equal(read_evidence(tmp_path / "one.parquet"), frame)
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()
    assert pq.read_table(tmp_path / "one.parquet")["logit"].null_count == 9 * 4
    assert pq.read_schema(tmp_path / "one.parquet").names == list(DTYPES)


def test_another_table_is_refused(frame, tmp_path):
    with pytest.raises(DataError, match="run `roadwork evaluate`"):
        read_evidence(tmp_path / "none.parquet")
    write_evidence(tmp_path / "other.parquet", frame.drop(columns="gate"))
    with pytest.raises(DataError, match="columns: image_id, view, name, gate"):
        read_evidence(tmp_path / "other.parquet")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match="not readable"):
        read_evidence(tmp_path / "broken.parquet")


def test_the_views_of_one_image(frame, table, make_head, tmp_path):
    write_evidence(tmp_path / "evidence.parquet", frame)
    read = read_evidence(tmp_path / "evidence.parquet")
    rows = read[read["image_id"] == table.image_ids[3]].sample(frac=1, random_state=0)
    expected = find_evidence([make_head(1)], table, CALIBRATION, hide_metadata=True, device=CPU).views(3, NAMES)
    assert image_views(rows) == expected


def test_margins_are_written_as_they_are_and_calibrated_later(table, make_head, frame, tmp_path):
    margins = uncalibrated_table(table, make_head(1), NAMES, device=CPU)
    assert {name: str(kind) for name, kind in margins.dtypes.items()} == MARGIN_DTYPES
    assert (margins.loc[~margins["kept"], "margin"] == margins.loc[~margins["kept"], "withheld"]).all()
    margins.to_parquet(tmp_path / "evidence.parquet", index=False)
    read = read_margin_evidence(tmp_path / "evidence.parquet", stage="pretrain")
    pd.testing.assert_frame_equal(calibrated(read, CALIBRATION), frame)
    steeper = calibrated(read, Calibration(scale=80.0, threshold=-0.1))["deletion"]
    assert (steeper != frame["deletion"]).any()


def test_a_table_in_margins_is_none_in_probabilities_and_the_other_way_round(table, make_head, frame, tmp_path):
    uncalibrated_table(table, make_head(1), NAMES, device=CPU).to_parquet(tmp_path / "margins.parquet", index=False)
    write_evidence(tmp_path / "evidence.parquet", frame)
    with pytest.raises(DataError, match="deletion"):
        read_evidence(tmp_path / "margins.parquet")
    with pytest.raises(DataError, match=r"(?s)margin, withheld.*run `roadwork pretrain` again"):
        read_margin_evidence(tmp_path / "evidence.parquet", stage="pretrain")
