import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch

from roadwork.errors import DataError
from roadwork.evaluate.calibration import Calibration
from roadwork.evidence.evidence import evidence_of, find_evidence
from roadwork.evidence.table import DTYPES, image_views, read_evidence, write_evidence
from roadwork.views.geometry import view_names

CPU = torch.device("cpu")
CALIBRATION = Calibration(scale=8.0, threshold=-0.1)
NAMES = view_names(3)


@pytest.fixture
def frame(make_head, table):
    return evidence_of(table, make_head(1), CALIBRATION, NAMES, device=CPU)


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
    pd.testing.assert_frame_equal(evidence_of(informed, make_head(1), CALIBRATION, NAMES, device=CPU), frame)


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
